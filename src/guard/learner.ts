// Knows: what the wire teaches about addresses: answers for endpoint names, the DHCP server, the network's resolvers.
// Must not know: rules, kernel, clocks. DESIGN section 4 (hostname endpoints) and section 3 rule T (ServerIP): the
// uplink is hostile, so only what a client asked for is taken, and for a bounded time. That an address changed is for rule T to tell.

import { macText } from '../wire/address.ts';
import type { LearnedAddress, LearnedServer, LearnedState } from '../policy/learned.ts';
import type { Policy } from '../policy/policy.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { NeighbourhoodRecord } from './neighbourhood.ts';
import type { Observation, TapReport } from './observation.ts';

/** How long an answer may come after its question, milliseconds. */
const ANSWER_MS = 30_000;
/** Bounds of a record's time to live, seconds. */
const TTL_SECONDS = { least: 60, most: 86_400 };
/** Lease time of a server that named none, seconds. */
const LEASE_SECONDS = 3_600;
const ADDRESSES_PER_NAME = 16;
const SERVERS = 4;
const RESOLVERS = 8;

interface Until {
  until: number;
}
type Lasting<T> = Omit<T, 'seconds'> & Until;

/** What is kept over a restart of the daemon; `until` is monotonic milliseconds since boot. */
export interface LearnerRecord {
  readonly addresses: readonly Lasting<LearnedAddress>[];
  readonly servers: readonly Lasting<LearnedServer>[];
  readonly resolvers: readonly ({ readonly address: string } & Until)[];
  readonly neighbourhood: NeighbourhoodRecord;
}

export class Learner {
  readonly #asked = new Map<string, number>();
  readonly #neighbourhood = new Neighbourhood();
  #names = new Set<string>();
  #addresses: Lasting<LearnedAddress>[] = [];
  #servers: Lasting<LearnedServer>[] = [];
  #resolvers: ({ address: string } & Until)[] = [];

  setPolicy(policy: Policy): void {
    const endpoints = [
      ...policy.tunnels.flatMap((tunnel) => tunnel.endpoints),
      ...policy.proxies,
      ...policy.resolvers.map((resolver) => resolver.endpoint),
    ];
    this.#names = new Set(endpoints.filter((e) => e.hostIs === 'name').map((e) => e.host));
    this.#addresses = this.#addresses.filter((known) => this.#names.has(known.name));
  }

  /** Goes through a tap's report at monotonic milliseconds `now`; true when the rules need what was learned. */
  observe(report: TapReport, now: number): boolean {
    let changed = false;
    for (const observation of report.observations) {
      if (this.#neighbourhood.observe(observation, report.port, now)) changed = true;
      if (observation.direction === 'up') this.#hear(observation, now);
      // Only the wan tap reads what the uplink says before anything on lan could have changed it.
      else if (report.port === 'wan') {
        if (this.#answers(observation, now)) changed = true;
        if (this.#offer(observation, now)) changed = true;
      }
    }
    return changed;
  }

  /** A tunnel that is in use keeps its learned addresses: its client asks for the name only once. */
  keepAlive(names: ReadonlySet<string>, now: number): void {
    const until = now + TTL_SECONDS.least * 10_000;
    for (const known of this.#addresses)
      if (names.has(known.name) && known.until < until) known.until = until;
  }

  /** What is in force at `now`, as the compilers take it. */
  state(now: number): Omit<LearnedState, 'exposed' | 'passes' | 'box'> {
    const living = <T extends Until>(kept: readonly T[]): (Omit<T, 'until'> & { seconds: number })[] =>
      kept.flatMap(({ until, ...rest }) => {
        const seconds = Math.floor((until - now) / 1_000);
        return seconds > 0 ? [{ ...rest, seconds }] : [];
      });
    return {
      addresses: living(this.#addresses),
      dhcpServers: living(this.#servers),
      resolvers: living(this.#resolvers),
      ...this.#neighbourhood.state(now),
    };
  }

  record(): LearnerRecord {
    return {
      addresses: this.#addresses,
      servers: this.#servers,
      resolvers: this.#resolvers,
      neighbourhood: this.#neighbourhood.record(),
    };
  }

  restore(record: LearnerRecord): void {
    this.#addresses = record.addresses.filter((known) => this.#names.has(known.name));
    this.#servers = [...record.servers];
    this.#resolvers = [...record.resolvers];
    this.#neighbourhood.restore(record.neighbourhood);
  }

  #hear({ facts }: Observation, now: number): void {
    if (facts.kind !== 'dns') return;
    for (const { name } of facts.findings.names) if (this.#names.has(name)) this.#asked.set(name, now);
  }

  #answers({ facts }: Observation, now: number): boolean {
    let changed = false;
    for (const [name, askedAt] of this.#asked) {
      if (now - askedAt > ANSWER_MS) continue;
      // An answer may lead over several canonical names (RFC 1034 section 3.6.2).
      const aliases = new Set([name]);
      for (const answer of facts.findings.answers) {
        if (!aliases.has(answer.name)) continue;
        if (answer.type === 'CNAME') aliases.add(answer.value);
        if (answer.type !== 'A' && answer.type !== 'AAAA') continue;
        if (this.#learn(name, answer.value, answer.ttl, now)) changed = true;
      }
    }
    return changed;
  }

  #learn(name: string, address: string, ttl: number, now: number): boolean {
    const seconds = Math.min(Math.max(ttl, TTL_SECONDS.least), TTL_SECONDS.most);
    const until = now + seconds * 1_000;
    const known = this.#addresses.find((entry) => entry.name === name && entry.address === address);
    if (known !== undefined) {
      const expired = known.until <= now;
      known.until = Math.max(known.until, until);
      return expired;
    }
    this.#addresses = this.#addresses.filter((entry) => entry.until > now);
    if (this.#addresses.filter((entry) => entry.name === name).length >= ADDRESSES_PER_NAME) return false;
    this.#addresses.push({ name, address, until });
    return true;
  }

  #offer({ facts }: Observation, now: number): boolean {
    const { offer } = facts.findings;
    if (offer === undefined || facts.kind !== 'dhcp') return false;
    const until = now + (offer.leaseSeconds ?? LEASE_SECONDS) * 1_000;
    const mac = macText(facts.sourceMac);
    const server = { address: offer.server, mac, until };
    const serverIsNew = !this.#servers.some(
      (s) => s.address === server.address && s.mac === mac && s.until > now,
    );
    this.#servers = [server, ...this.#servers.filter((s) => s.address !== server.address)].slice(0, SERVERS);
    let resolverIsNew = false;
    for (const address of offer.resolvers ?? []) {
      resolverIsNew ||= !this.#resolvers.some((r) => r.address === address && r.until > now);
      this.#resolvers = [{ address, until }, ...this.#resolvers.filter((r) => r.address !== address)];
    }
    this.#resolvers = this.#resolvers.slice(0, RESOLVERS);
    return serverIsNew || resolverIsNew;
  }
}
