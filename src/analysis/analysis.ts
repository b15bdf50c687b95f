// Knows: how the frames of a capture are judged and counted, and what `analyze --json` says. Must not know: files, terminals.
// Names and incidents are bounded; what does not fit is counted in `limits`.

import type { Dissector } from '../flow/dissector.ts';
import { ParsedPacket } from '../flow/parsed-packet.ts';
import { beginsPlain } from '../flow/headers/headers-plain.ts';
import { KINDS } from '../flow/kinds.ts';
import type { Kind } from '../flow/kinds.ts';
import { addressText } from '../wire/ip/address.ts';
import { RecentPeers } from '../policy/filter/recent-peers.ts';
import type { Judge } from '../policy/judge.ts';
import { isShown, kernelAccepts } from '../policy/shapes/shape.ts';
import type { TunnelProtocol } from '../flow/kinds.ts';
import type { Policy } from '../policy/policy.ts';
import { RULES } from '../policy/verdict.ts';
import type { CaptureDirection, Rule, VerdictName } from '../policy/verdict.ts';
import { AnsweredNames } from '../guard/answers/answered-names.ts';
import { IncidentList } from './analysis-incidents.ts';
import type { AnalysedIncident } from './analysis-incidents.ts';
import { NameList } from './analysis-names.ts';
import type { CountedName } from './analysis-names.ts';
import type { LearningJudge } from './analysis-learn.ts';
import { AnalysedNetworkAttacks } from './analysis-attacks.ts';
import { Redaction } from '../guard/history/privacy.ts';

export interface AnalysisParts {
  readonly dissector: Dissector;
  readonly judge: LearningJudge;
  /** MAC address of the laptop: what it sends is judged, and nothing else. Without it both directions are judged alike. */
  readonly client?: number;
  /** The machine that reads the capture as it comes, where it is itself on the wire: what it gets is no leak of its own. */
  readonly own?: OwnAddresses;
  /** Rule T holds the network's offers against its tunnels' servers; without it nobody looks for network attacks. */
  readonly policy?: Policy;
  /** Where nobody looks for network attacks: what answers are held against in split. */
  readonly answersBy?: Policy;
  readonly maxIncidents?: number;
  readonly maxNames?: number;
}

/** By what frames of a machine are told: an interface without MAC addresses has IP addresses all the same. */
export interface OwnAddresses {
  readonly mac: number | undefined;
  /** Canonical texts. */
  readonly addresses: ReadonlySet<string>;
}

/** One tunnel of the report; `learned` when a handshake told of it. */
interface AnalysedTunnel {
  readonly protocol: string;
  readonly endpoint: string;
  readonly packets: number;
  readonly learned: boolean;
}

/** The object that `analyze --json` prints. */
export interface AnalysisReport {
  readonly file: string;
  readonly packets: number;
  readonly bytes: number;
  /** Between first and last frame, by the capture's clock. */
  readonly seconds: number;
  readonly elapsedMs: number;
  /** `others`: neither tunnel nor essential traffic, and sent by nobody who is judged; absent where both directions are judged alike. */
  readonly verdicts: Readonly<Record<VerdictName, number>> & { readonly others?: number };
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  readonly rules: Readonly<Partial<Record<Rule, number>>>;
  /** What a client asked for or said about itself. */
  readonly names: readonly CountedName[];
  /** Names of which only answers were seen, each `asked: false`. */
  readonly answered: readonly CountedName[];
  readonly incidents: readonly AnalysedIncident[];
  readonly tunnels: readonly AnalysedTunnel[];
  readonly malformed: number;
  readonly limits: {
    readonly incidentsDropped: number;
    readonly namesDropped: number;
    readonly flowsEvicted: number;
    readonly streamsRefused: number;
    readonly fragmentsEvicted: number;
  };
}

/** The same with names and incidents one by one, for whoever writes them down: they may be very many. */
export type StreamedReport = Omit<AnalysisReport, 'names' | 'answered' | 'incidents'> & {
  readonly names: Iterable<CountedName>;
  readonly answered: Iterable<CountedName>;
  readonly incidents: Iterable<AnalysedIncident>;
};

const TCP = 6;
/** Frames of a tunnel that are looked at for its protocol. */
const SAMPLE = 64;

/** All that was read. */
const UNVEILED = new Redaction('full', (text) => text);

export class Analysis {
  readonly #dissector: Dissector;
  #judge: Judge;
  readonly #client: number | undefined;
  readonly #own: OwnAddresses | undefined;
  #others = 0;
  readonly #learning: LearningJudge;
  /** Of the frame at hand: one object for plain datagrams, which stay cheap to read after each other, and one for the rest. */
  readonly #plain = new ParsedPacket();
  readonly #other = new ParsedPacket();
  #parsed = this.#other;
  readonly #recentPeers = new RecentPeers();
  readonly #answered = new AnsweredNames();
  readonly #incidents: IncidentList;
  readonly #names: NameList;
  readonly #networkAttacks: AnalysedNetworkAttacks | undefined;
  readonly #kinds = zeros(KINDS);
  readonly #rules = zeros(RULES);
  readonly #verdicts = { tunnel: 0, essential: 0, allowed: 0, leak: 0 };
  /** By endpoint text: the judge that numbers them may be replaced. */
  readonly #tunnelPackets = new Map<string, number>();
  readonly #notWireguard = new Set<string>();
  #perEndpoint: Float64Array;
  #packets = 0;
  #bytes = 0;
  #first = Infinity;
  #last = -Infinity;
  #direction: CaptureDirection = 'either';
  /** Why the frame at hand is a leak: asked for when an incident begins, not for each of its frames. */
  readonly #reason = (): string => this.#judge.judge(this.#parsed, this.#direction).reason;

  constructor(parts: AnalysisParts) {
    this.#dissector = parts.dissector;
    this.#learning = parts.judge;
    this.#judge = parts.judge.judge;
    this.#client = parts.client;
    const by = parts.policy ?? parts.answersBy;
    if (by !== undefined) this.#answered.setPolicy(by);
    this.#own = parts.client === undefined ? parts.own : undefined;
    this.#incidents = new IncidentList(parts.maxIncidents ?? 10_000);
    this.#names = new NameList(parts.maxNames ?? 150_000);
    if (parts.policy !== undefined)
      this.#networkAttacks = new AnalysedNetworkAttacks(this.#incidents, parts.policy, parts.client);
    this.#perEndpoint = new Float64Array(this.#judge.endpoints.length);
  }

  /** Counts a frame that is the uplink's own and carries nothing of the client's. */
  aside(wireLength: number, timeMicros: number): void {
    this.#count(wireLength, timeMicros);
    this.#verdicts.essential += 1;
    this.#kinds.pppoe += 1;
  }

  #count(wireLength: number, timeMicros: number): void {
    this.#packets += 1;
    this.#bytes += wireLength;
    if (timeMicros < this.#first) this.#first = timeMicros;
    if (timeMicros > this.#last) this.#last = timeMicros;
  }

  get packets(): number {
    return this.#packets;
  }

  /** Incidents so far; the newest has this number in its id. */
  get incidents(): number {
    return this.#incidents.begun;
  }

  /** Of the frame that was taken last; overwritten by the next. */
  get parsed(): ParsedPacket {
    return this.#parsed;
  }

  /** Takes one frame; the bytes may be overwritten when it returns. Never throws. */
  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
    timeMicros: number,
  ): void {
    this.#count(wireLength, timeMicros);
    const parsed = beginsPlain(bytes, start, end) ? this.#plain : this.#other;
    this.#parsed = parsed;
    this.#dissector.headers(bytes, start, end, wireLength, linkType, parsed);
    const direction = this.#directionOf(parsed);
    this.#direction = direction;
    const isRead = parsed.protocol === TCP && this.#readStream(bytes, direction);
    const tunnel = this.#judge.tunnelOf(parsed, direction);
    if (tunnel >= 0) {
      const before = this.#perEndpoint[tunnel] ?? 0;
      this.#perEndpoint[tunnel] = before + 1;
      if (before < SAMPLE) this.#sample(tunnel);
      if (isRead && parsed.payloadLength > 0) this.#dissector.streamPasses();
      return;
    }
    if (!isRead) this.#dissector.application(bytes, parsed, timeMicros);
    // What was counted as the tunnel's before the stream had shown what it is.
    const passed = isRead ? this.#dissector.takePassed() : 0;
    const stream = this.#judge.streamOf(parsed, direction);
    if (passed > 0) this.#perEndpoint[stream] = Math.max(0, (this.#perEndpoint[stream] ?? 0) - passed);
    this.#judgeOther(direction, timeMicros, 1 + passed);
  }

  /** The frame that was taken last was sent by whom the capture is about. */
  get isSent(): boolean {
    return this.#direction === 'up';
  }

  #directionOf(parsed: ParsedPacket): CaptureDirection {
    if (this.#client !== undefined) return parsed.sourceMac === this.#client ? 'up' : 'down';
    if (this.#own === undefined) return 'either';
    const { mac, addresses } = this.#own;
    const [sends, gets] = [parsed.sourceMac, parsed.destinationMac].map(
      (one) => mac !== undefined && one === mac,
    );
    if (sends === true || gets === true) return sends === true ? 'up' : 'down';
    if (parsed.ipVersion === 0) return 'either';
    if (addresses.has(addressText(parsed.ipVersion, parsed.source))) return 'up';
    return addresses.has(addressText(parsed.ipVersion, parsed.destination)) ? 'down' : 'either';
  }

  /** What is said to a tunnel's endpoint over TCP; true when kind and findings of the frame were read by that. */
  #readStream(bytes: Uint8Array, direction: CaptureDirection): boolean {
    const index = this.#judge.streamOf(this.#parsed, direction);
    const endpoint = index < 0 ? undefined : this.#judge.endpoints[index];
    if (endpoint === undefined || !isShown(endpoint, this.#parsed, 'up')) return false;
    return this.#dissector.stream(bytes, this.#parsed, endpoint.protocol, endpoint.serverName);
  }

  /** Endpoints of the command line have no protocol: the report names the one that all of the first frames have. */
  #sample(tunnel: number): void {
    const endpoint = this.#judge.endpoints[tunnel];
    if (endpoint?.protocol !== 'opaque' || this.#notWireguard.has(endpoint.text)) return;
    if (!kernelAccepts({ shape: 'wireguard' }, this.#parsed, 'up')) this.#notWireguard.add(endpoint.text);
  }

  #judgeOther(direction: CaptureDirection, timeMicros: number, frames: number): void {
    const parsed = this.#parsed;
    this.#recentPeers.recall(parsed, direction, timeMicros / 1_000);
    this.#answered.recall(parsed, direction, timeMicros / 1_000);
    if (this.#learning.look(parsed)) {
      this.#replaceJudge(this.#learning.judge);
      const tunnel = this.#judge.tunnelOf(parsed, direction);
      if (tunnel >= 0) {
        this.#perEndpoint[tunnel] = (this.#perEndpoint[tunnel] ?? 0) + 1;
        return;
      }
    }
    const verdict = this.#judge.judge(parsed, direction, false);
    if (verdict.verdict === 'essential') this.#recentPeers.learn(parsed, direction, timeMicros / 1_000);
    else this.#recentPeers.learnNames(parsed, direction, timeMicros / 1_000, this.#judge.isOwnQuestion);
    const allowed = verdict.verdict === 'allowed';
    this.#answered.learn(parsed, direction, timeMicros / 1_000, { asks: allowed, passes: allowed });
    this.#kinds[parsed.kind] += frames;
    // Of a client that is named, what others say about themselves is not its own.
    const isTold = this.#client === undefined || direction === 'up' || parsed.destinationMac === this.#client;
    if (parsed.findings.names.length > 0 && isTold) this.#names.add(parsed.findings.names);
    if (direction !== 'up') this.#rules.T += this.#networkAttacks?.look(parsed, timeMicros) ?? 0;
    if (verdict.verdict === 'leak' && direction === 'down') {
      this.#others += frames;
      if (isTold && parsed.findings.answers.length > 0) this.#learning.expose(parsed);
      return;
    }
    this.#verdicts[verdict.verdict] += frames;
    if (verdict.verdict !== 'leak') return;
    if (parsed.findings.answers.length > 0) this.#learning.expose(parsed);
    this.#rules[verdict.rule ?? 'E'] += frames;
    if (verdict.severity === 'red') this.#networkAttacks?.blame(verdict.destination, timeMicros);
    for (let frame = 0; frame < frames; frame += 1)
      this.#incidents.add(parsed, verdict, direction === 'up', timeMicros, this.#reason);
  }

  #replaceJudge(judge: Judge): void {
    this.#settleTunnels();
    this.#judge = judge;
    this.#perEndpoint = new Float64Array(judge.endpoints.length);
  }

  #settleTunnels(): void {
    for (const [index, { text }] of this.#judge.endpoints.entries()) {
      const packets = this.#perEndpoint[index] ?? 0;
      this.#tunnelPackets.set(text, (this.#tunnelPackets.get(text) ?? 0) + packets);
    }
    this.#perEndpoint.fill(0);
  }

  /** The report of what was read so far, as much as the veil lets through. */
  report(file: string, elapsedMs: number, redaction = UNVEILED): AnalysisReport {
    const streamed = this.streamed(file, elapsedMs, redaction);
    return {
      ...streamed,
      names: [...streamed.names],
      answered: [...streamed.answered],
      incidents: [...streamed.incidents],
    };
  }

  /** The same; nothing more must be read before names and incidents have been gone through. */
  streamed(file: string, elapsedMs: number, redaction = UNVEILED): StreamedReport {
    this.#settleTunnels();
    const tunnels = this.#judge.endpoints.map(({ protocol, text }) => ({
      protocol: this.#protocolOf(protocol, text),
      endpoint: text,
      packets: this.#tunnelPackets.get(text) ?? 0,
      learned: this.#learning.found(text),
    }));
    let tunnel = this.#verdicts.tunnel;
    for (const packets of this.#tunnelPackets.values()) tunnel += packets;
    const kinds = { ...this.#kinds, tunnel: this.#kinds.tunnel + tunnel - this.#verdicts.tunnel };
    return {
      file,
      packets: this.#packets,
      bytes: this.#bytes,
      seconds: this.#packets > 0 ? (this.#last - this.#first) / 1_000_000 : 0,
      elapsedMs,
      verdicts: {
        ...this.#verdicts,
        tunnel,
        ...(this.#client === undefined && this.#own === undefined ? {} : { others: this.#others }),
      },
      kinds: seen(KINDS, kinds),
      rules: seen(RULES, this.#rules),
      names: this.#names.list(redaction),
      answered: this.#names.list(redaction, false),
      incidents: this.#incidents.list(redaction),
      tunnels,
      malformed: this.#kinds.malformed,
      limits: {
        incidentsDropped: this.#incidents.dropped,
        namesDropped: this.#names.dropped,
        ...this.#dissector.losses,
      },
    };
  }

  #protocolOf(protocol: TunnelProtocol, endpoint: string): TunnelProtocol {
    const seen = (this.#tunnelPackets.get(endpoint) ?? 0) > 0;
    return protocol === 'opaque' && seen && !this.#notWireguard.has(endpoint) ? 'wireguard' : protocol;
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

/** What was counted at least once, in the order of `keys`. */
function seen<K extends string>(
  keys: readonly K[],
  counts: Readonly<Record<K, number>>,
): Partial<Record<K, number>> {
  const found: Partial<Record<K, number>> = {};
  for (const key of keys) if (counts[key] > 0) found[key] = counts[key];
  return found;
}
