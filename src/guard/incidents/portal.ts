// Learns from the wire where a captive portal is: what the network announces (RFC 8910, 8908) and where it redirects to. The uplink can
// say anything here, but that opens nothing without a pass, and with one only what the client's browser was redirected to in the clear.

import type { Findings } from '../../flow/parsed-packet.ts';
import type { LearnedPortal } from '../../policy/servers/learned.ts';
import { parseAddress } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Observation } from '../observation.ts';
import { FairMap } from './quotas.ts';

/** How long a redirect or an answer counts, and how long an announcement of the network, milliseconds. */
const SEEN_MS = 600_000;
const ANNOUNCED_MS = 86_400_000;
const TARGETS = 8;
/** Most addresses of all targets together. */
const PORTALS = 32;
/** Most recently answered names, and most addresses of one. */
const NAMES = 512;
const ADDRESSES = 8;

interface Target {
  /** 0: any. */
  readonly port: number;
  readonly until: number;
}

/** Hosts and ports that belong to a captive portal (RFC 8908, RFC 8910), at most eight. */
export class Portal {
  /** By host and port. */
  readonly #targets = new BoundedMap<Target>(TARGETS);
  /** Addresses of names, as they were answered in the clear. */
  readonly #answered = new FairMap<Map<string, number>>(NAMES);

  /** Takes what the wan tap saw coming in, at monotonic milliseconds `now`; true when an open pass has to be updated. */
  observe({ packet, direction, folded }: Observation, now: number): boolean {
    if (direction !== 'down' || folded) return false;
    const { offer, redirect } = packet.findings;
    const portal = offer?.portal;
    let changed = portal !== undefined && this.#aim(portal.host, 0, now + ANNOUNCED_MS);
    if (redirect !== undefined && this.#aim(redirect.host, redirect.port, now + SEEN_MS)) changed = true;
    return this.#answers(packet.findings, now) || changed;
  }

  /**
   * The portals' addresses that are valid at monotonic milliseconds `now`, at most 32, in the form that the policy compilers take:
   * `seconds` are whole seconds left, rounded down.
   */
  state(now: number): { portals: LearnedPortal[] } {
    const left = (until: number): number => Math.floor((until - now) / 1_000);
    const portals = [...this.#targets].flatMap(([key, { port, until }]) =>
      this.#addressesOf(hostOf(key), now).map((address) => ({ address, port, seconds: left(until) })),
    );
    return { portals: portals.filter(({ seconds }) => seconds > 0).slice(-PORTALS) };
  }

  #aim(host: string, port: number, until: number): boolean {
    const key = `${host} ${String(port)}`;
    const known = this.#targets.get(key);
    this.#targets.set(key, { port, until });
    return known === undefined;
  }

  #answers({ answers, names }: Findings, now: number): boolean {
    if (answers.length === 0) return false;
    let changed = false;
    const asked = names.map(({ name }) => name);
    for (const { name, type, value } of answers) {
      if (type !== 'A' && type !== 'AAAA') continue;
      // Under the name that was asked as well as under the record's, to which a CNAME may have led.
      for (const owner of new Set([name, ...asked])) {
        const known = this.#answered.get(owner) ?? new Map<string, number>();
        const isNew = !known.has(value);
        known.delete(value);
        known.set(value, now + SEEN_MS);
        const [oldest] = known.keys();
        if (known.size > ADDRESSES && oldest !== undefined) known.delete(oldest);
        this.#answered.set(owner, known, 'answered');
        changed ||= isNew && this.#isTarget(owner);
      }
    }
    return changed;
  }

  #isTarget(host: string): boolean {
    return [...this.#targets].some(([key]) => hostOf(key) === host);
  }

  #addressesOf(host: string, now: number): string[] {
    if (parseAddress(host) !== undefined) return [host];
    return [...(this.#answered.get(host) ?? [])].flatMap(([address, until]) =>
      until > now ? [address] : [],
    );
  }
}

function hostOf(key: string): string {
  return key.slice(0, key.lastIndexOf(' '));
}
