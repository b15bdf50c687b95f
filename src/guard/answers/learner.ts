// Learns addresses from the wire: those of the policy's host names, the DHCP server and the network's resolvers. The uplink is hostile
// (TunnelCrack ServerIP), so the addresses that an answer can open are limited; reporting a changed address is up to rule T
// (src/guard/attacks/tripwire.ts).

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

/** Lease time when the server gave none, seconds. */
const LEASE_SECONDS = 3_600;
const ADDRESSES_PER_NAME = 16;
/** Rules and judges know a learned address after this time at the latest, milliseconds. */
const NEW_MS = 1_000;
/** How long an address is kept after a tunnel last used it, seconds: a client that wakes up continues with the address it had. */
const USED_SECONDS = 30 * 86_400;
const SERVERS = 4;
const RESOLVERS = 8;
/** Most questions that wait for their answers: clients repeat them, and ask for both address families. */
const QUESTIONS = 512;
/** Questions read of one message, to find what its addresses answer: real messages have one (RFC 9619). */
const QUESTIONS_READ = 4;
/** Most NAT64 prefixes of a network. */
const PREFIXES = 2;

/** `until`: monotonic milliseconds. */
interface Until {
  until: number;
}
type Lasting<T> = Omit<T, 'seconds'> & Until;
/**
 * `proven`: the tunnel's server answered there (`Handshake` in src/guard/observation.ts). `since`: when the address was learned,
 * monotonic milliseconds.
 */
type KnownAddress = Lasting<LearnedAddress> & { proven?: true; since?: number };

/** A server address (text) that a tunnel uses; it is kept beyond its record's time to live. */
export interface UsedServer {
  readonly name: string;
  readonly address: string;
}

/** A NAT64 prefix of the network's own; `proven`: a tunnel's server answered behind it. */
type KnownPrefix = Lasting<LearnedPrefix> & { proven?: true };

/** A server address that a tunnel had used and that is closed again: no longer used, or pushed out by newer ones. */
export interface ClosedServer {
  readonly name: string;
  readonly address: string;
  readonly why: 'unused' | 'newer';
}

/** An address that an answer gave for a tunnel's host name although no server of that tunnel can have it. */
export interface RefusedAnswer {
  readonly name: string;
  readonly address: string;
  /** `reserved` or link-local; the client's own or its router's; seen to serve something else; private although earlier ones were public. */
  readonly why: 'reserved' | 'of this network' | 'in other use' | 'private';
}

/** A learned address that is closed again: it was not proven, and traffic that is not the tunnel's went there. */
export interface Withdrawal {
  readonly name: string;
  readonly address: string;
}

/** Most withdrawals, refused answers and closed addresses that wait to be taken. */
const WITHDRAWALS = 16;

/** What is kept across a restart of the daemon; `until` is monotonic milliseconds since boot. */
export interface LearnerRecord {
  readonly addresses: readonly KnownAddress[];
  readonly servers: readonly Lasting<LearnedServer>[];
  readonly resolvers: readonly ({ readonly address: string } & Until)[];
  readonly neighbourhood: NeighbourhoodRecord;
  /** Absent in records of earlier versions. */
  readonly prefixes?: readonly KnownPrefix[];
}

/** Learned addresses, bounded and with an end each. `now` is monotonic milliseconds throughout; addresses are canonical text. */
export class Learner {
  readonly #questions = new Questions(QUESTIONS);
  readonly #neighbourhood = new Neighbourhood();
  readonly #portal = new Portal();
  #names = new Set<string>();
  /** Endpoints with a host name: traffic to one of their ports may be the tunnel, at an address that is not learned yet. */
  #ports: readonly Endpoint[] = [];
  readonly #others = new OtherUses();
  /** Routers and servers that leases named: no tunnel's server has these addresses. */
  #gateways: readonly string[] = [];
  #addresses: KnownAddress[] = [];
  /** Endpoints over TCP: their streams are judged by their first bytes. */
  #streams: readonly Endpoint[] = [];
  /** The policy has a server with an IPv4 address, which a network with NAT64 gives an IPv6 address of its own. */
  #hasIpv4 = false;
  #prefixes: KnownPrefix[] = [];
  #withdrawn: Withdrawal[] = [];
  #letGo: ClosedServer[] = [];
  #refused: RefusedAnswer[] = [];
  #servers: Lasting<LearnedServer>[] = [];
  #resolvers: ({ address: string } & Until)[] = [];
  /** The end of each entry as it was last sent to the kernel, which counts that one down. */
  readonly #sent = new WeakMap<Until, number>();

  /** Forgets addresses of names that this policy does not have. */
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

  /** Takes a tap's report; true when the rules have to be updated. Addresses of login pages matter to them only while a pass is open. */
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

  /** Withdrawals since the last call; the newest 16. */
  takeWithdrawn(): readonly Withdrawal[] {
    const withdrawn = this.#withdrawn;
    this.#withdrawn = [];
    return withdrawn;
  }

  /** Answers for tunnels' host names refused since the last call; the newest 16. */
  takeRefused(): readonly RefusedAnswer[] {
    const refused = this.#refused;
    this.#refused = [];
    return refused;
  }

  /** Addresses that tunnels had used and that were closed since the last call; the newest 16. */
  takeClosed(): readonly ClosedServer[] {
    const letGo = this.#letGo;
    this.#letGo = [];
    return letGo;
  }

  /** Addresses that tunnels use, to be kept across a restart of the box: a client that slept meanwhile does not ask for the name again. */
  used(now: number): readonly UsedServer[] {
    return this.#addresses
      .filter(({ until }) => until - now > KEPT_SECONDS_MOST * 1_000)
      .map(({ name, address }) => ({ name, address }));
  }

  /** Restores what `used` returned before the restart; names that the policy does not have, and texts that are no address, are left out. */
  recall(used: readonly UsedServer[], now: number): void {
    for (const { name, address } of used) {
      const isKnown = this.#addresses.some((known) => known.name === name && known.address === address);
      if (isKnown || !this.#names.has(name) || parseAddress(address) === undefined) continue;
      this.#addresses.push({ name, address, until: now + USED_SECONDS * 1_000, proven: true });
    }
  }

  /** Takes the IPv6 addresses that clients tried while no daemon ran; the kernel kept them. */
  recallTried(addresses: readonly string[], now: number): void {
    this.#neighbourhood.recallTried(addresses, now);
  }

  /**
   * Whether a believed answer gave this address for the name so close to `at` (monotonic milliseconds; within a second) that the rules
   * could not know it.
   */
  wasResolved(name: string, address: string, at: number): boolean {
    return this.#addresses.some(
      (known) =>
        known.name === name &&
        known.address === address &&
        Math.abs(at - (known.since ?? -Infinity)) <= NEW_MS,
    );
  }

  /** Whether a new address of this name was learned between `from` and `to`, monotonic milliseconds. */
  wasLearnedBetween(name: string, from: number, to: number): boolean {
    return this.#addresses.some(
      ({ name: of, since = -Infinity }) => of === name && since >= from && since <= to,
    );
  }

  /** Whether a client's question for this name, asked within 30 s of `at` (monotonic milliseconds), has no answer here yet. */
  asked(name: string, at: number): boolean {
    return this.#questions.waits((asked) => this.#hostAsked(asked) === name, at);
  }

  /** Notes that a server answered at this address. True when the rules have to be updated. */
  #prove(address: string, now: number): boolean {
    for (const known of this.#addresses) if (known.address === address) known.proven = true;
    const words = address.includes(':') ? parseAddress(address)?.words : undefined;
    if (words === undefined) return false;
    const used = this.#prefixes.filter(({ network, until }) => until > now && isBehind(words, network));
    // Kept like an address in use: the client does not ask for the name again.
    for (const prefix of used) prefix.proven = true;
    return used.filter((prefix) => this.#prolong(prefix, now + USED_SECONDS * 1_000, now)).length > 0;
  }

  /** The policy's host name that the question is for, or the name that asks a network for its NAT64 prefix. */
  #hostAsked(name: string): string | undefined {
    return this.#hasIpv4 && name === NAT64_NAME ? name : hostAsked(this.#names, name);
  }

  /**
   * NAT64 prefixes that are not proven, as `address/length`: only an answer on the wire says that tunnels' servers are behind them. None
   * where no server has an IPv4 address.
   */
  unprovenPrefixes(now: number): readonly string[] {
    const open = this.#prefixes.filter(({ until, proven }) => until > now && proven !== true);
    return this.#hasIpv4 ? open.map(({ network }) => network) : [];
  }

  #learnPrefix(address: string, ttl: number, now: number): boolean {
    const parsed = parseAddress(address);
    const prefix = parsed?.ipVersion === 6 ? prefixOfAnswer(parsed.words) : undefined;
    // Not a network's own prefix: unspecified, link-local and multicast ones, and the well-known one that every network may use.
    if (prefix === undefined || isNoServer(6, prefix.words) || prefix.words[0] === 0x64ff9b) return false;
    const until = now + keptSeconds(ttl) * 1_000;
    const network = `${addressText(6, prefix.words)}/${prefix.length}`;
    this.#prefixes = this.#prefixes.filter((one) => one.until > now);
    if (this.#isOther(network, now)) return false;
    const known = this.#prefixes.find((one) => one.network === network);
    if (known !== undefined) return this.#prolong(known, until, now);
    // A proven prefix does not make room for one that was only announced.
    if (this.#prefixes.length >= PREFIXES) {
      const unproven = this.#prefixes.find(({ proven }) => proven !== true);
      if (unproven === undefined) return false;
      this.#prefixes = this.#prefixes.filter((prefix) => prefix !== unproven);
    }
    const learned = { network, until };
    this.#prefixes.push(learned);
    return this.#prolong(learned, until, now);
  }

  /**
   * Closes a learned address that is not proven when traffic that is not the tunnel's goes there: a host name that resolves to some web
   * server must not open the way to it. True when the rules have to be updated.
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
    const withdrawal = { name: NAT64_NAME, address: end.network };
    this.#withdrawn = [...this.#withdrawn, withdrawal].slice(-WITHDRAWALS);
    return true;
  }

  /**
   * Keeps the learned addresses of tunnels in use (`names`): a client asks for the name only once, and after days of sleep continues with
   * the address it had. If one address of a name is proven, the others last only as long as their records. True when the rules have to be
   * updated.
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

  /**
   * Extends an entry. True when the end that the kernel has is less than half as far away: the rules are then updated well before that end,
   * and not for every second.
   */
  #prolong(kept: Until, until: number, now: number): boolean {
    kept.until = Math.max(kept.until, until);
    const isStale = (this.#sent.get(kept) ?? now) - now < (kept.until - now) / 2;
    if (isStale) this.#sent.set(kept, kept.until);
    return isStale;
  }

  /** Everything that is valid at `now`, in the form that the policy compilers take: `seconds` are whole seconds left, rounded down. */
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

  /** What to keep across a restart of the daemon. */
  record(): LearnerRecord {
    return {
      addresses: this.#addresses,
      servers: this.#servers,
      resolvers: this.#resolvers,
      prefixes: this.#prefixes,
      neighbourhood: this.#neighbourhood.record(),
    };
  }

  /** Restores what `record` returned, which whoever read it has checked; addresses of names that the policy does not have are left out. */
  restore(record: LearnerRecord): void {
    this.#addresses = record.addresses.filter((known) => this.#names.has(known.name));
    this.#servers = [...record.servers];
    this.#resolvers = [...record.resolvers];
    this.#prefixes = [...(record.prefixes ?? [])];
    for (const kept of [...this.#addresses, ...this.#servers, ...this.#resolvers, ...this.#prefixes])
      this.#sent.set(kept, kept.until);
    this.#neighbourhood.restore(record.neighbourhood);
  }

  #hear({ packet, client, verdict, folded }: Observation, now: number): void {
    if (folded) return;
    // A ping says nothing about what an address serves: programs use it to choose their nearest server.
    const isUse = isVisit(packet.kind) && packet.kind !== 'icmp' && packet.ipVersion !== 0;
    if (verdict.verdict !== 'tunnel' && isUse) this.#visited(packet, now);
    if (packet.kind !== 'dns') return;
    for (const { name } of packet.findings.names) {
      // Both taps report a question, the second one perhaps after its answer.
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

  /** Whether the address was seen to serve something else than the policy's tunnels. */
  #isOther(address: string, now: number): boolean {
    return this.#others.isOther(address, now, (use) => this.#isOurs(use));
  }

  /** Whether a use may be a tunnel's own: clients try a server that has moved, or a new tunnel, before its address is known here. */
  #isOurs(use: OtherUse): boolean {
    const isNamed = use.name !== '' && hostAsked(this.#names, use.name) !== undefined;
    if (use.what === 'answer') return isNamed;
    const tries = this.#ports.some(
      (one) =>
        (one.transport === 'tcp' ? Protocol.TCP : Protocol.UDP) === use.protocol && hasPort(one, use.port),
    );
    return tries && (use.name === '' || isNamed);
  }

  /** Uses that are a tunnel's by the current policy are not noted, whatever a later policy says. */
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
    // Addresses are noted under the name asked for, even when aliases led to another name; with several questions under all of their names.
    const led = names
      .slice(0, QUESTIONS_READ)
      .map(({ name }) => ({ name, aliases: aliasesOf([name], answers) }));
    // A message without a question may answer a question for a tunnel's host name.
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
      // Now the newest, so the last to make room.
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

  /** Makes room for a new address of this name: the oldest unproven one goes, or else the oldest. */
  #makeRoom(name: string, now: number): void {
    this.#expire(now);
    const here = this.#addresses.filter((entry) => entry.name === name);
    if (here.length < ADDRESSES_PER_NAME) return;
    const oldest = here.find(({ proven }) => proven !== true) ?? here[0];
    if (oldest !== undefined) this.#close([oldest], 'newer');
  }

  #expire(now: number): void {
    const expired = this.#addresses.filter(({ until }) => until <= now);
    if (expired.length > 0) this.#close(expired, 'unused');
  }

  #close(closed: readonly KnownAddress[], why: ClosedServer['why']): void {
    this.#addresses = this.#addresses.filter((known) => !closed.includes(known));
    const used = closed.filter(({ proven }) => proven === true);
    this.#letGo = [...this.#letGo, ...used.map(({ name, address }) => ({ name, address, why }))].slice(
      -WITHDRAWALS,
    );
  }

  /** Why no server of the tunnel can have this new address; undefined when it can. */
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
    // A server with a public address does not move to a private one.
    if (!isPrivate(network)) return undefined;
    const before = this.#addresses.filter((entry) => entry.name === name);
    const wasPrivate = before.every((entry) => {
      const other = parseNetwork(entry.address);
      return other === undefined || isPrivate(other);
    });
    return wasPrivate ? undefined : 'private';
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
    let changed = packet.kind === 'dhcp' && this.#lease(offer.server, macText(packet.sourceMac), until, now);
    // From DHCPv4, DHCPv6 and router advertisements (RFC 2132 section 3.8, RFC 3646, RFC 8106).
    for (const address of offer.resolvers ?? []) {
      const resolver = this.#resolvers.find((r) => r.address === address) ?? { address, until };
      this.#resolvers = [resolver, ...this.#resolvers.filter((r) => r !== resolver)];
      if (this.#prolong(resolver, until, now)) changed = true;
    }
    this.#resolvers = this.#resolvers.slice(0, RESOLVERS);
    return changed;
  }

  #lease(address: string, mac: string, until: number, now: number): boolean {
    const known = this.#servers.find((s) => s.address === address && s.mac === mac);
    const server = known ?? { address, mac, until };
    this.#servers = [server, ...this.#servers.filter((s) => s.address !== address)].slice(0, SERVERS);
    return this.#prolong(server, until, now);
  }
}

/** Whether an address lies in a network, `address/length`. */
function isBehind(words: Uint32Array, network: string): boolean {
  const [prefix = '', length] = network.split('/');
  const own = parseAddress(prefix);
  return own !== undefined && inNetwork(words, own.words, Number(length));
}

/** Whether an address cannot be a tunnel's server: unassigned, link-local or reserved (RFC 6890). */
function isNoServer(ipVersion: 4 | 6, words: Uint32Array): boolean {
  if (noServerAddress(ipVersion, words) !== undefined) return true;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  if (ipVersion === 4) return w3 >>> 24 >= 240 || w3 >>> 16 === 0xa9fe;
  return (w0 === 0 && w1 === 0 && w2 === 0) || ((w0 >>> 16) & 0xffc0) === 0xfe80;
}
