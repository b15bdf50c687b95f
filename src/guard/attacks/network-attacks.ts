// What a network attack is (rule T: something the network does to draw traffic out of tunnels), those attacks that a single message
// shows, and which escapes may have followed from an attack. RFC 3442, 4191, 4861, 8910.

import type { NetworkOffer } from '../../flow/parsed-packet.ts';
import { parseAddress } from '../../wire/ip/address.ts';
import { FairMap } from '../incidents/quotas.ts';
import { formatPrefix, isIn, parseNetwork, sameNetwork } from './networks.ts';
import type { Network } from './networks.ts';

/** One network attack. */
export interface NetworkAttack {
  /** Its kind, one of a fixed set of texts: the network cannot create new ones. */
  readonly what: string;
  /** Its kind with what distinguishes it from others of the kind: acknowledging one must not acknowledge all. */
  readonly exposure: string;
  /** Host name of the tunnel's server that resolves to another address now. */
  readonly moved?: string;
  /** What distinguishes it where the exposure does not. */
  readonly variant?: string;
  /** A sentence for people, with what the network sent. */
  readonly why: string;
  /** The machine that it comes from, or the address that traffic is drawn to. */
  readonly destination: string;
  /** Escapes to these may have followed from it. */
  readonly scope: readonly Network[];
}

/** For how long after a network attack an escape is put down to it, milliseconds. */
const CONSEQUENCE_MS = 86_400_000;
const PULLS = 256;

interface Pull<W> extends Pick<NetworkAttack, 'scope'> {
  readonly warning: W;
  readonly at: number;
}

/** Warnings of network attacks (rule T), by where they draw traffic to; at most 256. Times are monotonic milliseconds. `W`: a warning. */
export class AttackWarnings<W> {
  readonly #held = new FairMap<Pull<W>>(PULLS);

  /** Notes an attack; `key` identifies the warning. One that draws no traffic anywhere is not kept. */
  note(warning: W, key: string, { what, destination, scope }: NetworkAttack, at: number): void {
    if (scope.length > 0)
      this.#held.set(
        `${key} ${destination} ${scope.map(formatPrefix).join(' ')}`,
        { warning, at, scope },
        what,
      );
  }

  /** How many are kept, also those too old to count. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * The warnings of the last day that an escape at `at` to this destination (an address; other texts match none) may have followed from.
   */
  *behind(destination: string, at: number): Generator<W> {
    const address = parseAddress(destination);
    for (const { warning, at: since, scope } of this.#held.values())
      if (at - since <= CONSEQUENCE_MS && isIn(address, scope)) yield warning;
  }
}

/** All IPv6 addresses. */
export const EVERYTHING6: readonly Network[] = [{ ipVersion: 6, words: new Uint32Array(4), bits: 0 }];

/** The captive portal that a message announces (RFC 8910), as an attack without scope; empty if it announces none. */
export function portal({ captivePortal, server }: NetworkOffer): NetworkAttack[] {
  if (captivePortal === undefined) return [];
  return [
    {
      what: 'captive portal',
      exposure: `captive portal ${captivePortal}`,
      why: `${server} announces a captive portal (RFC 8910): ${captivePortal}. The tunnel cannot come up until you have logged in there; a captive-portal exception (pass) lets you do that`,
      destination: server,
      scope: [],
    },
  ];
}

/** The ICMP redirect that a message is (RFC 792, RFC 4861 section 4.5), as one attack. */
export function redirects({ server, routes = [] }: NetworkOffer): NetworkAttack[] {
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

/** The routes (`10.0.0.0/8 via …`) that are neither the default route nor the local network itself; texts that are none are left out. */
export function steering(
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
