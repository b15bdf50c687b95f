// The only place that runs `nft`. Text through `nft -f -` is one transaction; `nft -j -f -` fails on a piped stdin, so JSON is used for
// reading only.

import type { NftSet } from '../../src/policy/compile/nft-model.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import { addressText } from '../../src/wire/ip/address.ts';
import { RunError, run } from '../os/run-command.ts';

/** An object of the JSON listing (libnftables-json(5)), with a single key such as `chain`, `rule`, `counter`. */
type NftObject = Readonly<Record<string, unknown>>;

/**
 * The output of `nft -j list` (libnftables-json(5)): objects with a single key each, such as `table` or `rule`, first the `metainfo` with
 * nft's version.
 */
export interface NftListing {
  /** The objects, of several listings one after the other. */
  readonly nftables: readonly NftObject[];
}

/**
 * Applies a ruleset text (nft(8)) as one transaction: all or nothing. Rejects with RunError; `failed` means that the kernel or nft refused
 * it, and nothing changed. After `timeout` it may have been applied.
 */
export async function applyRuleset(text: string): Promise<void> {
  await run('nft', ['-f', '-'], text);
}

/**
 * Checks whether this kernel would accept a ruleset text, without applying it (`nft -c`). Rejects with RunError `failed` and nft's message
 * in `stderr` when it would not.
 */
export async function checkRuleset(text: string): Promise<void> {
  await run('nft', ['-c', '-f', '-'], text);
}

/**
 * The whole table as libnftables-json(5) gives it: chains, rules, sets with elements, counters. Rejects with RunError `failed` when it does
 * not exist.
 */
export async function listTable(family: string, table: string): Promise<NftListing> {
  return JSON.parse(await run('nft', ['-j', 'list', 'table', family, table])) as NftListing;
}

/** Only these sets, with elements. Rejects with RunError when one does not exist. Objects of all sets in one listing, in the order of `sets`. */
export async function listSets(
  family: string,
  table: string,
  sets: readonly Pick<NftSet, 'keyword' | 'name'>[],
): Promise<NftListing> {
  // One at a time: with several in one command, nft 1.0 reads the elements of only one and reports the others as missing.
  const texts = await Promise.all(
    sets.map(({ keyword, name }) => run('nft', ['-j', 'list', keyword, family, table, name])),
  );
  return { nftables: texts.flatMap((text) => (JSON.parse(text) as NftListing).nftables) };
}

/**
 * Elements of a set of raw IPv6 addresses, which nft lists as `0x…`, in the text form of RFC 5952, in nft's order; empty when there is no
 * such set. Rejects with RunError when nft cannot be run.
 */
export async function listAddresses(family: string, table: string, set: string): Promise<readonly string[]> {
  const raw = (await setText(family, table, set)).match(/"0x[0-9a-f]{1,32}"/g) ?? [];
  return raw.map((quoted) => {
    const digits = quoted.slice(3, -1).padStart(32, '0');
    return addressText(
      6,
      Uint32Array.from({ length: 4 }, (_, at) => parseInt(digits.slice(8 * at, 8 * at + 8), 16)),
    );
  });
}

/**
 * Elements of a set of MAC and IP address pairs as nft writes them, with the whole seconds left; elements that do not expire are left out.
 * Empty when there is no such set. Rejects with RunError when nft cannot be run.
 */
export async function listPairs(
  family: string,
  table: string,
  set: string,
): Promise<readonly AnsweredAddress[]> {
  const { nftables } = JSON.parse(await setText(family, table, set)) as NftListing;
  const listed = nftables.flatMap((object) => {
    const elements = (object['set'] as { elem?: unknown } | undefined)?.elem;
    return Array.isArray(elements) ? (elements as unknown[]) : [];
  });
  return listed.flatMap((element) => {
    const { val, expires } = (element as { elem?: { val?: unknown; expires?: unknown } }).elem ?? {};
    const [client, address] = (val as { concat?: readonly unknown[] } | undefined)?.concat ?? [];
    if (typeof client !== 'string' || typeof address !== 'string' || typeof expires !== 'number') return [];
    return [{ client, address, seconds: expires }];
  });
}

/** The JSON listing of a set; an empty listing when there is no such set. */
async function setText(family: string, table: string, set: string): Promise<string> {
  try {
    return await run('nft', ['-j', 'list', 'set', family, table, set]);
  } catch (error) {
    if (error instanceof RunError && error.code === 'failed') return '{"nftables":[]}';
    throw error;
  }
}

/**
 * Whether these rules drop leaks, as in block mode: the chain `leak` has a rule with the counter `leak_dropped`
 * (src/policy/compile/nft.ts). False when there is no such chain.
 */
export function dropsLeaksIn(listing: NftListing): boolean {
  return listing.nftables.some((object) => {
    const rule = object['rule'] as { chain?: unknown; expr?: unknown } | undefined;
    return rule?.chain === 'leak' && JSON.stringify(rule.expr ?? []).includes('"leak_dropped"');
  });
}

/**
 * The counters of a table: packets by counter name, since the table was created or the counter reset. A table that was deleted and created
 * again has another handle, and starts at zero.
 */
export interface TableCounters {
  readonly handle: number;
  readonly values: ReadonlyMap<string, number>;
}

/**
 * The counters of a table; undefined when there is no such table. Two listings: a table that is created again in between has the old handle
 * with new counts. Rejects with RunError when nft cannot be run.
 */
export async function listCounters(family: string, table: string): Promise<TableCounters | undefined> {
  const tables = JSON.parse(await run('nft', ['-j', 'list', 'tables', family])) as NftListing;
  const handle = tableHandle(tables, table);
  if (handle === undefined) return undefined;
  const counters = await run('nft', ['-j', 'list', 'counters', 'table', family, table]);
  return { handle, values: counterValues(JSON.parse(counters) as NftListing) };
}

/**
 * The handle of a table in a listing, the kernel's number for it (libnftables-json(5), TABLE); undefined when it is not there. Families are
 * not compared.
 */
export function tableHandle({ nftables }: NftListing, table: string): number | undefined {
  for (const object of nftables) {
    const { name, handle } = (object['table'] ?? {}) as { name?: unknown; handle?: unknown };
    if (name === table && typeof handle === 'number') return handle;
  }
  return undefined;
}

/** Packets by counter name, from a listing; a counter that is not in it has no entry. Bytes are ignored. Never throws. */
export function counterValues(listing: NftListing): Map<string, number> {
  const values = new Map<string, number>();
  for (const object of listing.nftables) {
    const counter = object['counter'] as { name?: unknown; packets?: unknown } | undefined;
    if (typeof counter?.name === 'string' && typeof counter.packets === 'number') {
      values.set(counter.name, counter.packets);
    }
  }
  return values;
}
