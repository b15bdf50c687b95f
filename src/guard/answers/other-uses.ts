// Knows: what addresses were seen to serve besides tunnels: visits past the tunnel, and answers for names. Must not know: which of it
// speaks against a tunnel's server; that is asked when an address is learned, by the policy of then: who names a tunnel after its
// client has tried to reach it has done nothing wrong.

import { FairMap } from '../incidents/quotas.ts';

/** What an address was seen to serve: a connection or packet to it, or a name that it was the answer for. */
export type OtherUse =
  | { readonly what: 'visit'; readonly protocol: number; readonly port: number; readonly name: string }
  | { readonly what: 'answer'; readonly name: string };

/** Addresses, and how long what was seen there counts, milliseconds. */
const ADDRESSES = 4_096;
const LASTING_MS = 3_600_000;
/** Of one address; of one that has served more nobody asks what it was. */
const USES = 8;

interface Uses {
  readonly uses: Map<string, { readonly use: OtherUse; at: number }>;
  /** Of whatever kind, as long as it lasts. */
  anyAt: number;
  /** Whose share of the room it takes: what a client has gone to is not pushed out by what a network answers. */
  group: OtherUse['what'];
}

export class OtherUses {
  readonly #addresses = new FairMap<Uses>(ADDRESSES);

  /** Seen at monotonic milliseconds `now`. */
  note(address: string, use: OtherUse, now: number): void {
    const known = this.#of(address, use.what, now);
    const key = keyOf(use);
    if (known.uses.size >= USES && !known.uses.has(key)) known.anyAt = now;
    else known.uses.set(key, { use, at: now });
  }

  /** Whatever it is that was said there, no tunnel's server has this address or network. */
  refuse(address: string, now: number): void {
    this.#of(address, 'visit', now).anyAt = now;
  }

  /** Whether it serves something else than what `isOurs` says to be a tunnel's. */
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

/** Names that differ in a label of twelve random digits alone are one (OpenVPN's remote-random-hostname). */
function keyOf(use: OtherUse): string {
  const name = use.name.replace(/^[0-9a-f]{12}\./, '*.');
  return use.what === 'visit' ? `${String(use.protocol)} ${String(use.port)} ${name}` : name;
}
