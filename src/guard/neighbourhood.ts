// Knows: what the wire teaches about a client's link: its lease, its gateway, its routers, the address it uses.
// Must not know: rules, kernel, clocks. RFC 2131, 4861, 5227. Whoever owns the uplink can say anything here, so what it can
// make findable is one gateway per client and a few link-local routers, and never an address of its choosing besides.

import type { Facts, NetworkOffer } from '../flow/facts.ts';
import type { LearnedState } from '../policy/learned.ts';
import { addressText, macText, parseAddress } from '../wire/address.ts';
import { BoundedMap } from './bounded-map.ts';
import { isIn, isPrivate, networkAround, parseNetwork } from './networks.ts';
import type { Observation } from './observation.ts';

/** How long an acknowledgement may come after its request, milliseconds. */
const ACK_MS = 60_000;
/** What is only seen, not promised for a time, is kept so long after it was seen last, milliseconds. */
const SEEN_MS = 3_600_000;
const LEASE_SECONDS = { least: 60, most: 86_400, unnamed: 3_600 };
const ROUTER_SECONDS = { least: 60, most: 9_000 };
const CLIENTS = 64;
const ROUTERS = 8;
/** Neighbours that a client without a seen lease may look for, and addresses it may have. */
const ASKED = 4;
const OWN = 2;
/** An address that was not used for so long makes room for another, milliseconds. */
const OWN_IDLE_MS = 300_000;

interface Kept {
  /** Monotonic milliseconds. */
  until: number;
  /** The same as it was told last: the kernel counts that one down. */
  told: number;
}

interface Lease extends Kept {
  readonly address: string;
  readonly near: readonly string[];
}

type Seen = Map<string, Kept>;

/** What is kept over a restart of the daemon. */
export interface NeighbourhoodRecord {
  readonly leases: readonly { mac: number; address: string; near: readonly string[]; until: number }[];
  readonly routers: readonly { address: string; until: number }[];
  readonly own: readonly { mac: number; address: string; until: number }[];
  readonly asked: readonly { mac: number; address: string; until: number }[];
}

export class Neighbourhood {
  readonly #requests = new BoundedMap<number, number>(CLIENTS);
  readonly #leases = new BoundedMap<Lease, number>(CLIENTS);
  readonly #routers = new BoundedMap<Kept>(ROUTERS);
  readonly #own = new BoundedMap<Seen, number>(CLIENTS);
  readonly #asked = new BoundedMap<Seen, number>(CLIENTS);

  /** True when the rules need what was learned. */
  observe({ facts, direction, folded }: Observation, port: 'lan' | 'wan', now: number): boolean {
    if (folded) return false;
    if (direction === 'up') return port === 'lan' && this.#hear(facts, now);
    const { offer } = facts.findings;
    if (port !== 'wan' || offer === undefined) return false;
    if (facts.kind === 'dhcp') return this.#acknowledged(offer, now);
    return facts.kind === 'nd' && facts.icmpType === 134 && this.#advertised(facts, offer, now);
  }

  /** Another network: what is known of the last one is of no use, and could be somebody else there. */
  forget(): void {
    for (const kept of [this.#requests, this.#leases, this.#routers, this.#own, this.#asked]) kept.clear();
  }

  /** What is in force at `now`, as the compilers take it. */
  state(now: number): Pick<LearnedState, 'neighbours' | 'own' | 'settled'> {
    const near = new Map<string, number>();
    const own: { mac: string; address: string; seconds: number }[] = [];
    const settled = new Map<string, number>();
    const add = (address: string, { until }: Kept): void => {
      const seconds = left(until, now);
      if (seconds > 0) near.set(address, Math.max(seconds, near.get(address) ?? 0));
    };
    for (const [mac, lease] of this.#leases) {
      const seconds = left(lease.until, now);
      if (seconds <= 0) continue;
      for (const address of lease.near) add(address, lease);
      own.push({ mac: macText(mac), address: lease.address, seconds });
      // Without a gateway a lease settles nothing.
      if (lease.near.length > 0) settled.set(macText(mac), seconds);
    }
    for (const [address, kept] of this.#routers) add(address, kept);
    for (const [mac, addresses] of this.#own) {
      if (this.#isLeased(mac, now)) continue;
      for (const [address, { until }] of addresses) {
        const seconds = left(until, now);
        if (seconds > 0) own.push({ mac: macText(mac), address, seconds });
      }
    }
    for (const [mac, addresses] of this.#asked) {
      if (this.#isLeased(mac, now)) continue;
      for (const [address, kept] of addresses) add(address, kept);
      const living = [...addresses.values()].filter(({ until }) => until > now);
      if (living.length < ASKED) continue;
      settled.set(macText(mac), left(Math.min(...living.map(({ until }) => until)), now));
    }
    return {
      neighbours: [...near].map(([address, seconds]) => ({ address, seconds })),
      own,
      settled: [...settled].map(([mac, seconds]) => ({ mac, seconds })),
    };
  }

  record(): NeighbourhoodRecord {
    const seen = (kept: Iterable<[number, Seen]>): { mac: number; address: string; until: number }[] =>
      [...kept].flatMap(([mac, addresses]) =>
        [...addresses].map(([address, { until }]) => ({ mac, address, until })),
      );
    return {
      leases: [...this.#leases].map(([mac, { address, near, until }]) => ({ mac, address, near, until })),
      routers: [...this.#routers].map(([address, { until }]) => ({ address, until })),
      own: seen(this.#own),
      asked: seen(this.#asked),
    };
  }

  restore({ leases, routers, own, asked }: NeighbourhoodRecord): void {
    this.forget();
    for (const { mac, address, near, until } of leases)
      this.#leases.set(mac, { address, near, until, told: until });
    for (const { address, until } of routers) this.#routers.set(address, { until, told: until });
    for (const [kept, list] of [
      [this.#own, own],
      [this.#asked, asked],
    ] as const) {
      for (const { mac, address, until } of list) seenOf(kept, mac).set(address, { until, told: until });
    }
  }

  /** What a client says: a request for a lease, or ARP. */
  #hear(facts: Facts, now: number): boolean {
    const mac = facts.sourceMac;
    if (facts.kind === 'dhcp') this.#requests.set(mac, now);
    if (facts.arpOperation !== 1 || facts.outerEtherType !== 0x0806 || this.#isLeased(mac, now)) return false;
    const [sender, target] = [addressText(4, facts.source), addressText(4, facts.destination)];
    let changed = false;
    if (isPrivateAddress(sender) && facts.source[3] !== 0)
      changed = keep(seenOf(this.#own, mac), sender, OWN, now, OWN_IDLE_MS);
    const unknown = target !== sender && facts.source[3] !== 0 && isPrivateAddress(target);
    if (unknown && keep(seenOf(this.#asked, mac), target, ASKED, now, SEEN_MS)) changed = true;
    return changed;
  }

  #isLeased(mac: number, now: number): boolean {
    const lease = this.#leases.get(mac);
    return lease !== undefined && lease.until > now;
  }

  /** Only what a client asked for, and of that its address, its gateway, and the server where nobody has it elsewhere. */
  #acknowledged(offer: NetworkOffer, now: number): boolean {
    const { client, address, server } = offer;
    if (client === undefined || address === undefined) return false;
    const asked = this.#requests.get(client);
    if (asked === undefined || now - asked > ACK_MS) return false;
    const gateway = gatewayOf(offer);
    const near = new Set(gateway === undefined ? [] : [gateway]);
    if (isPrivateAddress(server)) near.add(server);
    const seconds = bounded(offer.leaseSeconds ?? LEASE_SECONDS.unnamed, LEASE_SECONDS);
    const known = this.#leases.get(client);
    const same = known !== undefined && known.address === address && [...near].join() === known.near.join();
    const lease = { address, near: [...near], until: now + seconds * 1_000, told: known?.told ?? 0 };
    const tell = !same || isStale(lease, now);
    if (tell) lease.told = lease.until;
    this.#leases.set(client, lease);
    return tell;
  }

  #advertised(facts: Facts, { leaseSeconds = 0 }: NetworkOffer, now: number): boolean {
    const isLinkLocal = ((facts.source[0] ?? 0) & 0xffc00000) >>> 0 === 0xfe800000;
    if (leaseSeconds === 0 || !isLinkLocal || facts.hopLimit !== 255) return false;
    const address = addressText(6, facts.source);
    const kept = this.#routers.get(address) ?? { until: 0, told: 0 };
    kept.until = now + bounded(leaseSeconds, ROUTER_SECONDS) * 1_000;
    this.#routers.set(address, kept);
    return tellWhenStale(kept, now);
  }
}

/** RFC 3442: the default route of option 121 or 249 beats option 3. Off the client's network only a private one. */
function gatewayOf({ routes = [], router, address, prefixLength }: NetworkOffer): string | undefined {
  const byRoute = routes.find((route) => route.startsWith('0.0.0.0/0 via '))?.slice('0.0.0.0/0 via '.length);
  const gateway = byRoute ?? router;
  if (gateway === undefined) return undefined;
  const lan = networkAround(address, prefixLength);
  return isPrivateAddress(gateway) || (lan !== undefined && isIn(gateway, [lan])) ? gateway : undefined;
}

function isPrivateAddress(text: string): boolean {
  const network = parseNetwork(text);
  return parseAddress(text)?.ipVersion === 4 && network !== undefined && isPrivate(network);
}

/** Notes that an address was seen; of too many the one that was idle longest goes, if it was idle for `idle`. */
function keep(seen: Seen, address: string, most: number, now: number, idle: number): boolean {
  for (const [other, { until }] of seen) if (until <= now) seen.delete(other);
  let known = seen.get(address);
  if (known === undefined) {
    const oldest = [...seen].sort(([, a], [, b]) => a.until - b.until)[0];
    if (seen.size >= most) {
      if (oldest === undefined || oldest[1].until > now + SEEN_MS - idle) return false;
      seen.delete(oldest[0]);
    }
    known = { until: 0, told: 0 };
    seen.set(address, known);
  }
  known.until = now + SEEN_MS;
  return tellWhenStale(known, now);
}

function seenOf(kept: BoundedMap<Seen, number>, mac: number): Seen {
  const seen = kept.get(mac) ?? new Map<string, Kept>();
  kept.set(mac, seen);
  return seen;
}

/** The kernel has it for less than half of the time that it is good for. */
function isStale({ until, told }: Kept, now: number): boolean {
  return told - now < (until - now) / 2;
}

function tellWhenStale(kept: Kept, now: number): boolean {
  const stale = isStale(kept, now);
  if (stale) kept.told = kept.until;
  return stale;
}

function left(until: number, now: number): number {
  return Math.floor((until - now) / 1_000);
}

function bounded(
  seconds: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  return Math.min(Math.max(seconds, least), most);
}
