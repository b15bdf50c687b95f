// Learns about each client's link from the wire: its lease, gateway, routers, networks and the addresses it uses. RFC 2131, 4861, 5227.
// The uplink can say anything here, so all it can make reachable is one gateway per client and a few link-local routers, never another
// address of its choosing.

import type { ParsedPacket, NetworkOffer } from '../../flow/parsed-packet.ts';
import type { LearnedState } from '../../policy/servers/learned.ts';
import { isAssignable } from '../../policy/filter/own-addresses.ts';
import { addressText, isLinkLocal, isUnspecified, macText, parseAddress } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { formatPrefix, isIn, isPrivate, networkAround, parseNetwork } from './networks.ts';
import type { Observation } from '../observation.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

/** How late a DHCP acknowledgement may come after its request, milliseconds. */
const ACK_MS = 60_000;
/** How long an address without a lease is kept after it was last seen, milliseconds. */
const SEEN_MS = 3_600_000;
const LEASE_SECONDS = { min: 60, max: 86_400, unnamed: 3_600 };
const ROUTER_SECONDS = { min: 60, max: 9_000 };
const CLIENTS = 64;
const ROUTERS = 8;
/** Most neighbours that a client whose lease was not seen may look for, and most addresses it may have. */
const ASKED = 4;
const OWN = 2;
/** Most IPv6 addresses of a client (temporary ones of a week, under several prefixes: RFC 8981), and how long one counts after it was last seen. */
const OWN6 = 32;
const OWN6_MS = 30 * 86_400_000;
/** An interface that has come up tries its link-local address and then asks for routers (RFC 4861 section 6.3.7), milliseconds. */
const RISE_MS = 20_000;
/** Most networks on the link, and how long one counts after it was last announced. */
const LINKS = 8;
const LINK_MS = 86_400_000;
/** Shorter prefixes are not taken for a link's network (RFC 1918's largest range; RFC 4291 section 2.5.4). */
const WIDEST = { 4: 8, 6: 48 } as const;
/** An address that has not been used for so long makes room for another, milliseconds. */
const OWN_IDLE_MS = 300_000;

/** The client of an address that only the kernel saw being tried. */
const NOBODY = 0;

interface Kept {
  /** Monotonic milliseconds. */
  until: number;
  /** The end as it was last sent to the kernel, which counts that one down. */
  sent: number;
}

interface Lease extends Kept {
  readonly address: string;
  readonly near: readonly string[];
}

type Seen = Map<string, Kept>;

/** A client's latest DHCP request. Times are those of the frames, monotonic milliseconds. */
interface LeaseRequest {
  readonly at: number;
  /** Transaction id, by which the client recognises the answer (RFC 2131 section 4.1). */
  readonly id: number;
  /** The first acknowledgement, as text: the client ignores later ones. */
  given?: { readonly what: string; readonly at: number };
}

/** An acknowledgement that was reported before its request: the two taps report one after the other. */
interface Early {
  readonly offer: NetworkOffer;
  readonly at: number;
}

/** A router; `used`: a client has looked for it. */
interface Router extends Kept {
  used: boolean;
}

/** An IPv6 address of a client. */
interface Own6 extends Kept {
  /** When the client tried it (duplicate address detection), monotonic milliseconds; -1: not seen here, it is only believed. */
  tried: number;
  /** The client has sent from it, or answered for it, since. */
  used: boolean;
}

/**
 * What is kept across a restart of the daemon. `until`: monotonic milliseconds since boot; `mac`: as a 48-bit number, 0 where the client is
 * not known; addresses are text, networks `address/length`.
 */
export interface NeighbourhoodRecord {
  readonly leases: readonly { mac: number; address: string; near: readonly string[]; until: number }[];
  readonly routers: readonly { address: string; until: number }[];
  readonly own: readonly { mac: number; address: string; until: number }[];
  readonly asked: readonly { mac: number; address: string; until: number }[];
  readonly own6: readonly { mac: number; address: string; until: number }[];
  readonly links: readonly { network: string; until: number }[];
}

/** What is known about the clients' link: at most 64 clients, 8 routers and 8 networks. `now` is monotonic milliseconds. */
export class Neighbourhood {
  readonly #requests = new BoundedMap<LeaseRequest, number>(CLIENTS);
  readonly #early = new BoundedMap<Early, number>(CLIENTS);
  readonly #leases = new BoundedMap<Lease, number>(CLIENTS);
  readonly #routers = new Map<string, Router>();
  readonly #own = new BoundedMap<Seen, number>(CLIENTS);
  readonly #asked = new BoundedMap<Seen, number>(CLIENTS);
  readonly #own6 = new BoundedMap<Map<string, Own6>, number>(CLIENTS);
  /** When a client last tried a link-local address. */
  readonly #rising = new BoundedMap<number, number>(CLIENTS);
  /**
   * Clients whose interface came up while the box was watching: they have tried each of their addresses since (RFC 4862 section 5.4). Not
   * kept across a restart: the cable may have been unplugged meanwhile, and addresses may have been added.
   */
  readonly #raised = new BoundedMap<Kept, number>(CLIENTS);
  /** By prefix in text. */
  readonly #links = new BoundedMap<Kept>(LINKS);

  /**
   * Takes an observation of one port's tap; true when the rules have to be updated. What clients say counts on lan, what the network says
   * on wan.
   */
  observe(
    { packet, direction, verdict, folded, first }: Observation,
    port: 'lan' | 'wan',
    now: number,
  ): boolean {
    if (folded) return false;
    if (direction === 'up') {
      if (port !== 'lan') return false;
      if (isNeighbourMessage(packet)) return verdict.verdict === 'essential' && this.#speaks(packet, now);
      const { leaseRequest } = packet.findings;
      if (leaseRequest !== undefined) return this.#asksForLease(packet.sourceMac, leaseRequest, first, now);
      return this.#hear(packet, now);
    }
    const { offer } = packet.findings;
    if (port !== 'wan' || offer === undefined) return false;
    let changed = this.#linked(offer, packet.kind === 'dhcp', now);
    if (packet.kind === 'dhcp' && this.#acknowledged(offer, first, now)) changed = true;
    const isRouter = packet.kind === 'nd' && packet.icmpType === Icmp6.ROUTER_ADVERTISEMENT;
    return (isRouter && this.#advertised(packet, offer, now)) || changed;
  }

  /** Forgets everything: on another network the same addresses may belong to others. */
  forget(): void {
    for (const kept of [
      this.#requests,
      this.#early,
      this.#leases,
      this.#routers,
      this.#own,
      this.#asked,
      this.#own6,
      this.#rising,
      this.#raised,
      this.#links,
    ])
      kept.clear();
  }

  /** Everything that is valid at `now`, in the form that the policy compilers take: `seconds` are whole seconds left, rounded down. */
  state(
    now: number,
  ): Pick<LearnedState, 'neighbours' | 'own' | 'settled' | 'own6' | 'settled6' | 'unsettled6' | 'links'> {
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
      own6: [
        ...longest(
          [...this.#own6].flatMap(([, addresses]) => [...addresses]),
          now,
        ),
      ].map(([address, seconds]) => ({ address, seconds })),
      unsettled6: this.#isUnsettled(now),
      settled6: [...longest(this.#raised, now)].map(([mac, seconds]) => ({ mac: macText(mac), seconds })),
      links: [...longest(this.#links, now)].map(([network, seconds]) => ({ network, seconds })),
    };
  }

  /** What to keep across a restart of the daemon. */
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
      own6: [...this.#own6].flatMap(([mac, addresses]) =>
        [...addresses].map(([address, { until }]) => ({ mac, address, until })),
      ),
      links: [...this.#links].map(([network, { until }]) => ({ network, until })),
    };
  }

  /** Restores what `record` returned. */
  restore({ leases, routers, own, asked, own6, links }: NeighbourhoodRecord): void {
    this.forget();
    for (const { mac, address, near, until } of leases)
      this.#leases.set(mac, { address, near, until, sent: until });
    for (const { address, until } of routers) this.#routers.set(address, { until, sent: until, used: true });
    for (const { mac, address, until } of own6) {
      const addresses = this.#own6.get(mac) ?? new Map<string, Own6>();
      this.#own6.set(mac, addresses.set(address, { until, sent: until, tried: -1, used: true }));
    }
    for (const { network, until } of links) this.#links.set(network, { until, sent: until });
    for (const [kept, list] of [
      [this.#own, own],
      [this.#asked, asked],
    ] as const) {
      for (const { mac, address, until } of list) seenOf(kept, mac).set(address, { until, sent: until });
    }
  }

  /** Takes an ARP request of a client without a lease: its own address, and the neighbour it looks for. */
  #hear(packet: ParsedPacket, now: number): boolean {
    const mac = packet.sourceMac;
    if (packet.arpOperation !== 1 || packet.outerEtherType !== EtherType.ARP || this.#isLeased(mac, now))
      return false;
    const [sender, target] = [addressText(4, packet.source), addressText(4, packet.destination)];
    let changed = false;
    if (isPrivateAddress(sender) && packet.source[3] !== 0)
      changed = keep(seenOf(this.#own, mac), sender, { limit: OWN, idle: OWN_IDLE_MS, lasts: SEEN_MS }, now);
    const unknown = target !== sender && packet.source[3] !== 0 && isPrivateAddress(target);
    if (
      unknown &&
      keep(seenOf(this.#asked, mac), target, { limit: ASKED, idle: SEEN_MS, lasts: SEEN_MS }, now)
    )
      changed = true;
    return changed;
  }

  /** Notes a DHCP request; true when its answer is here already and changes something. */
  #asksForLease(mac: number, id: number, at: number, now: number): boolean {
    const known = this.#requests.get(mac);
    // A request that is repeated, before or after its answer, asks for the same thing; a renewal may have the same transaction id.
    const given = known?.id === id && (known.given?.at ?? -Infinity) >= at ? known.given : undefined;
    this.#requests.set(mac, { at, id, ...(given === undefined ? {} : { given }) });
    const early = this.#early.get(mac);
    this.#early.delete(mac);
    return early !== undefined && this.#acknowledged(early.offer, early.at, now);
  }

  /** Takes addresses that clients tried while no daemon ran; the kernel kept them (src/policy/filter/recent-peers.ts). */
  recallTried(addresses: readonly string[], now: number): void {
    for (const address of addresses) this.#owns(NOBODY, address, now, true);
  }

  /**
   * Takes a client's neighbour message. An address that it tries (duplicate address detection) is its own on this link. An address that it
   * only sends from is believed as long as its interface has not come up while the box was watching; one that it only answers for, if in
   * addition a router has announced its network: a system may answer for addresses of its tunnel, which are not in such a network.
   */
  #speaks(packet: ParsedPacket, now: number): boolean {
    const { sourceMac: mac, source, target, icmpType } = packet;
    if (icmpType === Icmp6.ROUTER_SOLICITATION) return this.#rises(mac, now);
    const asks = icmpType === Icmp6.NEIGHBOUR_SOLICITATION;
    const router = asks ? this.#routers.get(addressText(6, target)) : undefined;
    if (router !== undefined) router.used = true;
    const tries = asks && isUnspecified(source);
    const address = asks && !tries ? source : target;
    if (!isAssignable(address)) return false;
    if (tries && isLinkLocal(target)) this.#rising.set(mac, now);
    const text = addressText(6, address);
    const isBelieved = isLinkLocal(address) || asks || this.#isOnLink(text);
    const isOwn = this.#own6.get(mac)?.has(text) === true;
    if (!tries && !isOwn && (this.#isRaised(mac, now) || !isBelieved)) return false;
    return this.#owns(mac, text, now, tries);
  }

  /** The client's interface came up: addresses that were only believed no longer count. */
  #rises(mac: number, now: number): boolean {
    const began = this.#rising.get(mac);
    if (began === undefined || now - began > RISE_MS) return false;
    this.#rising.delete(mac);
    const own = this.#own6.get(mac);
    for (const [address, { tried }] of own ?? []) if (tried < began) own?.delete(address);
    renew(this.#raised, mac, now + OWN6_MS, now);
    return true;
  }

  #owns(mac: number, address: string, now: number, tries: boolean): boolean {
    const own = this.#own6.get(mac) ?? new Map<string, Own6>();
    this.#own6.set(mac, own);
    const known = own.get(address);
    if (known === undefined && own.size >= OWN6) {
      // First drop addresses that were tried and never used: a client that tries hundreds must not push out those in use.
      const idle = [...own].sort(([, a], [, b]) => Number(a.used) - Number(b.used) || a.until - b.until)[0];
      if (idle !== undefined) own.delete(idle[0]);
    }
    const one = known ?? { until: 0, sent: 0, tried: -1, used: false };
    if (tries) one.tried = now;
    else one.used = true;
    one.until = now + OWN6_MS;
    own.set(address, one);
    return refreshWhenStale(one, now);
  }

  #isRaised(mac: number, now: number): boolean {
    return (this.#raised.get(mac)?.until ?? 0) > now;
  }

  /** Whether some client's addresses may not be known; also when no client has sent anything yet. */
  #isUnsettled(now: number): boolean {
    const clients = [...this.#own6].map(([mac]) => mac).filter((mac) => mac !== NOBODY);
    return clients.length === 0 || clients.some((mac) => !this.#isRaised(mac, now));
  }

  #isOnLink(address: string): boolean {
    const links = [...this.#links].filter(([link]) => link.endsWith('/64'));
    return isIn(
      parseAddress(address),
      links.flatMap(([link]) => parseNetwork(link) ?? []),
    );
  }

  #linked({ address, prefixLength, prefixes = [] }: NetworkOffer, isLease: boolean, now: number): boolean {
    let changed = false;
    const own = isLease ? networkAround(address, prefixLength) : undefined;
    const links = [
      ...(own === undefined ? [] : [own]),
      ...prefixes.flatMap(({ network }) => parseNetwork(network) ?? []),
    ];
    for (const link of links) {
      const length = link.ipVersion === 4 ? link.bits - 96 : link.bits;
      // Login pages are not on links with public IPv4 addresses.
      if (length < WIDEST[link.ipVersion] || (link.ipVersion === 4 && !isPrivate(link))) continue;
      if (renew(this.#links, formatPrefix(link), now + LINK_MS, now)) changed = true;
    }
    return changed;
  }

  #isLeased(mac: number, now: number): boolean {
    const lease = this.#leases.get(mac);
    return lease !== undefined && lease.until > now;
  }

  /**
   * Takes a DHCP acknowledgement. It counts only if the client requested it under the same transaction id and it came first: one that the
   * client itself ignores must not cut it off from its network. Learned are its address, its gateway, and the server if its address is
   * private.
   */
  #acknowledged(offer: NetworkOffer, at: number, now: number): boolean {
    const { client, address, server, transaction } = offer;
    if (client === undefined || address === undefined) return false;
    const asked = this.#requests.get(client);
    if (asked === undefined || asked.id !== transaction || asked.at > at || at - asked.at > ACK_MS) {
      this.#early.set(client, { offer, at });
      return false;
    }
    const gateway = gatewayOf(offer);
    const near = new Set(gateway === undefined ? [] : [gateway]);
    if (isPrivateAddress(server)) near.add(server);
    asked.given ??= { what: [address, ...near].join(' '), at };
    if (asked.given.what !== [address, ...near].join(' ')) return false;
    const seconds = bounded(offer.leaseSeconds ?? LEASE_SECONDS.unnamed, LEASE_SECONDS);
    const known = this.#leases.get(client);
    const same = known !== undefined && known.address === address && [...near].join() === known.near.join();
    const lease = { address, near: [...near], until: now + seconds * 1_000, sent: known?.sent ?? 0 };
    const changed = !same || isStale(lease, now);
    if (changed) lease.sent = lease.until;
    this.#leases.set(client, lease);
    return changed;
  }

  #advertised(packet: ParsedPacket, { leaseSeconds = 0 }: NetworkOffer, now: number): boolean {
    if (leaseSeconds === 0 || !isLinkLocal(packet.source) || packet.hopLimit !== 255) return false;
    const until = now + bounded(leaseSeconds, ROUTER_SECONDS) * 1_000;
    const address = addressText(6, packet.source);
    for (const [known, { until: ends }] of this.#routers) if (ends <= now) this.#routers.delete(known);
    const router = this.#routers.get(address);
    if (router === undefined && this.#routers.size >= ROUTERS) {
      // A flood of made-up routers replaces only its own newest one: earlier routers stay, and those in use.
      const idle = [...this.#routers].findLast(([, { used }]) => !used);
      if (idle === undefined) return false;
      this.#routers.delete(idle[0]);
    }
    const one = router ?? { until: 0, sent: 0, used: false };
    one.until = until;
    this.#routers.set(address, one);
    return refreshWhenStale(one, now);
  }
}

/** RFC 3442: the default route of option 121 or 249 beats option 3. A gateway outside the client's network must be private. */
function gatewayOf({ routes = [], router, address, prefixLength }: NetworkOffer): string | undefined {
  const byRoute = routes.find((route) => route.startsWith('0.0.0.0/0 via '))?.slice('0.0.0.0/0 via '.length);
  const gateway = byRoute ?? router;
  if (gateway === undefined) return undefined;
  const lan = networkAround(address, prefixLength);
  return isPrivateAddress(gateway) || (lan !== undefined && isIn(parseAddress(gateway), [lan]))
    ? gateway
    : undefined;
}

function isPrivateAddress(text: string): boolean {
  const network = parseNetwork(text);
  return parseAddress(text)?.ipVersion === 4 && network !== undefined && isPrivate(network);
}

/** Whether the packet is a router solicitation, or a neighbour solicitation or advertisement. */
function isNeighbourMessage({ kind, icmpType, hopLimit }: ParsedPacket): boolean {
  return (
    kind === 'nd' &&
    hopLimit === 255 &&
    (icmpType === Icmp6.ROUTER_SOLICITATION ||
      icmpType === Icmp6.NEIGHBOUR_SOLICITATION ||
      icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT)
  );
}

/** Notes that an address was seen. When there are `limit`, the one idle longest is dropped if it was idle for at least `idle` milliseconds. */
function keep(
  seen: Seen,
  address: string,
  { limit, idle, lasts }: { readonly limit: number; readonly idle: number; readonly lasts: number },
  now: number,
): boolean {
  for (const [other, { until }] of seen) if (until <= now) seen.delete(other);
  if (!seen.has(address) && seen.size >= limit) {
    const oldest = [...seen].sort(([, a], [, b]) => a.until - b.until)[0];
    if (oldest === undefined || oldest[1].until > now + lasts - idle) return false;
    seen.delete(oldest[0]);
  }
  return renew(seen, address, now + lasts, now);
}

/** Extends an entry; true when the rules have to be updated. */
function renew<K>(
  kept: { get(key: K): Kept | undefined; set(key: K, value: Kept): unknown },
  key: K,
  until: number,
  now: number,
): boolean {
  const one = kept.get(key) ?? { until: 0, sent: 0 };
  one.until = until;
  kept.set(key, one);
  return refreshWhenStale(one, now);
}

/** The time left of each entry in whole seconds; the longest for each key. */
function longest<K>(kept: Iterable<readonly [K, Kept]>, now: number): Map<K, number> {
  const found = new Map<K, number>();
  for (const [key, { until }] of kept) {
    const seconds = left(until, now);
    if (seconds > 0) found.set(key, Math.max(seconds, found.get(key) ?? 0));
  }
  return found;
}

function seenOf(kept: BoundedMap<Seen, number>, mac: number): Seen {
  const seen = kept.get(mac) ?? new Map<string, Kept>();
  kept.set(mac, seen);
  return seen;
}

/** Whether the end that the kernel has is less than half as far away as the real one. */
function isStale({ until, sent }: Kept, now: number): boolean {
  return sent - now < (until - now) / 2;
}

function refreshWhenStale(kept: Kept, now: number): boolean {
  const stale = isStale(kept, now);
  if (stale) kept.sent = kept.until;
  return stale;
}

function left(until: number, now: number): number {
  return Math.floor((until - now) / 1_000);
}

function bounded(seconds: number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.min(Math.max(seconds, min), max);
}
