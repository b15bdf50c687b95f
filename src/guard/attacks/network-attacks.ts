// Knows: what one thing is that a network does to pull traffic out of tunnels, those that one message shows by itself, and which escapes
// may have followed from them. Must not know: what was said before. RFC 3442, 4191, 4861, 8910.

import type { NetworkOffer } from '../../flow/parsed-packet.ts';
import { parseAddress } from '../../wire/ip/address.ts';
import { FairMap } from '../incidents/quotas.ts';
import { formatPrefix, isIn, parseNetwork, sameNetwork } from './networks.ts';
import type { Network } from './networks.ts';

/** One thing that the network did. */
export interface NetworkAttack {
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

/** How long an escape is laid at the door of what the network did before: what escapes later has other causes. Milliseconds. */
const CONSEQUENCE_MS = 86_400_000;
const PULLS = 256;

interface Pull<W> extends Pick<NetworkAttack, 'scope'> {
  readonly warning: W;
  readonly at: number;
}

/** Warnings of network attacks (rule T), by where they pull. */
export class Pulls<W> {
  readonly #held = new FairMap<Pull<W>>(PULLS);

  /** `key` tells the warning from others. */
  note(warning: W, key: string, { what, destination, scope }: NetworkAttack, at: number): void {
    if (scope.length > 0)
      this.#held.set(
        `${key} ${destination} ${scope.map(formatPrefix).join(' ')}`,
        { warning, at, scope },
        what,
      );
  }

  get size(): number {
    return this.#held.size;
  }

  /** Warnings from which an escape to a destination, an address or none, may have followed. */
  *behind(destination: string, at: number): Generator<W> {
    const address = parseAddress(destination);
    for (const { warning, at: since, scope } of this.#held.values())
      if (at - since <= CONSEQUENCE_MS && isIn(address, scope)) yield warning;
  }
}

export const EVERYTHING6: readonly Network[] = [{ ipVersion: 6, words: new Uint32Array(4), bits: 0 }];

export function portal({ captivePortal, server }: NetworkOffer): NetworkAttack[] {
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

/** Routes that are neither the default nor the local network itself. */
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
