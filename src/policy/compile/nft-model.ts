// The data that a ruleset consists of, and its text as ONE nft transaction: create what is missing, empty rules and sets, fill them again.
// Named counters are neither flushed nor recreated, so they keep their values. Two commands instead of one transaction would leak.

/** The table's family and name in nft(8); the bridge's hooks see every frame between the two ports. */
export const FAMILY = 'bridge';
export const TABLE = 'leakguard';

/** A named set or map of the table, without its elements. */
export interface NftSet {
  readonly name: string;
  readonly keyword: 'set' | 'map';
  /** Types of the key's parts as nft writes them, for a map with that of the value: `ipv4_addr . inet_proto : verdict`. */
  readonly type?: string;
  /** Instead of the type: the expression whose values it holds, where nft has no type for them. */
  readonly of?: string;
  /** Whether its elements may have timeouts (`flags timeout`). */
  readonly timeouts: boolean;
  /** Its elements may be networks and ranges; they must not overlap. */
  readonly intervals?: boolean;
  /**
   * Filled by the kernel's own rules from frames: at most `size` elements, each for `seconds`. Its elements are never given or compared.
   */
  readonly learned?: { readonly size: number; readonly seconds: number };
}

/** One element of a set or map, as it is given to the kernel. */
export interface NftElement {
  readonly set: string;
  /** The key's parts in nft's text, joined by ` . `: `192.0.2.1 . udp . 51820`. */
  readonly key: string;
  /** `goto t0_wireguard`, for maps. */
  readonly verdict?: string;
  /** The kernel removes it after this time; written in whole seconds, rounded up. Undefined: it stays. */
  readonly seconds?: number;
}

/** A chain with its rules, which are evaluated in order. */
export interface NftChain {
  readonly name: string;
  /** Comment in the ruleset's text. */
  readonly why?: string;
  /** Hook of the bridge family, for a base chain of policy drop; undefined for a chain that others lead to. */
  readonly hook?: 'prerouting' | 'forward' | 'input' | 'output';
  /** In nft's text, without the match that `protocolMatch` puts in front. */
  readonly rules: readonly string[];
}

/** The whole table as data. */
export interface NftRuleset {
  /** Names of the named counters. */
  readonly counters: readonly string[];
  readonly sets: readonly NftSet[];
  readonly elements: readonly NftElement[];
  readonly chains: readonly NftChain[];
  /** Sets that rules fill and that begin anew with this ruleset; others keep what the kernel has learned. */
  readonly emptied?: readonly NftSet[];
}

/**
 * A rule with more matches than the kernel takes in one, split over the chains `name_1`, `name_2` and so on. `head` stands before the first
 * match and ends in a space or is `''`. Where all parts match, evaluation goes to the chain `end`; where one does not, with the rule after
 * this one.
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

/**
 * The text for `nft -f` that gives the table these rules and elements in one transaction, whatever it held before; counters keep their
 * values, and sets that rules fill their elements unless they are `emptied`. Chains of other names stay, empty (`repairText` removes them).
 */
export function rulesetText(ruleset: NftRuleset): string {
  const { sets, chains } = ruleset;
  const elements = bySet(ruleset.elements);
  return [
    ...tableText(ruleset),
    `flush table ${FAMILY} ${TABLE}`,
    // Sets that the kernel fills are not flushed: a client may be waiting for the very answer that caused this new ruleset.
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

/** The command for `nft -f` that empties a set or map. */
export function flushText({ keyword, name }: NftSet): string {
  return `flush ${keyword} ${FAMILY} ${TABLE} ${name}`;
}

/** Lines that declare the table's counters, sets and chains, empty; those that exist stay as they are. */
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

/** Rounded up, so at most a fraction of a second longer than asked for; zero would mean no timeout. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds));
}

function chainHead(chain: NftChain): string {
  const hook = chain.hook === undefined ? '' : ` type filter hook ${chain.hook} priority 0; policy drop;`;
  return `chain ${chain.name} {${hook}`;
}

/**
 * Before a match on ARP, ICMP or an IPv6 extension header, nft adds a match on the ether type in the frame; before IP, on the kernel's
 * protocol. The two differ where the kernel has stripped a tag. So each such rule matches the kernel's protocol, and nft adds nothing.
 */
const PROTOCOL_OF: readonly (readonly [RegExp, string])[] = [
  [/(?:^| )arp (?:htype|operation|saddr|daddr) /, 'arp'],
  [/(?:^| )icmp type /, 'ip'],
  [/(?:^| )(?:icmpv6 type|frag frag-off|frag nexthdr|exthdr (?:frag|hbh)) /, 'ip6'],
];

/** The match to put in front of a rule, such as `meta protocol arp `; '' where it needs none. */
export function protocolMatch(rule: string): string {
  const found = PROTOCOL_OF.find(([field]) => field.test(rule));
  return found === undefined ? '' : `meta protocol ${found[1]} `;
}

/** A chain with its rules, as lines inside a table, each rule with its `protocolMatch`. */
export function chainText(chain: NftChain): string[] {
  const why = chain.why === undefined ? [] : [`  # ${chain.why}`];
  return [
    ...why,
    `  ${chainHead(chain)}`,
    ...chain.rules.map((rule) => `    ${protocolMatch(rule)}${rule}`),
    '  }',
  ];
}

/**
 * Commands that remove elements whether or not they exist; `''` for none. They add them first, as nft refuses to delete what is not there.
 */
export function removeText(elements: readonly NftElement[]): string {
  return `${addText(elements)}${elementsText('delete', elements, keyText)}`;
}

/**
 * Commands that add elements, with their timeouts; `''` for none. The kernel leaves an element that exists as it is, also its old timeout.
 */
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
