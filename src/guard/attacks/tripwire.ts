// Finds network attacks (README.md, rule T): what a network sends that can draw traffic out of tunnels. RFC 3442 (DHCP routes:
// TunnelVision), RFC 8910, RFC 4861, RFC 4191; TunnelCrack (LocalNet, ServerIP). Honest networks do some of it too, so each attack by
// itself is amber.

import { isCut } from '../../policy/filter/cut-answers.ts';
import { hostAsked } from '../../policy/servers/names.ts';
import { aliasesOf } from '../answers/questions.ts';
import type { ParsedPacket, NetworkOffer } from '../../flow/parsed-packet.ts';
import { addressText, inNetwork, macText, parseAddress } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { formatPrefix, isPrivate, networkAround, parseNetwork } from './networks.ts';
import type { Network } from './networks.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Observation } from '../observation.ts';
import { EVERYTHING6, portal, redirects, steering } from './network-attacks.ts';
import type { NetworkAttack } from './network-attacks.ts';
import { Icmp6 } from '../../wire/ip/icmp.ts';
import { Protocol } from '../../wire/ip/ip.ts';

export type { NetworkAttack } from './network-attacks.ts';

/** With a shorter lease a client asks for new settings, and takes them, again and again. Seconds. */
const SHORT_LEASE = 60;
/** Most addresses remembered of one tunnel server, routers of one network, and clients. */
const ADDRESSES = 64;
const ROUTERS = 16;
const CLIENTS = 64;

/** By host name of a tunnel's server, the addresses it resolved to. Kept for the next process, to which a changed one would look like the first. */
export type KnownServers = Readonly<Record<string, readonly string[]>>;

/** Remembers what the network said before, to notice what changes. Bounded in servers' addresses, routers and clients. */
export class Tripwire {
  #names = new Set<string>();
  /** Addresses of servers that must not be reached by a local route. */
  #far: readonly string[] = [];
  readonly #servers = new Map<string, Set<string>>();
  #known: KnownServers | undefined;
  /** By client's MAC address, the IPv4 address that it was given on this network. */
  readonly #leases = new BoundedMap<string, number>(CLIENTS);
  /** Public prefixes that routers announced as on the link. */
  readonly #prefixes = new Map<string, true>();
  /** By router's link-local address, its MAC address. */
  readonly #routers = new Map<string, number>();
  #gateway: { readonly address: string; mac: number | undefined } | undefined;

  /** Watches the servers of this policy; forgets those it does not have. */
  setPolicy(policy: Policy): void {
    const tunnels = policy.tunnels.flatMap((tunnel) => tunnel.endpoints);
    const others = [...policy.proxies, ...policy.resolvers.map((resolver) => resolver.endpoint)];
    this.#names = new Set(tunnels.filter((e) => e.hostIs === 'name').map((e) => e.host));
    for (const name of this.#servers.keys()) if (!this.#names.has(name)) this.#servers.delete(name);
    this.#known = undefined;
    this.#far = [...tunnels, ...others].filter((e) => e.hostIs !== 'name').map((e) => e.host);
  }

  /** Addresses that tunnels' host names resolved to; the same object until it changes. */
  get knownServers(): KnownServers {
    return (this.#known ??= Object.fromEntries(
      [...this.#servers].map(([name, known]) => [name, [...known]]),
    ));
  }

  /** Restores what an earlier process knew about tunnels of the policy; texts that are no address are left out. */
  recall(known: KnownServers): void {
    for (const [name, addresses] of Object.entries(known)) {
      if (!this.#names.has(name)) continue;
      const all = [...(this.#servers.get(name) ?? []), ...addresses.filter((text) => parseAddress(text))];
      this.#servers.set(name, new Set(all.slice(0, ADDRESSES)));
    }
    this.#known = undefined;
  }

  /** The link was lost: another network has another gateway, and that is not a network attack. */
  reset(): void {
    this.#gateway = undefined;
    this.#routers.clear();
    this.#prefixes.clear();
    this.#leases.clear();
  }

  /** The network attacks that one observation from wan shows; mostly none. */
  see({ packet, folded }: Pick<Observation, 'packet' | 'folded'>): NetworkAttack[] {
    if (folded) return [];
    if (packet.unassignedField !== '') return this.#probe(packet);
    const { offer, answers } = packet.findings;
    if (packet.kind === 'dns' && answers.length > 0) return this.#moves(packet);
    const mac = packet.sourceMac;
    if (packet.kind === 'arp') {
      return [...this.#claim(addressText(4, packet.source), mac), ...this.#probe(packet)];
    }
    if (offer === undefined) return this.#probe(packet);
    if (packet.kind === 'dhcp') return this.#dhcp(offer, mac);
    if (packet.kind === 'nd' && packet.icmpType === Icmp6.ROUTER_ADVERTISEMENT)
      return this.#routerAdvertisement(offer, mac);
    return packet.kind === 'icmp' || packet.kind === 'nd' ? redirects(offer) : [];
  }

  /**
   * Somebody probes one client for an address that it does not have on this network. If it is the client's address inside a tunnel, the
   * client gives that away by answering by ARP (MLLVD-CR-24-03) or by what it does with the packet (CVE-2019-14899).
   */
  #probe(packet: ParsedPacket): NetworkAttack[] {
    const own = this.#leases.get(packet.destinationMac);
    const asksByArp = packet.arpOperation === 1;
    const asks6 = packet.unassignedField === 'target';
    const version = packet.ipVersion === 6 ? 6 : 4;
    if (packet.unassignedField === '') {
      if (own === undefined || (packet.ipVersion !== 4 && !asksByArp)) return [];
      const asked = parseNetwork(addressText(4, packet.destination));
      if (addressText(4, packet.destination) === own || asked === undefined || !isPrivate(asked)) return [];
    }
    const address = addressText(version, asks6 ? packet.target : packet.destination);
    const from = asksByArp ? macText(packet.sourceMac) : addressText(version, packet.source);
    const what = asksByArp
      ? 'asks only your device, by ARP, for'
      : asks6
        ? 'asks only your device for'
        : 'sends your device a packet for';
    const has = version === 4 && own !== undefined ? ` (it has ${own})` : '';
    return [
      {
        what: 'address of a tunnel tried',
        exposure: `address ${address} tried`,
        why: `${from} ${what} ${address}, which it does not have on this network${has}: a way to find out which address a tunnel gave it (CVE-2019-14899, MLLVD-CR-24-03)`,
        destination: from,
        scope: [],
      },
    ];
  }

  #dhcp(offer: NetworkOffer, mac: number): NetworkAttack[] {
    const { server, router, leaseSeconds } = offer;
    if (offer.client !== undefined && offer.address !== undefined)
      this.#leases.set(offer.client, offer.address);
    const lan = networkAround(offer.address, offer.prefixLength, true);
    const networkAttacks = [...portal(offer), ...this.#overlaps(lan, server)];
    const routes = steering(offer.routes, lan);
    if (routes.length > 0) {
      const list = routes.map(({ text }) => text).join(', ');
      networkAttacks.push({
        what: 'routes by DHCP',
        exposure: `routes by DHCP: ${list}`,
        why: `DHCP from ${server} sets routes besides the default one (option 121 or 249): ${list}. Traffic that they cover bypasses a tunnel that follows the routing table (TunnelVision)`,
        destination: server,
        scope: routes.map(({ network }) => network),
      });
    }
    if (lan?.ipVersion === 4 && !isPrivate(lan)) {
      networkAttacks.push({
        what: 'public network range',
        exposure: `public network range ${formatPrefix(lan)}`,
        why: `DHCP from ${server} gives the public range ${formatPrefix(lan)} to the local network: traffic to these addresses bypasses the tunnel (TunnelCrack LocalNet)`,
        destination: server,
        scope: [lan],
      });
    }
    if (leaseSeconds !== undefined && leaseSeconds < SHORT_LEASE) {
      networkAttacks.push({
        what: 'short lease',
        exposure: `short lease from ${server}`,
        why: `DHCP from ${server} gives a lease of ${leaseSeconds} s: a client that renews so often can be given new routes at any time`,
        destination: server,
        scope: [],
      });
    }
    if (router !== undefined) networkAttacks.push(...this.#gatewayBy(router, server, mac));
    return networkAttacks;
  }

  /** DHCP names a gateway. Later ones are compared with the first. */
  #gatewayBy(router: string, server: string, mac: number): NetworkAttack[] {
    const gateway = this.#gateway;
    if (gateway === undefined) {
      this.#gateway = { address: router, mac: router === server ? mac : undefined };
      return [];
    }
    if (router === gateway.address) return router === server ? this.#claim(router, mac) : [];
    const known = gateway.mac === undefined ? '' : ` (${macText(gateway.mac)})`;
    return [
      {
        what: 'another gateway',
        exposure: `gateway ${router} by DHCP from ${server}`,
        why: `DHCP from ${server} (${macText(mac)}) names ${router} as the gateway, which was ${gateway.address}${known}: everything outside a tunnel goes there`,
        destination: server,
        scope: [],
      },
    ];
  }

  /** A MAC address claims the gateway's address; the first one is believed. */
  #claim(address: string, mac: number): NetworkAttack[] {
    const gateway = this.#gateway;
    if (gateway === undefined || address !== gateway.address) return [];
    gateway.mac ??= mac;
    if (gateway.mac === mac) return [];
    return [
      {
        what: 'gateway claimed',
        exposure: `gateway ${address} claimed by ${macText(mac)}`,
        why: `the gateway ${address} was ${macText(gateway.mac)} and is now claimed by ${macText(mac)}`,
        destination: address,
        scope: [],
      },
    ];
  }

  #routerAdvertisement(offer: NetworkOffer, mac: number): NetworkAttack[] {
    const { server } = offer;
    const lan = networkAround(offer.address, offer.prefixLength);
    const networkAttacks = [...portal(offer), ...this.#overlaps(lan, server), ...this.#onLink(offer)];
    // Home routers announce routes to their own private ranges: these draw nothing out of a tunnel.
    const routes = steering(offer.routes, lan).filter(({ network }) => !isPrivate(network));
    if (routes.length > 0) {
      const list = routes.map(({ text }) => text).join(', ');
      networkAttacks.push({
        what: 'routes by router advertisement',
        exposure: `routes by router advertisement: ${list}`,
        why: `the router ${server} announces routes besides the default one: ${list}. Traffic that they cover bypasses a tunnel that follows the routing table`,
        destination: server,
        scope: routes.map(({ network }) => network),
      });
    }
    const rogue = this.#rogueBecause(server, mac);
    if (this.#routers.size < ROUTERS && !this.#routers.has(server)) this.#routers.set(server, mac);
    if (rogue !== undefined) {
      networkAttacks.push({
        what: 'another router',
        exposure: `another router ${server} (${macText(mac)})`,
        why: `${server} (${macText(mac)}) advertises itself as a router, ${rogue}: IPv6 traffic may now leave through it and bypass a tunnel that carries only IPv4`,
        destination: server,
        scope: EVERYTHING6,
      });
    }
    return networkAttacks;
  }

  /** RFC 4861 section 6.3.4: addresses that are announced as on the link are sent to directly, outside any tunnel. */
  #onLink({ server, prefixes = [] }: NetworkOffer): NetworkAttack[] {
    const networkAttacks: NetworkAttack[] = [];
    for (const { network: text, own } of prefixes) {
      const network = parseNetwork(text);
      if (network === undefined || isPrivate(network)) continue;
      const name = formatPrefix(network);
      const others = [...this.#prefixes.keys()].filter((other) => other !== name);
      if (this.#prefixes.size < ROUTERS) this.#prefixes.set(name, true);
      const because = [
        ...(network.bits < 64 ? ['larger than any real network (/64)'] : []),
        ...(own ? [] : ['although your device gets no address in it']),
        ...(others.length > 0 ? [`in addition to ${others.slice(0, 4).join(', ')}`] : []),
      ];
      if (because.length === 0) continue;
      networkAttacks.push({
        what: 'public range on the link',
        exposure: `public range ${name} on the link`,
        why: `the router ${server} says that the public range ${name} is on this link, ${because.join(', ')}: traffic to these addresses stays on the link and bypasses the tunnel (TunnelCrack LocalNet)`,
        destination: server,
        scope: [network],
      });
    }
    return networkAttacks;
  }

  #rogueBecause(server: string, mac: number): string | undefined {
    const known = this.#routers.get(server);
    if (known !== undefined)
      return known === mac ? undefined : `and its MAC address was ${macText(known)} before`;
    const [first] = this.#routers;
    if (first !== undefined) return `in addition to ${first[0]} (${macText(first[1])})`;
    const gateway = this.#gateway;
    if (gateway?.mac === undefined || gateway.mac === mac) return undefined;
    return `and is not the gateway ${gateway.address} (${macText(gateway.mac)})`;
  }

  #overlaps(lan: Network | undefined, server: string): NetworkAttack[] {
    if (lan === undefined) return [];
    const inside = this.#far.filter((host) => {
      const address = parseAddress(host);
      return address?.ipVersion === lan.ipVersion && inNetwork(address.words, lan.words, lan.bits);
    });
    if (inside.length === 0) return [];
    return [
      {
        what: 'network overlaps the tunnel',
        exposure: `network ${formatPrefix(lan)} overlaps the tunnel`,
        why: `the local network is ${formatPrefix(lan)}, which includes ${inside.slice(0, 4).join(', ')}: the tunnel's server is then looked for on the local network (TunnelCrack LocalNet)`,
        destination: server,
        scope: [lan],
      },
    ];
  }

  /** An answer gives a new address for a tunnel's host name (TunnelCrack ServerIP). */
  #moves(packet: ParsedPacket): NetworkAttack[] {
    const { answers } = packet.findings;
    const networkAttacks: NetworkAttack[] = [];
    const owners = new Set(answers.map(({ name }) => name));
    for (const asked of owners) {
      const name = hostAsked(this.#names, asked);
      if (name === undefined) continue;
      const aliases = aliasesOf([asked], answers);
      const known = this.#servers.get(name) ?? new Set<string>();
      const before = [...known];
      for (const { name: owner, type, value } of answers) {
        if (!aliases.has(owner)) continue;
        const network = type === 'A' || type === 'AAAA' ? parseNetwork(value) : undefined;
        if (network === undefined || known.has(value)) continue;
        // The first answer was truncated: the rest comes by TCP, and is not a change.
        if (before.length === 0 && packet.protocol === Protocol.UDP && isCut(packet)) continue;
        // An address that can no longer be remembered is still reported.
        if (known.size < ADDRESSES) {
          known.add(value);
          this.#known = undefined;
        }
        // The first address of the other family is not a change.
        const others = before.filter((address) => address.includes(':') === value.includes(':'));
        if (others.length === 0) continue;
        networkAttacks.push({
          what: `another address of ${name}`,
          exposure: name,
          moved: name,
          variant: `${name} at ${value}`,
          why: `the tunnel's server ${name} was ${others.slice(0, 4).join(', ')} and is now answered with ${value}: traffic to that address bypasses the tunnel (TunnelCrack ServerIP)`,
          destination: value,
          scope: [network],
        });
      }
      if (known.size > 0) this.#servers.set(name, known);
    }
    return networkAttacks;
  }
}
