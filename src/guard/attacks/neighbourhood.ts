// Knows: what the wire teaches about a client's link: its lease, its gateway, its routers, the networks on it, the addresses it uses.
// Must not know: rules, kernel, clocks. RFC 2131, 4861, 5227. Whoever owns the uplink can say anything here, so what it can
// make findable is one gateway per client and a few link-local routers, and never an address of its choosing besides.

import type { ParsedPacket, NetworkOffer } from '../../flow/parsed-packet.ts';
import type { LearnedState } from '../../policy/servers/learned.ts';
import { isAssignable } from '../../policy/filter/own-addresses.ts';
import { addressText, isLinkLocal, isUnspecified, macText, parseAddress } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { formatPrefix, isIn, isPrivate, networkAround, parseNetwork } from './networks.ts';
import type { Observation } from '../observation.ts';
import { EtherType } from '../../wire/link/ethernet.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';

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
/** IPv6 addresses of a client: temporary ones of a week and of several prefixes (RFC 8981), and how long one counts that is not seen. */
const OWN6 = 32;
const OWN6_MS = 30 * 86_400_000;
/** An interface that has come up tries its link-local address and then asks for routers (RFC 4861 section 6.3.7), milliseconds. */
const RISE_MS = 20_000;
/** Networks on the link, and how long one counts after it was announced last. */
const LINKS = 8;
const LINK_MS = 86_400_000;
/** A prefix that is wider than this is no link (RFC 1918's largest; RFC 4291 section 2.5.4). */
const WIDEST = { 4: 8, 6: 48 } as const;
/** An address that was not used for so long makes room for another, milliseconds. */
const OWN_IDLE_MS = 300_000;

/** Stands for whoever tried an address that the kernel alone has seen. */
const NOBODY = 0;

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

/** What a client has asked a DHCP server last. Times are monotonic milliseconds, of the frame itself. */
interface LeaseRequest {
  readonly at: number;
  /** By which it knows the answer (RFC 2131 section 4.1). */
  readonly id: number;
  /** What was acknowledged first, as text: the client listens to nothing behind it. */
  given?: { readonly what: string; readonly at: number };
}

/** An acknowledgement that was told before the request that it answers: the two taps report one after the other. */
interface Early {
  readonly offer: NetworkOffer;
  readonly at: number;
}

/** `used`: a client has looked for it. */
interface Router extends Kept {
  used: boolean;
}

/** An IPv6 address of a client. */
interface Own6 extends Kept {
  /** When it was tried for doubles; -1: never here, it is only believed. */
  tried: number;
  /** The client has spoken as it, or for it, since. */
  used: boolean;
}

/** What is kept over a restart of the daemon. */
export interface NeighbourhoodRecord {
  readonly leases: readonly { mac: number; address: string; near: readonly string[]; until: number }[];
  readonly routers: readonly { address: string; until: number }[];
  readonly own: readonly { mac: number; address: string; until: number }[];
  readonly asked: readonly { mac: number; address: string; until: number }[];
  readonly own6: readonly { mac: number; address: string; until: number }[];
  readonly links: readonly { network: string; until: number }[];
}

export class Neighbourhood {
  readonly #requests = new BoundedMap<LeaseRequest, number>(CLIENTS);
  readonly #early = new BoundedMap<Early, number>(CLIENTS);
  readonly #leases = new BoundedMap<Lease, number>(CLIENTS);
  readonly #routers = new Map<string, Router>();
  readonly #own = new BoundedMap<Seen, number>(CLIENTS);
  readonly #asked = new BoundedMap<Seen, number>(CLIENTS);
  readonly #own6 = new BoundedMap<Map<string, Own6>, number>(CLIENTS);
  /** When a client tried a link-local address last. */
  readonly #rising = new BoundedMap<number, number>(CLIENTS);
  /**
   * Clients whose interface came up while this watched: it has tried each address that it has since (RFC 4862 section 5.4). Not kept
   * over a restart: in between the cable may have been pulled and addresses have come.
   */
  readonly #raised = new BoundedMap<Kept, number>(CLIENTS);
  /** By prefix in text. */
  readonly #links = new BoundedMap<Kept>(LINKS);

  /** True when the rules need what was learned. */
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

  /** Another network: what is known of the last one is of no use, and could be somebody else there. */
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

  /** What is in force at `now`, as the compilers take it. */
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

  restore({ leases, routers, own, asked, own6, links }: NeighbourhoodRecord): void {
    this.forget();
    for (const { mac, address, near, until } of leases)
      this.#leases.set(mac, { address, near, until, told: until });
    for (const { address, until } of routers) this.#routers.set(address, { until, told: until, used: true });
    for (const { mac, address, until } of own6) {
      const addresses = this.#own6.get(mac) ?? new Map<string, Own6>();
      this.#own6.set(mac, addresses.set(address, { until, told: until, tried: -1, used: true }));
    }
    for (const { network, until } of links) this.#links.set(network, { until, told: until });
    for (const [kept, list] of [
      [this.#own, own],
      [this.#asked, asked],
    ] as const) {
      for (const { mac, address, until } of list) seenOf(kept, mac).set(address, { until, told: until });
    }
  }

  /** What a client says by ARP. */
  #hear(packet: ParsedPacket, now: number): boolean {
    const mac = packet.sourceMac;
    if (packet.arpOperation !== 1 || packet.outerEtherType !== EtherType.ARP || this.#isLeased(mac, now))
      return false;
    const [sender, target] = [addressText(4, packet.source), addressText(4, packet.destination)];
    let changed = false;
    if (isPrivateAddress(sender) && packet.source[3] !== 0)
      changed = keep(seenOf(this.#own, mac), sender, { most: OWN, idle: OWN_IDLE_MS, lasts: SEEN_MS }, now);
    const unknown = target !== sender && packet.source[3] !== 0 && isPrivateAddress(target);
    if (
      unknown &&
      keep(seenOf(this.#asked, mac), target, { most: ASKED, idle: SEEN_MS, lasts: SEEN_MS }, now)
    )
      changed = true;
    return changed;
  }

  /** True when its answer is here already, and changes something. */
  #asksForLease(mac: number, id: number, at: number, now: number): boolean {
    const known = this.#requests.get(mac);
    // One that is sent again, before its answer came or behind it, asks for nothing else; a renewal may have the same number.
    const given = known?.id === id && (known.given?.at ?? -Infinity) >= at ? known.given : undefined;
    this.#requests.set(mac, { at, id, ...(given === undefined ? {} : { given }) });
    const early = this.#early.get(mac);
    this.#early.delete(mac);
    return early !== undefined && this.#acknowledged(early.offer, early.at, now);
  }

  /** Addresses that clients have tried while nobody watched; the kernel has kept them (src/policy/filter/recent-peers.ts). */
  recallTried(addresses: readonly string[], now: number): void {
    for (const address of addresses) this.#owns(NOBODY, address, now, true);
  }

  /**
   * An address that a client tries for doubles is its own on this link. One that it only speaks as is believed until its interface has
   * come up before this, and then of an advertisement only what a router has announced: a system that answers for addresses of its
   * tunnel answers for no such.
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

  /** What was only believed of it counts no longer. */
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
      // Those that were tried and never spoken as first: whoever tries hundreds does not push out what is in use.
      const idle = [...own].sort(([, a], [, b]) => Number(a.used) - Number(b.used) || a.until - b.until)[0];
      if (idle !== undefined) own.delete(idle[0]);
    }
    const one = known ?? { until: 0, told: 0, tried: -1, used: false };
    if (tries) one.tried = now;
    else one.used = true;
    one.until = now + OWN6_MS;
    own.set(address, one);
    return tellWhenStale(one, now);
  }

  #isRaised(mac: number, now: number): boolean {
    return (this.#raised.get(mac)?.until ?? 0) > now;
  }

  /** Where nobody has spoken, somebody may still be here. */
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
      // Where the addresses are public, an IPv4 network is no login page's.
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
   * Only what a client has requested, by the number that it asked with, and what was said first: what the client itself does not believe
   * must not part it from its network. Of that its address, its gateway, and the server where nobody has it elsewhere.
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
    const lease = { address, near: [...near], until: now + seconds * 1_000, told: known?.told ?? 0 };
    const tell = !same || isStale(lease, now);
    if (tell) lease.told = lease.until;
    this.#leases.set(client, lease);
    return tell;
  }

  #advertised(packet: ParsedPacket, { leaseSeconds = 0 }: NetworkOffer, now: number): boolean {
    if (leaseSeconds === 0 || !isLinkLocal(packet.source) || packet.hopLimit !== 255) return false;
    const until = now + bounded(leaseSeconds, ROUTER_SECONDS) * 1_000;
    const address = addressText(6, packet.source);
    for (const [known, { until: ends }] of this.#routers) if (ends <= now) this.#routers.delete(known);
    const router = this.#routers.get(address);
    if (router === undefined && this.#routers.size >= ROUTERS) {
      // Whoever makes up routers takes the place of the last of his own: one that was there before stays, and one that is used.
      const idle = [...this.#routers].findLast(([, { used }]) => !used);
      if (idle === undefined) return false;
      this.#routers.delete(idle[0]);
    }
    const one = router ?? { until: 0, told: 0, used: false };
    one.until = until;
    this.#routers.set(address, one);
    return tellWhenStale(one, now);
  }
}

/** RFC 3442: the default route of option 121 or 249 beats option 3. Off the client's network only a private one. */
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

/** Solicitation of a router, solicitation or advertisement of a neighbour. */
function isNeighbourMessage({ kind, icmpType, hopLimit }: ParsedPacket): boolean {
  return (
    kind === 'nd' &&
    hopLimit === 255 &&
    (icmpType === Icmp6.ROUTER_SOLICITATION ||
      icmpType === Icmp6.NEIGHBOUR_SOLICITATION ||
      icmpType === Icmp6.NEIGHBOUR_ADVERTISEMENT)
  );
}

/** Notes that an address was seen; of too many the one that was idle longest goes, if it was idle for `idle` (all milliseconds). */
function keep(
  seen: Seen,
  address: string,
  { most, idle, lasts }: { readonly most: number; readonly idle: number; readonly lasts: number },
  now: number,
): boolean {
  for (const [other, { until }] of seen) if (until <= now) seen.delete(other);
  if (!seen.has(address) && seen.size >= most) {
    const oldest = [...seen].sort(([, a], [, b]) => a.until - b.until)[0];
    if (oldest === undefined || oldest[1].until > now + lasts - idle) return false;
    seen.delete(oldest[0]);
  }
  return renew(seen, address, now + lasts, now);
}

/** True when the rules have to be told. */
function renew<K>(
  kept: { get(key: K): Kept | undefined; set(key: K, value: Kept): unknown },
  key: K,
  until: number,
  now: number,
): boolean {
  const one = kept.get(key) ?? { until: 0, told: 0 };
  one.until = until;
  kept.set(key, one);
  return tellWhenStale(one, now);
}

/** What is left of each in whole seconds; of several with one key the longest. */
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
