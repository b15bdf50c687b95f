// Knows: how to hold `nft -j list table` against the ruleset text that was applied. Must not know: who lists, who applies.
// What the kernel has must be what was compiled. Elements with a timeout may have gone;
// everything else must be there, once, in order, and nothing besides.

import { FAMILY, TABLE } from './nft-model.ts';
import type { NftChain, NftElement, NftSet } from './nft-model.ts';
import { SETS } from './nft-sets.ts';
import { once } from './per-policy.ts';
import { normalRule, normalWord, ruleText } from './readback-rule.ts';

/** What a ruleset text says, or what the kernel says it has. Rules are in a normal form that both reach. */
export interface TableShape {
  readonly chains: ReadonlyMap<string, { readonly head: string; readonly rules: readonly string[] }>;
  /** Set or map name → keys of its elements without timeout. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  /** The same of elements with a timeout; the kernel takes them away by itself. */
  readonly timed: ReadonlyMap<string, ReadonlySet<string>>;
  /** The table bears a flag such as `dormant`. */
  readonly flags: boolean;
}

/** When the kernel takes elements away by itself, between `earliest` and `latest`. Monotonic milliseconds. */
export type Ends = Iterable<{
  readonly element: NftElement;
  readonly earliest: number;
  readonly latest: number;
}>;

/** A listing that was read between two moments, monotonic milliseconds, and the ends that its elements must have. */
export interface TimedReading {
  readonly ends: Ends;
  readonly begun: number;
  readonly ended: number;
}

/**
 * Empty when the kernel has what was compiled; otherwise one sentence per difference, at most twenty. Without a `reading`, elements with a
 * timeout may have gone.
 */
export function differences(listing: unknown, wanted: string | TableShape, reading?: TimedReading): string[] {
  const actual = shapeOfListing(listing);
  if (actual === undefined) return ['the listing cannot be read'];
  const expected = typeof wanted === 'string' ? expectedShape(wanted) : wanted;
  // A dormant table is listed like any other, and holds no frame.
  const found: string[] = actual.flags ? ['the table has flags, which ours has not'] : [];
  for (const [name, chain] of expected.chains) {
    const there = actual.chains.get(name);
    if (there === undefined) found.push(`chain ${name} is missing`);
    else found.push(...chainDifferences(name, chain, there));
  }
  for (const [name, chain] of actual.chains) {
    // A chain of a tunnel that is gone stays behind, empty and without a way into it.
    if (!expected.chains.has(name) && (chain.head !== '' || chain.rules.length > 0))
      found.push(`chain ${name} is not ours`);
  }
  for (const name of expected.sets.keys()) found.push(...setDifferences(name, expected, actual));
  if (reading !== undefined) found.push(...endDifferences(actual, reading));
  return found.slice(0, 20);
}

/** An element that another hand took out, or gave another end: what it closes would open, or stay open. */
function endDifferences({ secondsLeft }: ListedShape, { ends, begun, ended }: TimedReading): string[] {
  const found: string[] = [];
  for (const { element, earliest, latest } of ends) {
    const { set, key } = element;
    const left = secondsLeft.get(set)?.get(shapeKey(element));
    // The kernel says whole seconds.
    if (left === undefined ? earliest > ended : ended + (left + 1) * 1_000 < earliest)
      found.push(`set ${set} lets go of ${key} before its time`);
    else if (left !== undefined && begun + (left - 1) * 1_000 > latest)
      found.push(`set ${set} holds ${key} beyond its time`);
  }
  return found;
}

/**
 * The same of some sets alone, from a listing of these, which must hold what was just put in. Elements that end within the second may
 * have gone already.
 */
export function elementDifferences(
  listing: unknown,
  expected: TableShape,
  { sets, come }: { readonly sets: readonly NftSet[]; readonly come: readonly NftElement[] },
): string[] {
  const actual = shapeOfListing(listing);
  if (actual === undefined) return ['the listing cannot be read'];
  const missing = come.filter(
    (one) =>
      one.seconds !== undefined && one.seconds > 1 && actual.timed.get(one.set)?.has(shapeKey(one)) !== true,
  );
  return [
    ...sets.flatMap(({ name }) => setDifferences(name, expected, actual)),
    ...missing.map(({ set, key }) => `set ${set} lacks ${key}`),
  ].slice(0, 20);
}

function chainDifferences(
  name: string,
  expected: { readonly head: string; readonly rules: readonly string[] },
  actual: { readonly head: string; readonly rules: readonly string[] },
): string[] {
  const found: string[] = [];
  if (expected.head !== actual.head)
    found.push(`chain ${name} is attached as "${actual.head}", not "${expected.head}"`);
  if (expected.rules.length !== actual.rules.length) {
    found.push(`chain ${name} has ${actual.rules.length} rules instead of ${expected.rules.length}`);
  }
  for (const [at, rule] of expected.rules.entries()) {
    const there = actual.rules[at];
    if (there === undefined || there === rule) continue;
    found.push(`chain ${name}, rule ${at + 1}: "${there}" instead of "${rule}"`);
    break;
  }
  return found;
}

function setDifferences(name: string, { sets, timed }: TableShape, actual: TableShape): string[] {
  const [keys, there] = [sets.get(name), actual.sets.get(name)];
  if (there === undefined) return [`set ${name} is missing`];
  const missing = [...(keys ?? [])].find((key) => !there.has(key));
  const foreign = [...there].find((key) => keys?.has(key) !== true);
  const ours = timed.get(name);
  const foreignTimed = [...(actual.timed.get(name) ?? [])].find((key) => ours?.has(key) !== true);
  return [
    ...(missing === undefined ? [] : [`set ${name} lacks ${missing}`]),
    ...(foreign === undefined ? [] : [`set ${name} holds ${foreign}, which is not ours`]),
    ...(foreignTimed === undefined
      ? []
      : [`set ${name} holds ${foreignTimed} for a time, which is not ours`]),
  ];
}

/** The shape of a chain. */
export const chainShape = once(({ hook, rules }: NftChain) => ({
  head: hook === undefined ? '' : `${hook} 0 drop`,
  rules: rules.map(normalRule),
}));

/** The shape that a compiled ruleset text must have in the kernel. */
export function expectedShape(rulesetText: string): TableShape {
  const chains = new Map<string, { head: string; rules: string[] }>();
  const sets = new Map<string, ReadonlySet<string>>();
  const timed = new Map<string, ReadonlySet<string>>();
  const text = rulesetText.slice(rulesetText.lastIndexOf(`table ${FAMILY} ${TABLE} {`));
  let rules: string[] | undefined;
  for (const line of text.split('\n')) {
    const chain = /^ {2}chain (\w+) \{(?: type filter hook (\w+) priority 0; policy (\w+);)?$/.exec(line);
    if (chain !== null) {
      rules = [];
      const head = chain[2] === undefined ? '' : `${chain[2]} 0 ${chain[3] ?? ''}`;
      chains.set(chain[1] ?? '', { head, rules });
      continue;
    }
    const set =
      /^ {2}(?:set|map) (\w+) \{ type(?:of)? [^;]+;(?: flags (?:timeout|interval|dynamic,timeout; timeout \d+s; size \d+);)?(?: elements = \{ (.*) \})? \}$/.exec(
        line,
      );
    if (set !== null) {
      sets.set(set[1] ?? '', writtenKeys(set[2] ?? '', false));
      timed.set(set[1] ?? '', writtenKeys(set[2] ?? '', true));
    } else if (line.startsWith('    ')) rules?.push(normalRule(line.trim()));
  }
  return { chains, sets, timed, flags: false };
}

/** Keys of a set as the ruleset text has them: those with a timeout, or those without. */
function writtenKeys(elements: string, timed: boolean): ReadonlySet<string> {
  const keys = elements
    .split(', ')
    .filter((element) => element !== '' && element.includes(' timeout ') === timed);
  const plain = timed ? keys.map((element) => element.replace(/ timeout \d+s/, '')) : keys;
  return new Set(
    plain.map((element) => {
      if (!element.includes(' ')) return normalWord(element);
      const [key = '', verdict] = element.split(' : ');
      return `${joinedKey(key.split(' . '))}${verdict === undefined ? '' : `=${verdict}`}`;
    }),
  );
}

/** How a shape calls an element. */
export function shapeKey({ key, verdict }: NftElement): string {
  const whole = key.includes(' . ') ? joinedKey(key.split(' . ')) : normalWord(key);
  return verdict === undefined ? whole : `${whole}=${verdict}`;
}

interface Listed {
  readonly [key: string]: unknown;
}

function isListed(value: unknown): value is Listed {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface ListedShape extends TableShape {
  /** Set or map name → elements with a timeout → seconds until the kernel takes them away. */
  readonly secondsLeft: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** The shape of a `nft -j list table bridge leakguard`; undefined when it is none. */
export function shapeOfListing(listing: unknown): ListedShape | undefined {
  if (!isListed(listing) || !Array.isArray(listing['nftables'])) return undefined;
  const chains = new Map<string, { head: string; rules: string[] }>();
  const sets = new Map<string, ReadonlySet<string>>();
  const timed = new Map<string, ReadonlySet<string>>();
  const secondsLeft = new Map<string, ReadonlyMap<string, number>>();
  let flags = false;
  for (const entry of listing['nftables'] as unknown[]) {
    if (!isListed(entry)) return undefined;
    const { table, chain, rule, set, map } = entry as {
      table?: unknown;
      chain?: unknown;
      rule?: unknown;
      set?: unknown;
      map?: unknown;
    };
    if (isListed(chain)) {
      const head =
        chain['hook'] === undefined
          ? ''
          : [chain['hook'], chain['prio'], chain['policy']].map(String).join(' ');
      chains.set(String(chain['name']), { head, rules: [] });
    } else if (isListed(rule)) {
      chains.get(String(rule['chain']))?.rules.push(ruleText(rule['expr']));
    } else {
      const named = isListed(set) ? set : map;
      if (isListed(named)) {
        const name = String(named['name']);
        const left = listedKeys(named['elem'], true);
        sets.set(name, new Set(listedKeys(named['elem'], false).keys()));
        timed.set(name, new Set(left.keys()));
        secondsLeft.set(name, left);
      }
      if (isListed(table)) flags ||= table['flags'] !== undefined;
    }
  }
  return { chains, sets, timed, secondsLeft, flags };
}

/** Keys with a timeout or without, and the seconds that they have left. */
function listedKeys(elements: unknown, timed: boolean): ReadonlyMap<string, number> {
  const keys = new Map<string, number>();
  if (!Array.isArray(elements)) return keys;
  for (const listed of elements as unknown[]) {
    if (typeof listed === 'string' || typeof listed === 'number') {
      if (!timed) keys.set(normalWord(String(listed)), Infinity);
      continue;
    }
    const [key, verdict] = Array.isArray(listed) ? (listed as readonly unknown[]) : [listed];
    const element = isListed(key) && isListed(key['elem']) ? key['elem'] : {};
    const hasEnd = element['timeout'] !== undefined;
    // By its set's own time: a rule of ours has put it there, from a frame.
    if (hasEnd !== timed || (!hasEnd && element['expires'] !== undefined)) continue;
    const value = verdict === undefined ? '' : `=${ruleText([verdict])}`;
    keys.set(`${keyText(key)}${value}`, Number(element['expires'] ?? 0));
  }
  return keys;
}

function keyText(key: unknown): string {
  if (isListed(key) && Array.isArray(key['concat'])) return joinedKey(key['concat'] as unknown[]);
  if (isListed(key) && isListed(key['elem'])) return keyText(key['elem']['val']);
  if (isListed(key) && isListed(key['prefix']))
    return `${String(key['prefix']['addr'])}/${String(key['prefix']['len'])}`;
  if (isListed(key) && Array.isArray(key['range'])) return (key['range'] as unknown[]).map(String).join('-');
  return String(key);
}

/** A system without /etc/protocols (Debian's netbase) lists 17 where another says udp. */
function joinedKey(fields: readonly unknown[]): string {
  return fields.map((field) => normalWord(String(field))).join('.');
}

/**
 * The ruleset text with an end that takes away chains which are not ours, for they alone survive a reload; and with a
 * beginning that takes away those which bear a name of ours on another hook, for the kernel refuses to move a chain. To
 * be applied in place of the text when `differences` finds something.
 */
export function mendingText(listing: unknown, rulesetText: string): string {
  const actual = shapeOfListing(listing);
  const expected = expectedShape(rulesetText);
  const there = [...(actual?.chains ?? [])].filter(([name]) => /^[A-Za-z]\w*$/.test(name));
  const foreign = there.filter(([name]) => !expected.chains.has(name));
  const moved = there.filter(([name, { head }]) => {
    const ours = expected.chains.get(name);
    return ours !== undefined && hookOf(ours.head) !== hookOf(head);
  });
  // No other chain may lead to one that goes, so all are emptied first.
  const away = moved.length === 0 ? [] : [`flush table ${FAMILY} ${TABLE}`];
  return [
    ...away.map((line) => `${line}\n`),
    ...moved.map(([name]) => `delete chain ${FAMILY} ${TABLE} ${name}\n`),
    rulesetText,
    // What another hand put there is in no text of ours.
    ...SETS.filter(({ learned }) => learned !== undefined).map(
      ({ name }) => `flush set ${FAMILY} ${TABLE} ${name}\n`,
    ),
    ...foreign.map(([name]) => `delete chain ${FAMILY} ${TABLE} ${name}\n`),
  ].join('');
}

/** Hook and priority, without the policy, which can be changed in place. */
function hookOf(head: string): string {
  return head.split(' ').slice(0, 2).join(' ');
}
