// Knows: what a network says that pulls traffic out of tunnels, and which escapes it would explain. Must not know: taps, kernel, clocks.
// Follows DESIGN section 3, rule T: RFC 3442 (DHCP routes: TunnelVision), RFC 8910, RFC 4861, RFC 4191; TunnelCrack (LocalNet,
// ServerIP). An honest network may do some of it too, so each is amber by itself, told with its evidence.

import type { NetworkOffer } from '../flow/facts.ts';
import { addressText, inNetwork, macText, parseAddress } from '../wire/address.ts';
import { formatPrefix, isPrivate, networkAround, parseNetwork, sameNetwork } from './networks.ts';
import type { Network } from './networks.ts';
import type { Policy } from '../policy/policy.ts';
import type { Observation } from './observation.ts';

/** Leases shorter than this make a client ask, and obey, again and again. Seconds. */
const SHORT_LEASE = 60;
/** Addresses remembered of one tunnel server, and routers of one network. */
const ADDRESSES = 64;
const ROUTERS = 16;

/** One thing that the network did. */
export interface Trick {
  /** What it is, in words of ours: the network cannot make many of them. */
  readonly what: string;
  /** With what tells it from the next of its kind: who has accepted one has not accepted all. */
  readonly exposure: string;
  /** The tunnel server's name that leads elsewhere now. */
  readonly moved?: string;
  /** Where the exposure alone does not tell it. */
  readonly variant?: string;
  readonly why: string;
  /** The machine or address that it leads to. */
  readonly destination: string;
  /** Escapes to these may have followed from it. */
  readonly scope: readonly Network[];
}

export class Tripwire {
  #names = new Set<string>();
  /** Literal addresses that must be reached through no local route. */
  #far: readonly string[] = [];
  readonly #servers = new Map<string, Set<string>>();
  /** Link-local address of a router to its MAC address. */
  readonly #routers = new Map<string, number>();
  #gateway: { readonly address: string; mac: number | undefined } | undefined;

  setPolicy(policy: Policy): void {
    const tunnels = policy.tunnels.flatMap((tunnel) => tunnel.endpoints);
    const others = [...policy.proxies, ...policy.resolvers.map((resolver) => resolver.endpoint)];
    this.#names = new Set(tunnels.filter((e) => e.hostIs === 'name').map((e) => e.host));
    this.#far = [...tunnels, ...others].filter((e) => e.hostIs !== 'name').map((e) => e.host);
  }

  /** The wire was cut and joined anew: another network has another gateway, and that is no trick. */
  reset(): void {
    this.#gateway = undefined;
    this.#routers.clear();
  }

  /** What one observation of what came from wan gives away. */
  see({ facts, folded }: Observation): Trick[] {
    if (folded) return [];
    const { offer, answers } = facts.findings;
    if (facts.kind === 'dns' && answers.length > 0) return this.#moves(answers);
    const mac = facts.sourceMac;
    if (facts.kind === 'arp') return this.#claim(addressText(4, facts.source), mac);
    if (offer === undefined) return [];
    if (facts.kind === 'dhcp') return this.#dhcp(offer, mac);
    if (facts.kind === 'nd' && facts.icmpType === 134) return this.#routerAdvertisement(offer, mac);
    return facts.kind === 'icmp' || facts.kind === 'nd' ? redirects(offer) : [];
  }

  #dhcp(offer: NetworkOffer, mac: number): Trick[] {
    const { server, router, leaseSeconds } = offer;
    const lan = networkAround(offer.address, offer.prefixLength);
    const tricks = [...portal(offer), ...this.#overlaps(lan, server)];
    const routes = steering(offer.routes, lan);
    if (routes.length > 0) {
      const list = routes.map(({ text }) => text).join(', ');
      tricks.push({
        what: 'routes by DHCP',
        exposure: `routes by DHCP: ${list}`,
        why: `DHCP from ${server} sets routes beside the default one (option 121 or 249): ${list}. What they cover leaves a tunnel that follows the routing table (TunnelVision)`,
        destination: server,
        scope: routes.map(({ network }) => network),
      });
    }
    if (lan?.ipVersion === 4 && !isPrivate(lan)) {
      tricks.push({
        what: 'public network range',
        exposure: `public network range ${formatPrefix(lan)}`,
        why: `DHCP from ${server} gives the public range ${formatPrefix(lan)} to the local network: whatever has its addresses is reached past the tunnel (TunnelCrack LocalNet)`,
        destination: server,
        scope: [lan],
      });
    }
    if (leaseSeconds !== undefined && leaseSeconds < SHORT_LEASE) {
      tricks.push({
        what: 'short lease',
        exposure: `short lease from ${server}`,
        why: `DHCP from ${server} gives a lease of ${leaseSeconds} s: a client that asks so often can be given new routes at any time`,
        destination: server,
        scope: [],
      });
    }
    if (router !== undefined) tricks.push(...this.#gatewayBy(router, server, mac));
    return tricks;
  }

  /** DHCP names the gateway. The first that was named stays the one that others are held against. */
  #gatewayBy(router: string, server: string, mac: number): Trick[] {
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
        why: `DHCP from ${server} (${macText(mac)}) names ${router} as the gateway, which was ${gateway.address}${known}: all that a tunnel does not take goes there`,
        destination: server,
        scope: [],
      },
    ];
  }

  /** The gateway's address is claimed from a MAC address; the first one is believed. */
  #claim(address: string, mac: number): Trick[] {
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

  #routerAdvertisement(offer: NetworkOffer, mac: number): Trick[] {
    const { server } = offer;
    const lan = networkAround(offer.address, offer.prefixLength);
    const tricks = [...portal(offer), ...this.#overlaps(lan, server)];
    // Home routers announce the way to their own private range: that steers nothing away from a tunnel.
    const routes = steering(offer.routes, lan).filter(({ network }) => !isPrivate(network));
    if (routes.length > 0) {
      const list = routes.map(({ text }) => text).join(', ');
      tricks.push({
        what: 'routes by router advertisement',
        exposure: `routes by router advertisement: ${list}`,
        why: `the router ${server} announces routes beside the default one: ${list}. What they cover leaves a tunnel that follows the routing table`,
        destination: server,
        scope: routes.map(({ network }) => network),
      });
    }
    const rogue = this.#rogueBecause(server, mac);
    if (this.#routers.size < ROUTERS && !this.#routers.has(server)) this.#routers.set(server, mac);
    if (rogue !== undefined) {
      tricks.push({
        what: 'another router',
        exposure: `another router ${server} (${macText(mac)})`,
        why: `${server} (${macText(mac)}) advertises itself as a router, ${rogue}: IPv6 may now leave by it, past a tunnel that carries only IPv4`,
        destination: server,
        scope: EVERYTHING6,
      });
    }
    return tricks;
  }

  #rogueBecause(server: string, mac: number): string | undefined {
    const known = this.#routers.get(server);
    if (known !== undefined)
      return known === mac ? undefined : `and its MAC address was ${macText(known)} before`;
    const [first] = this.#routers;
    if (first !== undefined) return `beside ${first[0]} (${macText(first[1])})`;
    const gateway = this.#gateway;
    if (gateway?.mac === undefined || gateway.mac === mac) return undefined;
    return `and is not the gateway ${gateway.address} (${macText(gateway.mac)})`;
  }

  #overlaps(lan: Network | undefined, server: string): Trick[] {
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
        why: `the local network is ${formatPrefix(lan)}, which holds ${inside.slice(0, 4).join(', ')}: the tunnel's server is then looked for next door (TunnelCrack LocalNet)`,
        destination: server,
        scope: [lan],
      },
    ];
  }

  /** A tunnel's host name led to other addresses before (TunnelCrack ServerIP). */
  #moves(answers: Observation['facts']['findings']['answers']): Trick[] {
    const tricks: Trick[] = [];
    for (const name of this.#names) {
      const aliases = new Set([name]);
      const known = this.#servers.get(name) ?? new Set<string>();
      const before = [...known];
      for (const { name: owner, type, value } of answers) {
        if (!aliases.has(owner)) continue;
        if (type === 'CNAME') aliases.add(value);
        const network = type === 'A' || type === 'AAAA' ? parseNetwork(value) : undefined;
        if (network === undefined || known.has(value)) continue;
        // One more than can be remembered is told all the same.
        if (known.size < ADDRESSES) known.add(value);
        // The other family's first address is no change.
        const others = before.filter((address) => address.includes(':') === value.includes(':'));
        if (others.length === 0) continue;
        tricks.push({
          what: `another address of ${name}`,
          exposure: name,
          moved: name,
          variant: `${name} at ${value}`,
          why: `the tunnel's server ${name} was ${others.slice(0, 4).join(', ')} and is now answered with ${value}: what goes there goes past the tunnel (TunnelCrack ServerIP)`,
          destination: value,
          scope: [network],
        });
      }
      if (known.size > 0) this.#servers.set(name, known);
    }
    return tricks;
  }
}

const EVERYTHING6: readonly Network[] = [{ ipVersion: 6, words: new Uint32Array(4), bits: 0 }];

function portal({ captivePortal, server }: NetworkOffer): Trick[] {
  if (captivePortal === undefined) return [];
  return [
    {
      what: 'captive portal',
      exposure: `captive portal ${captivePortal}`,
      why: `${server} announces a captive portal (RFC 8910): ${captivePortal}. Until you have logged in there, the tunnel cannot come up; a pass lets you`,
      destination: server,
      scope: [],
    },
  ];
}

function redirects({ server, routes = [] }: NetworkOffer): Trick[] {
  const scope = routes.flatMap((route) => parseNetwork(route.split(' via ')[0] ?? '') ?? []);
  return [
    {
      what: 'redirect',
      exposure: `redirect of ${routes.join(', ')}`,
      why: `${server} sends a redirect: ${routes.join(', ')}`,
      destination: server,
      scope,
    },
  ];
}

/** Routes that are neither the default nor the local network itself. */
function steering(
  routes: readonly string[] = [],
  lan: Network | undefined,
): { readonly text: string; readonly network: Network }[] {
  return routes.flatMap((text) => {
    const network = parseNetwork(text.split(' via ')[0] ?? '');
    const isDefault = network?.bits === (network?.ipVersion === 4 ? 96 : 0);
    if (network === undefined || isDefault || (lan !== undefined && sameNetwork(network, lan))) return [];
    return [{ text, network }];
  });
}
