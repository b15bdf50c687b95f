// Knows: what a ruleset is made of, and its text as ONE nft transaction. Must not know: what the rules mean.
// Make what is missing, empty rules and sets, fill them anew. Named counters are
// neither flushed nor made anew, so they keep their values; two commands in place of one transaction leak.

export const FAMILY = 'bridge';
export const TABLE = 'leakguard';

export interface NftSet {
  readonly name: string;
  readonly keyword: 'set' | 'map';
  /** `ipv4_addr . inet_proto : verdict` */
  readonly type?: string;
  /** In place of the type: the expression whose values it holds, where nft has no name for them. */
  readonly of?: string;
  readonly timeouts: boolean;
  /** Its elements may be networks and ranges; none overlaps another. */
  readonly intervals?: boolean;
  /** Filled by rules, from frames: at most so many elements, each for so long. What is in it is nobody's but the kernel's. */
  readonly learned?: { readonly size: number; readonly seconds: number };
}

export interface NftElement {
  readonly set: string;
  readonly key: string;
  /** `goto t0_wireguard`, for maps. */
  readonly verdict?: string;
  readonly seconds?: number;
}

export interface NftChain {
  readonly name: string;
  /** Why-line, for whoever reads the listing. */
  readonly why?: string;
  readonly hook?: 'prerouting' | 'forward' | 'input' | 'output';
  readonly rules: readonly string[];
}

export interface NftRuleset {
  readonly counters: readonly string[];
  readonly sets: readonly NftSet[];
  readonly elements: readonly NftElement[];
  readonly chains: readonly NftChain[];
  /** Sets that rules fill and that begin anew with this ruleset; others keep what the kernel has learned. */
  readonly emptied?: readonly NftSet[];
}

/**
 * A rule of more matches than the kernel takes in one: what does not fit goes on in chains of its own, named after `name`. Where a piece
 * does not match, the rules behind the first go on.
 */
export function inPieces(
  name: string,
  head: string,
  [first = '', ...rest]: readonly string[],
  end: string,
): { readonly rule: string; readonly chains: readonly NftChain[] } {
  const chainOf = (at: number): string => `${name}_${at + 1}`;
  const chains = rest.map((piece, at) => ({
    name: chainOf(at),
    rules: [`${piece} goto ${at + 1 === rest.length ? end : chainOf(at + 1)}`],
  }));
  const next = rest.length === 0 ? `goto ${end}` : `jump ${chainOf(0)}`;
  return { rule: `${head}${first} ${next}`, chains };
}

/** The text for `nft -f`. */
export function rulesetText(ruleset: NftRuleset): string {
  const { sets, chains } = ruleset;
  const elements = bySet(ruleset.elements);
  return [
    ...tableText(ruleset),
    `flush table ${FAMILY} ${TABLE}`,
    // What the kernel has learned itself stays: the answer that a client waits for may be what the new ruleset came from.
    ...sets
      .filter(({ learned }) => learned === undefined)
      .concat(ruleset.emptied ?? [])
      .map(flushText),
    `table ${FAMILY} ${TABLE} {`,
    ...sets.map((set) => `  ${setText(set, elements.get(set.name) ?? [])}`),
    ...chains.flatMap(chainText),
    '}',
    '',
  ].join('\n');
}

export function flushText({ keyword, name }: NftSet): string {
  return `flush ${keyword} ${FAMILY} ${TABLE} ${name}`;
}

/** The table with all that has a name, and nothing in it: what is there already stays as it is. */
export function tableText({ counters, sets, chains }: Omit<NftRuleset, 'elements' | 'emptied'>): string[] {
  return [
    `table ${FAMILY} ${TABLE} {`,
    ...counters.map((name) => `  counter ${name} { }`),
    ...sets.map((set) => `  ${setText(set, [])}`),
    ...chains.map((chain) => `  ${chainHead(chain)} }`),
    '}',
  ];
}

function setText(set: NftSet, elements: readonly NftElement[]): string {
  const { learned } = set;
  const flags =
    learned === undefined
      ? set.timeouts
        ? ' flags timeout;'
        : set.intervals === true
          ? ' flags interval;'
          : ''
      : ` flags dynamic,timeout; timeout ${learned.seconds}s; size ${learned.size};`;
  const held = elements.length === 0 ? '' : ` elements = { ${elements.map(elementText).join(', ')} }`;
  const type = set.of === undefined ? `type ${set.type ?? ''}` : `typeof ${set.of}`;
  return `${set.keyword} ${set.name} { ${type};${flags}${held} }`;
}

function elementText(element: NftElement): string {
  const timeout = element.seconds === undefined ? '' : ` timeout ${wholeSeconds(element.seconds)}s`;
  const verdict = element.verdict === undefined ? '' : ` : ${element.verdict}`;
  return `${element.key}${timeout}${verdict}`;
}

/** Zero would mean for ever, and an opening never lasts longer than asked for but for the part of a second. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds));
}

function chainHead(chain: NftChain): string {
  const hook = chain.hook === undefined ? '' : ` type filter hook ${chain.hook} priority 0; policy drop;`;
  return `chain ${chain.name} {${hook}`;
}

/**
 * To match a field of ARP, ICMP or an IPv6 extension header nft asks the frame for its ether type, of IP it asks the kernel; where
 * the kernel has taken a tag off, the two differ. So each such rule asks the kernel first, and nft asks nothing more.
 */
const PROTOCOL_OF: readonly (readonly [RegExp, string])[] = [
  [/(?:^| )arp (?:htype|operation|saddr|daddr) /, 'arp'],
  [/(?:^| )icmp type /, 'ip'],
  [/(?:^| )(?:icmpv6 type|frag frag-off|frag nexthdr|exthdr (?:frag|hbh)) /, 'ip6'],
];

/** `meta protocol arp `, or '' where a rule needs none. */
export function protocolMatch(rule: string): string {
  const found = PROTOCOL_OF.find(([field]) => field.test(rule));
  return found === undefined ? '' : `meta protocol ${found[1]} `;
}

/** A chain with its rules, as it stands within a table. */
export function chainText(chain: NftChain): string[] {
  const why = chain.why === undefined ? [] : [`  # ${chain.why}`];
  return [
    ...why,
    `  ${chainHead(chain)}`,
    ...chain.rules.map((rule) => `    ${protocolMatch(rule)}${rule}`),
    '  }',
  ];
}

/** One transaction that takes elements out whether they are there or not. */
export function removeText(elements: readonly NftElement[]): string {
  return `${addText(elements)}${elementsText('delete', elements, keyText)}`;
}

/** One transaction that puts elements in that are not there. */
export function addText(elements: readonly NftElement[]): string {
  return elementsText('add', elements, elementText);
}

function elementsText(
  verb: 'add' | 'delete',
  elements: readonly NftElement[],
  textOf: (element: NftElement) => string,
): string {
  return [...bySet(elements)]
    .map(([set, held]) => `${verb} element ${FAMILY} ${TABLE} ${set} { ${held.map(textOf).join(', ')} }\n`)
    .join('');
}

function keyText(element: NftElement): string {
  return element.verdict === undefined ? element.key : `${element.key} : ${element.verdict}`;
}

function bySet(elements: readonly NftElement[]): ReadonlyMap<string, readonly NftElement[]> {
  const sets = new Map<string, NftElement[]>();
  for (const element of elements) {
    const held = sets.get(element.set);
    if (held === undefined) sets.set(element.set, [element]);
    else held.push(element);
  }
  return sets;
}
