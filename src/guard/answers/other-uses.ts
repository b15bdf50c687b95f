// What addresses were seen to serve besides tunnels: visits outside the tunnel, and answers for names. Whether that rules out a
// tunnel's server is decided only when an address is learned, by the policy of that time: a tunnel may be added to the policy after its
// client has already tried to reach it.

import { FairMap } from '../incidents/quotas.ts';

/**
 * What an address was seen to serve: a connection or packet to it (IP protocol number, port, and the name it showed or ''), or a name that
 * was answered with it.
 */
export type OtherUse =
  | { readonly what: 'visit'; readonly protocol: number; readonly port: number; readonly name: string }
  | { readonly what: 'answer'; readonly name: string };

/** Most addresses remembered, and how long an observed use counts, milliseconds. */
const ADDRESSES = 4_096;
const LASTING_MS = 3_600_000;
/** Most uses remembered of one address; one with more counts as in other use whatever they are. */
const USES = 8;

interface Uses {
  readonly uses: Map<string, { readonly use: OtherUse; at: number }>;
  /** When a use was seen that counts whatever it is, monotonic milliseconds. */
  anyAt: number;
  /** Whose share of the room it takes: answers of the network must not push out visits of clients. */
  group: OtherUse['what'];
}

/**
 * Uses of addresses besides tunnels, at most 4,096 addresses; each use counts for an hour. Addresses are canonical text, `now` is monotonic
 * milliseconds.
 */
export class OtherUses {
  readonly #addresses = new FairMap<Uses>(ADDRESSES);

  /** Notes a use. */
  note(address: string, use: OtherUse, now: number): void {
    const known = this.#of(address, use.what, now);
    const key = keyOf(use);
    if (known.uses.size >= USES && !known.uses.has(key)) known.anyAt = now;
    else known.uses.set(key, { use, at: now });
  }

  /** Notes that no tunnel's server has this address or network, whatever was seen there. */
  refuse(address: string, now: number): void {
    this.#of(address, 'visit', now).anyAt = now;
  }

  /** Whether the address serves anything that `isOurs` does not accept as a tunnel's. */
  isOther(address: string, now: number, isOurs: (use: OtherUse) => boolean): boolean {
    const known = this.#addresses.get(address);
    if (known === undefined) return false;
    if (now - known.anyAt <= LASTING_MS) return true;
    return [...known.uses.values()].some(({ use, at }) => now - at <= LASTING_MS && !isOurs(use));
  }

  #of(address: string, group: OtherUse['what'], now: number): Uses {
    const known: Uses = this.#addresses.get(address) ?? { uses: new Map(), anyAt: -Infinity, group };
    for (const [key, { at }] of known.uses) if (now - at > LASTING_MS) known.uses.delete(key);
    if (group === 'visit') known.group = group;
    this.#addresses.set(address, known, known.group);
    return known;
  }
}

/** Names that differ only in a first label of twelve random hexadecimal digits are one (OpenVPN's remote-random-hostname). */
function keyOf(use: OtherUse): string {
  const name = use.name.replace(/^[0-9a-f]{12}\./, '*.');
  return use.what === 'visit' ? `${String(use.protocol)} ${String(use.port)} ${name}` : name;
}
