// Knows: what the wire teaches about addresses: answers for endpoint names, the DHCP server, the network's resolvers.
// Must not know: rules, kernel, clocks. TunnelCrack's ServerIP, README.md rule T: the uplink is hostile, so what an answer may bring is
// limited. That an address changed is for rule T to tell.

import { addressText, inNetwork, macText, parseAddress } from '../../wire/ip/address.ts';
import { NAT64_NAME, prefixOfAnswer } from '../../policy/servers/nat64.ts';
import type {
  LearnedAddress,
  LearnedPrefix,
  LearnedServer,
  LearnedState,
} from '../../policy/servers/learned.ts';
import { noServerAddress } from '../../policy/servers/no-server.ts';
import { hasPort } from '../../policy/schema/endpoint.ts';
import { hasIpv4Server, hostAsked } from '../../policy/servers/names.ts';
import type { Endpoint, Policy } from '../../policy/policy.ts';
import { KEPT_SECONDS_MOST, Questions, aliasesOf, keptSeconds } from './questions.ts';
import { Neighbourhood } from '../attacks/neighbourhood.ts';
import type { NeighbourhoodRecord } from '../attacks/neighbourhood.ts';
import { isVisit } from '../../policy/rules.ts';
import { isPrivate, parseNetwork } from '../attacks/networks.ts';
import { Portal } from '../incidents/portal.ts';
import type { Observation, TapReport } from '../observation.ts';
import { OtherUses } from './other-uses.ts';
import type { OtherUse } from './other-uses.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** Lease time of a server that named none, seconds. */
const LEASE_SECONDS = 3_600;
const ADDRESSES_PER_NAME = 16;
/** An address that was learned is known to rules and judges so long afterwards at the latest, milliseconds. */
const NEW_MS = 1_000;
/** An address that a tunnel has used is kept so long after it was used last: a client that wakes up goes on where it was. Seconds. */
const USED_SECONDS = 30 * 86_400;
const SERVERS = 4;
const RESOLVERS = 8;
/** Questions that wait for their answers: a client repeats one, and asks for both families. */
const QUESTIONS = 512;
/** Of one message, for what its addresses are the answer to: no resolver asks more than one (RFC 9619). */
const QUESTIONS_READ = 4;
/** Prefixes of NAT64 that a network may have. */
const PREFIXES = 2;

interface Until {
  until: number;
}
type Lasting<T> = Omit<T, 'seconds'> & Until;
/**
 * `proven`: a handshake was answered there, or a stream of the tunnel's own has carried more than one both ways. `since`: when it was
 * learned anew, monotonic milliseconds.
 */
type KnownAddress = Lasting<LearnedAddress> & { proven?: true; since?: number };

/** An address at which a tunnel's server was used, past its record's time to live. */
export interface UsedServer {
  readonly name: string;
  readonly address: string;
}

/** The network's own prefix of NAT64; `proven`: a tunnel's server answered behind it. */
type KnownPrefix = Lasting<LearnedPrefix> & { proven?: true };

/** An address that is closed again, whose tunnel had used it. */
export interface LetGo {
  readonly name: string;
  readonly address: string;
  readonly why: 'unused' | 'newer';
}

/** An address that an answer for a tunnel's name gave, and that no server of that tunnel can have. */
export interface RefusedAnswer {
  readonly name: string;
  readonly address: string;
  /** Nobody's, or of a link; the client's own or its router's; seen to serve something else; private, after public ones. */
  readonly why: 'reserved' | 'of this network' | 'in other use' | 'private';
}

/** A learned address that nothing had proven, and to which something foreign was said. */
export interface Withdrawal {
  readonly name: string;
  readonly address: string;
}

/** Withdrawals, and refused answers, that wait to be told. */
const WITHDRAWALS = 16;

/** What is kept over a restart of the daemon; `until` is monotonic milliseconds since boot. */
export interface LearnerRecord {
  readonly addresses: readonly KnownAddress[];
  readonly servers: readonly Lasting<LearnedServer>[];
  readonly resolvers: readonly ({ readonly address: string } & Until)[];
  readonly neighbourhood: NeighbourhoodRecord;
  /** Absent in a record of before there were any. */
  readonly prefixes?: readonly KnownPrefix[];
}

export class Learner {
  readonly #questions = new Questions(QUESTIONS);
  readonly #neighbourhood = new Neighbourhood();
  readonly #portal = new Portal();
  #names = new Set<string>();
  /** What goes to a port of theirs at an address may be the tunnel that is not learned yet. */
  #ports: readonly Endpoint[] = [];
  readonly #others = new OtherUses();
  /** Routers and servers that leases named: no tunnel ends there. */
  #gateways: readonly string[] = [];
  #addresses: KnownAddress[] = [];
  /** `vpn.example 443`: names whose streams are judged by their first bytes. */
  #streams: readonly Endpoint[] = [];
  /** There is an IPv4 server that a network could call by an address of its own. */
  #hasIpv4 = false;
  #prefixes: KnownPrefix[] = [];
  #withdrawn: Withdrawal[] = [];
  #letGo: LetGo[] = [];
  #refused: RefusedAnswer[] = [];
  #servers: Lasting<LearnedServer>[] = [];
  #resolvers: ({ address: string } & Until)[] = [];
  /** The end of each as it was told last: the kernel counts that one down, whatever has become of it here. */
  readonly #told = new WeakMap<Until, number>();

  setPolicy(policy: Policy): void {
    const endpoints = [
      ...policy.tunnels.flatMap((tunnel) => tunnel.endpoints),
      ...policy.proxies,
      ...policy.resolvers.map((resolver) => resolver.endpoint),
    ];
    const named = endpoints.filter((e) => e.hostIs === 'name');
    this.#names = new Set(named.map((e) => e.host));
    this.#hasIpv4 = hasIpv4Server(policy);
    this.#ports = named;
    this.#streams = policy.tunnels.flatMap((tunnel) => tunnel.endpoints.filter((e) => e.transport === 'tcp'));
    this.#addresses = this.#addresses.filter((known) => this.#names.has(known.name));
  }

  /**
   * Goes through a tap's report at monotonic milliseconds `now`; true when the rules need what was learned. What is known of
   * login pages they need only while a pass is open.
   */
  observe(report: TapReport, now: number, isPassOpen = false): boolean {
    let changed = false;
    if (report.port === 'wan')
      for (const { address } of report.handshakes ?? []) if (this.#prove(address, now)) changed = true;
    for (const observation of report.observations) {
      if (this.#withdraw(observation, now)) changed = true;
      if (this.#neighbourhood.observe(observation, report.port, now)) changed = true;
      if (observation.direction === 'up') this.#hear(observation, now);
      // Only the wan tap reads what the uplink says before anything on lan could have changed it.
      else if (report.port === 'wan') {
        this.#noteGateways(observation);
        if (this.#answers(observation, now)) changed = true;
        if (this.#offer(observation, now)) changed = true;
        if (this.#portal.observe(observation, now) && isPassOpen) changed = true;
      }
    }
    return changed;
  }

  /** What was withdrawn since this was asked last. */
  takeWithdrawn(): readonly Withdrawal[] {
    const withdrawn = this.#withdrawn;
    this.#withdrawn = [];
    return withdrawn;
  }

  /** Answers for tunnels' names that opened nothing since this was asked last; the newest where there were many. */
  takeRefused(): readonly RefusedAnswer[] {
    const refused = this.#refused;
    this.#refused = [];
    return refused;
  }

  /** Addresses that tunnels had used and that were closed since this was asked last. */
  takeLetGo(): readonly LetGo[] {
    const letGo = this.#letGo;
    this.#letGo = [];
    return letGo;
  }

  /** What tunnels use, to be kept over a restart of the box: a client that sleeps meanwhile asks for no name again. */
  used(now: number): readonly UsedServer[] {
    return this.#addresses
      .filter(({ until }) => until - now > KEPT_SECONDS_MOST * 1_000)
      .map(({ name, address }) => ({ name, address }));
  }

  /** The same of before the restart. */
  recall(used: readonly UsedServer[], now: number): void {
    for (const { name, address } of used) {
      const known = this.#addresses.some((one) => one.name === name && one.address === address);
      if (known || !this.#names.has(name) || parseAddress(address) === undefined) continue;
      this.#addresses.push({ name, address, until: now + USED_SECONDS * 1_000, proven: true });
    }
  }

  /** IPv6 addresses that clients tried while no daemon ran, from the kernel's memory. */
  recallTried(addresses: readonly string[], now: number): void {
    this.#neighbourhood.recallTried(addresses, now);
  }

  /** Whether an answer was believed that led there, so near to `at` that rules and judges could not know of it. */
  led(name: string, address: string, at: number): boolean {
    return this.#addresses.some(
      (known) =>
        known.name === name &&
        known.address === address &&
        Math.abs(at - (known.since ?? -Infinity)) <= NEW_MS,
    );
  }

  /** Whether an address of this name was learned anew in between, monotonic milliseconds. */
  isLedBetween(name: string, from: number, to: number): boolean {
    return this.#addresses.some(
      ({ name: of, since = -Infinity }) => of === name && since >= from && since <= to,
    );
  }

  /** Whether a client's question for this name had no answer yet, that is known here, and may have had one by then. */
  asked(name: string, at: number): boolean {
    return this.#questions.waits((asked) => this.#hostAsked(asked) === name, at);
  }

  /** True when the rules have to be told. */
  #prove(address: string, now: number): boolean {
    for (const known of this.#addresses) if (known.address === address) known.proven = true;
    const words = address.includes(':') ? parseAddress(address)?.words : undefined;
    if (words === undefined) return false;
    const used = this.#prefixes.filter(({ network, until }) => until > now && isBehind(words, network));
    // As an address that is in use: the client asks for no name again.
    for (const prefix of used) prefix.proven = true;
    return used.filter((prefix) => this.#prolong(prefix, now + USED_SECONDS * 1_000, now)).length > 0;
  }

  /** The name of the policy's that is asked for, or the one by which a network is asked for its prefix. */
  #hostAsked(name: string): string | undefined {
    return this.#hasIpv4 && name === NAT64_NAME ? name : hostAsked(this.#names, name);
  }

  /** Prefixes of NAT64 that nothing has proven: an answer on the wire alone says that tunnels' servers stand behind them. */
  unprovenPrefixes(now: number): readonly string[] {
    const open = this.#prefixes.filter(({ until, proven }) => until > now && proven !== true);
    return this.#hasIpv4 ? open.map(({ network }) => network) : [];
  }

  #learnPrefix(address: string, ttl: number, now: number): boolean {
    const parsed = parseAddress(address);
    const prefix = parsed?.ipVersion === 6 ? prefixOfAnswer(parsed.words) : undefined;
    // No network's own where it is nobody's, of a link, a group, or the one that every network may use.
    if (prefix === undefined || isNoServer(6, prefix.words) || prefix.words[0] === 0x64ff9b) return false;
    const until = now + keptSeconds(ttl) * 1_000;
    const network = `${addressText(6, prefix.words)}/${prefix.length}`;
    this.#prefixes = this.#prefixes.filter((one) => one.until > now);
    if (this.#isOther(network, now)) return false;
    const known = this.#prefixes.find((one) => one.network === network);
    if (known !== undefined) return this.#prolong(known, until, now);
    // What a tunnel uses does not make room for what was only said.
    if (this.#prefixes.length >= PREFIXES) {
      const gone = this.#prefixes.find(({ proven }) => proven !== true);
      if (gone === undefined) return false;
      this.#prefixes = this.#prefixes.filter((one) => one !== gone);
    }
    const learned = { network, until };
    this.#prefixes.push(learned);
    return this.#prolong(learned, until, now);
  }

  /**
   * What is no tunnel's was said to an address that only an answer vouches for: a name that leads to somebody's web server must not
   * open the way there. True when the rules have to be told.
   */
  #withdraw({ packet, direction, verdict }: Observation, now: number): boolean {
    if (
      direction !== 'up' ||
      verdict.rule !== 'F' ||
      packet.protocol !== Protocol.TCP ||
      packet.ipVersion === 0
    )
      return false;
    const address = addressText(packet.ipVersion, packet.destination);
    if (this.#withdrawPrefix(packet, now)) return true;
    const port = packet.destinationPort;
    const ends = this.#addresses.filter(
      (known) =>
        known.address === address &&
        known.proven !== true &&
        this.#streams.some((stream) => stream.host === known.name && hasPort(stream, port)),
    );
    if (ends.length === 0) return false;
    this.#addresses = this.#addresses.filter((known) => !ends.includes(known));
    this.#others.refuse(address, now);
    this.#withdrawn = [...this.#withdrawn, ...ends.map(({ name }) => ({ name, address }))].slice(
      -WITHDRAWALS,
    );
    return true;
  }

  #withdrawPrefix({ ipVersion, destination }: Observation['packet'], now: number): boolean {
    const end = this.#prefixes.find(
      ({ network, proven }) => ipVersion === 6 && proven !== true && isBehind(destination, network),
    );
    if (end === undefined) return false;
    this.#prefixes = this.#prefixes.filter((one) => one !== end);
    this.#others.refuse(end.network, now);
    const told = { name: NAT64_NAME, address: end.network };
    this.#withdrawn = [...this.#withdrawn, told].slice(-WITHDRAWALS);
    return true;
  }

  /**
   * A tunnel that is in use keeps its learned addresses: its client asks for the name only once, and after days of sleep goes on
   * where it was. Where one of them has proven itself the others last as long as their records. True when the rules have to be told.
   */
  keepAlive(names: ReadonlySet<string>, now: number): boolean {
    this.#expire(now);
    const until = now + USED_SECONDS * 1_000;
    const proven = new Set(this.#addresses.flatMap((known) => (known.proven === true ? [known.name] : [])));
    const used = this.#addresses.filter(
      (known) => names.has(known.name) && (known.proven === true || !proven.has(known.name)),
    );
    return used.filter((known) => this.#prolong(known, until, now)).length > 0;
  }

  /** True when the kernel's end of it is so much nearer that it has to be told: not for every second, and long before it. */
  #prolong(kept: Until, until: number, now: number): boolean {
    kept.until = Math.max(kept.until, until);
    const isStale = (this.#told.get(kept) ?? now) - now < (kept.until - now) / 2;
    if (isStale) this.#told.set(kept, kept.until);
    return isStale;
  }

  /** What is in force at `now`, as the compilers take it. */
  state(now: number): Omit<LearnedState, 'exposed' | 'answered' | 'passes' | 'box'> {
    const living = <T extends Until>(kept: readonly T[]): (Omit<T, 'until'> & { seconds: number })[] =>
      kept.flatMap(({ until, ...rest }) => {
        const seconds = Math.floor((until - now) / 1_000);
        return seconds > 0 ? [{ ...rest, seconds }] : [];
      });
    return {
      addresses: living(this.#addresses).map(({ name, address, seconds }) => ({ name, address, seconds })),
      dhcpServers: living(this.#servers),
      resolvers: living(this.#resolvers),
      prefixes: living(this.#prefixes).map(({ network, seconds }) => ({ network, seconds })),
      ...this.#neighbourhood.state(now),
      ...this.#portal.state(now),
    };
  }

  record(): LearnerRecord {
    return {
      addresses: this.#addresses,
      servers: this.#servers,
      resolvers: this.#resolvers,
      prefixes: this.#prefixes,
      neighbourhood: this.#neighbourhood.record(),
    };
  }

  restore(record: LearnerRecord): void {
    this.#addresses = record.addresses.filter((known) => this.#names.has(known.name));
    this.#servers = [...record.servers];
    this.#resolvers = [...record.resolvers];
    this.#prefixes = [...(record.prefixes ?? [])];
    for (const kept of [...this.#addresses, ...this.#servers, ...this.#resolvers, ...this.#prefixes])
      this.#told.set(kept, kept.until);
    this.#neighbourhood.restore(record.neighbourhood);
  }

  #hear({ packet, client, verdict, folded }: Observation, now: number): void {
    if (folded) return;
    // A ping says nothing about what is served there; programs choose the nearest of their servers by it.
    const isUse = isVisit(packet.kind) && packet.kind !== 'icmp' && packet.ipVersion !== 0;
    if (verdict.verdict !== 'tunnel' && isUse) this.#visited(packet, now);
    if (packet.kind !== 'dns') return;
    for (const { name } of packet.findings.names) {
      // Both taps tell of a question, the second perhaps after its answer.
      if (this.#hostAsked(name) !== undefined) this.#questions.ask(packet, client, name, now, false);
    }
  }

  #visited(
    { ipVersion, destination, protocol, destinationPort, findings, flowName }: Observation['packet'],
    now: number,
  ): void {
    const name = findings.names[0]?.name ?? flowName;
    const use = { what: 'visit', protocol, port: destinationPort, name } as const;
    this.#note(addressText(ipVersion === 4 ? 4 : 6, destination), use, now);
  }

  /** A tunnel whose server has moved, or that the policy did not name yet, is tried before its address is known here. */
  #isOther(address: string, now: number): boolean {
    return this.#others.isOther(address, now, (use) => this.#isOurs(use));
  }

  #isOurs(use: OtherUse): boolean {
    const isNamed = use.name !== '' && hostAsked(this.#names, use.name) !== undefined;
    if (use.what === 'answer') return isNamed;
    const tries = this.#ports.some(
      (one) =>
        (one.transport === 'tcp' ? Protocol.TCP : Protocol.UDP) === use.protocol && hasPort(one, use.port),
    );
    return tries && (use.name === '' || isNamed);
  }

  /** What the policy of this moment calls a tunnel's own is nobody else's, whatever comes after it. */
  #note(address: string, use: OtherUse, now: number): void {
    if (!this.#isOurs(use)) this.#others.note(address, use, now);
  }

  #answers({ packet, client, folded }: Observation, now: number): boolean {
    const { answers, names } = packet.findings;
    if (packet.kind !== 'dns' || folded || answers.length === 0) return false;
    const addresses = answers.filter(({ type }) => type === 'A' || type === 'AAAA');
    const asked = this.#questions.answered(packet, client, now);
    const host = asked === undefined ? undefined : this.#hostAsked(asked);
    let changed = false;
    if (asked !== undefined && host !== undefined) {
      const aliases = aliasesOf([asked], answers);
      const led = addresses.filter(({ name }) => aliases.has(name)).slice(0, ADDRESSES_PER_NAME);
      for (const { value, ttl } of led)
        if (
          host === NAT64_NAME
            ? this.#learnPrefix(value, ttl, now)
            : this.#learn(host, value, ttl, now, packet)
        )
          changed = true;
    }
    // By the name that was asked for, also where aliases led from it to the record's; a message with several questions, by all of them.
    const led = names
      .slice(0, QUESTIONS_READ)
      .map(({ name }) => ({ name, aliases: aliasesOf([name], answers) }));
    // A message that repeats no question may answer one of ours.
    const owners = names.length > 0 ? [] : answers.map(({ name }) => name);
    const mine = owners.filter((name) => this.#hostAsked(name) !== undefined);
    const ours = aliasesOf(mine, answers);
    for (const { name: owner, value } of addresses) {
      if (ours.has(owner)) continue;
      const by = led.filter(({ aliases }) => aliases.has(owner)).map(({ name }) => name);
      for (const name of by.length === 1 && names.length === 1 ? by : [...by, owner])
        this.#note(value, { what: 'answer', name }, now);
    }
    return changed;
  }

  #learn(name: string, address: string, ttl: number, now: number, packet: Observation['packet']): boolean {
    const seconds = keptSeconds(ttl);
    const until = now + seconds * 1_000;
    const known = this.#addresses.find((entry) => entry.name === name && entry.address === address);
    if (known !== undefined) {
      // It is the newest now, of those that may have to make room.
      this.#addresses = [...this.#addresses.filter((entry) => entry !== known), known];
      return this.#prolong(known, until, now);
    }
    const why = this.#whyRefused(name, address, now, packet);
    if (why !== undefined) {
      const others = this.#refused.filter((one) => one.name !== name || one.address !== address);
      this.#refused = [...others, { name, address, why }].slice(-WITHDRAWALS);
      return false;
    }
    this.#makeRoom(name, now);
    const learned = { name, address, until, since: now };
    this.#addresses.push(learned);
    return this.#prolong(learned, until, now);
  }

  /** The newest answer holds: the oldest that nothing has proven goes, or else the oldest. */
  #makeRoom(name: string, now: number): void {
    this.#expire(now);
    const here = this.#addresses.filter((entry) => entry.name === name);
    if (here.length < ADDRESSES_PER_NAME) return;
    const gone = here.find(({ proven }) => proven !== true) ?? here[0];
    if (gone !== undefined) this.#close([gone], 'newer');
  }

  #expire(now: number): void {
    const gone = this.#addresses.filter(({ until }) => until <= now);
    if (gone.length > 0) this.#close(gone, 'unused');
  }

  #close(gone: readonly KnownAddress[], why: LetGo['why']): void {
    this.#addresses = this.#addresses.filter((known) => !gone.includes(known));
    const used = gone.filter(({ proven }) => proven === true);
    this.#letGo = [...this.#letGo, ...used.map(({ name, address }) => ({ name, address, why }))].slice(
      -WITHDRAWALS,
    );
  }

  /** Why no server of a tunnel can have an address that it did not have before; undefined when it can. */
  #whyRefused(
    name: string,
    address: string,
    now: number,
    packet: Observation['packet'],
  ): RefusedAnswer['why'] | undefined {
    const parsed = parseAddress(address);
    const network = parseNetwork(address);
    if (parsed === undefined || network === undefined || isNoServer(parsed.ipVersion, parsed.words))
      return 'reserved';
    const client = packet.ipVersion === 0 ? '' : addressText(packet.ipVersion, packet.destination);
    if (address === client || this.#gateways.includes(address)) return 'of this network';
    if (this.#isOther(address, now)) return 'in other use';
    // A server out in the world does not move next door.
    if (!isPrivate(network)) return undefined;
    const before = this.#addresses.filter((entry) => entry.name === name);
    const isNear = before.every((entry) => {
      const other = parseNetwork(entry.address);
      return other === undefined || isPrivate(other);
    });
    return isNear ? undefined : 'private';
  }

  #noteGateways({ packet, folded }: Observation): void {
    const { offer } = packet.findings;
    if (offer === undefined || folded) return;
    const named = [offer.server, ...(offer.router === undefined ? [] : [offer.router])];
    this.#gateways = [...new Set([...named, ...this.#gateways])].slice(0, SERVERS * 2);
  }

  #offer({ packet }: Observation, now: number): boolean {
    const { offer } = packet.findings;
    if (offer === undefined) return false;
    const until = now + (offer.leaseSeconds ?? LEASE_SECONDS) * 1_000;
    let tell = packet.kind === 'dhcp' && this.#lease(offer.server, macText(packet.sourceMac), until, now);
    // From DHCPv4, DHCPv6 and router advertisements (RFC 2132 section 3.8, RFC 3646, RFC 8106).
    for (const address of offer.resolvers ?? []) {
      const resolver = this.#resolvers.find((r) => r.address === address) ?? { address, until };
      this.#resolvers = [resolver, ...this.#resolvers.filter((r) => r !== resolver)];
      if (this.#prolong(resolver, until, now)) tell = true;
    }
    this.#resolvers = this.#resolvers.slice(0, RESOLVERS);
    return tell;
  }

  #lease(address: string, mac: string, until: number, now: number): boolean {
    const known = this.#servers.find((s) => s.address === address && s.mac === mac);
    const server = known ?? { address, mac, until };
    this.#servers = [server, ...this.#servers.filter((s) => s.address !== address)].slice(0, SERVERS);
    return this.#prolong(server, until, now);
  }
}

/** Whether an address has a prefix, `address/length`. */
function isBehind(words: Uint32Array, network: string): boolean {
  const [prefix = '', length] = network.split('/');
  const own = parseAddress(prefix);
  return own !== undefined && inNetwork(words, own.words, Number(length));
}

/** Nobody's, of a link alone, or reserved (RFC 6890): no answer makes a tunnel's server of it. */
function isNoServer(ipVersion: 4 | 6, words: Uint32Array): boolean {
  if (noServerAddress(ipVersion, words) !== undefined) return true;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  if (ipVersion === 4) return w3 >>> 24 >= 240 || w3 >>> 16 === 0xa9fe;
  return (w0 === 0 && w1 === 0 && w2 === 0) || ((w0 >>> 16) & 0xffc0) === 0xfe80;
}
