// Compares `nft -j list table` with the ruleset that was applied. The kernel must hold exactly that: every rule once and in order, and no
// others. Only elements with a timeout may be missing.

import { FAMILY, TABLE } from './nft-model.ts';
import type { NftChain, NftElement, NftSet } from './nft-model.ts';
import { SETS } from './nft-sets.ts';
import { once } from './per-policy.ts';
import { normalRule, normalWord, ruleText } from './readback-rule.ts';

/** Contents of a table, from a ruleset text or from the kernel's listing, with rules in normal form (readback-rule.ts). */
export interface TableShape {
  /** By name: `head` is hook, priority and policy of a base chain (`forward 0 drop`), `''` for others; `rules` are in order. */
  readonly chains: ReadonlyMap<string, { readonly head: string; readonly rules: readonly string[] }>;
  /** By name of a set or map: the keys of its elements without timeout, as `shapeKey` writes them. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  /** The same for elements with a timeout, which the kernel removes by itself. */
  readonly timed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Whether the table has a flag such as `dormant`. */
  readonly flags: boolean;
}

/** When the kernel must remove each element with a timeout: between `earliest` and `latest`. Monotonic milliseconds. */
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
 * Empty when the listing (parsed JSON of `nft -j list table`, libnftables-json(5)) is what was compiled; otherwise one sentence per
 * difference, at most twenty. Without a `reading`, elements with a timeout may be missing. Does not throw: a listing that cannot be read is
 * a difference.
 */
export function differences(listing: unknown, wanted: string | TableShape, reading?: TimedReading): string[] {
  const actual = shapeOfListing(listing);
  if (actual === undefined) return ['the listing cannot be read'];
  const expected = typeof wanted === 'string' ? expectedShape(wanted) : wanted;
  // A dormant table is listed like any other, but stops no frame.
  const found: string[] = actual.flags ? ['the table has flags, and ours has none'] : [];
  for (const [name, chain] of expected.chains) {
    const there = actual.chains.get(name);
    if (there === undefined) found.push(`chain ${name} is missing`);
    else found.push(...chainDifferences(name, chain, there));
  }
  for (const [name, chain] of actual.chains) {
    // The chain of a removed tunnel stays, empty and without a jump to it.
    if (!expected.chains.has(name) && (chain.head !== '' || chain.rules.length > 0))
      found.push(`chain ${name} is not ours`);
  }
  for (const name of expected.sets.keys()) found.push(...setDifferences(name, expected, actual));
  if (reading !== undefined) found.push(...endDifferences(actual, reading));
  return found.slice(0, 20);
}

/** Elements that somebody else removed, or gave another timeout. */
function endDifferences({ secondsLeft }: ListedShape, { ends, begun, ended }: TimedReading): string[] {
  const found: string[] = [];
  for (const { element, earliest, latest } of ends) {
    const { set, key } = element;
    const left = secondsLeft.get(set)?.get(shapeKey(element));
    // `expires` is in whole seconds.
    if (left === undefined ? earliest > ended : ended + (left + 1) * 1_000 < earliest)
      found.push(`set ${set} lost ${key} before its timeout`);
    else if (left !== undefined && begun + (left - 1) * 1_000 > latest)
      found.push(`set ${set} holds ${key} beyond its timeout`);
  }
  return found;
}

/**
 * Sentences as by `differences`, at most twenty, for some sets, from a listing of these alone, which must hold the elements `come` that
 * were just added. Elements with a timeout of one second or less may have expired.
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
  const unknownTimed = [...(actual.timed.get(name) ?? [])].find((key) => ours?.has(key) !== true);
  return [
    ...(missing === undefined ? [] : [`set ${name} lacks ${missing}`]),
    ...(foreign === undefined ? [] : [`set ${name} holds ${foreign}, which is not ours`]),
    ...(unknownTimed === undefined
      ? []
      : [`set ${name} holds ${unknownTimed} for a time, which is not ours`]),
  ];
}

/** The shape of a chain, with its rules in normal form; cached by the chain's identity. */
export const chainShape = once(({ hook, rules }: NftChain) => ({
  head: hook === undefined ? '' : `${hook} 0 drop`,
  rules: rules.map(normalRule),
}));

/** The contents that a compiled ruleset text (`rulesetText`) must have in the kernel; lines that are not of its form are left out. */
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

/** Keys of a set in the ruleset text: those with a timeout, or those without. */
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

/** The key of an element in a TableShape: its parts in normal form, joined by dots; for maps with `=` and the verdict. */
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

/**
 * The contents of a listing by `nft -j list table bridge leakguard` (parsed JSON, libnftables-json(5)); undefined when it cannot be read.
 * Does not throw.
 */
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
    // It has the timeout of its set: one of our rules added it from a frame.
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

/** Normalized word by word: a system without /etc/protocols (Debian's netbase) lists 17 instead of udp. */
function joinedKey(fields: readonly unknown[]): string {
  return fields.map((field) => normalWord(String(field))).join('.');
}

/**
 * The text to apply when `differences` finds something: the ruleset text; before it the removal of chains that have one of our names
 * on another hook, because the kernel refuses to move a chain; after it the removal of chains that are not ours, which alone would
 * survive a reload.
 */
export function repairText(listing: unknown, rulesetText: string): string {
  const actual = shapeOfListing(listing);
  const expected = expectedShape(rulesetText);
  const there = [...(actual?.chains ?? [])].filter(([name]) => /^[A-Za-z]\w*$/.test(name));
  const foreign = there.filter(([name]) => !expected.chains.has(name));
  const moved = there.filter(([name, { head }]) => {
    const ours = expected.chains.get(name);
    return ours !== undefined && hookOf(ours.head) !== hookOf(head);
  });
  // A chain can be deleted only when no other jumps to it, so all are emptied first.
  const flush = moved.length === 0 ? [] : [`flush table ${FAMILY} ${TABLE}`];
  return [
    ...flush.map((line) => `${line}\n`),
    ...moved.map(([name]) => `delete chain ${FAMILY} ${TABLE} ${name}\n`),
    rulesetText,
    // The text does not flush the sets that the kernel fills, and another program may have added elements to them.
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
