// Judges and counts the frames of a capture, and makes the report of `analyze --json`. Names and incidents are bounded; what does not fit
// is counted in `limits`.

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

/** What an analysis is made of. */
export interface AnalysisParts {
  readonly dissector: Dissector;
  readonly judge: LearningJudge;
  /** MAC address of the laptop as a number: only frames that it sends are judged. Without it both directions are judged alike. */
  readonly client?: number;
  /** Addresses of the capturing machine, if it is itself on the wire: frames that it receives are not its leaks. */
  readonly own?: OwnAddresses;
  /** For rule T, which compares the network's offers with its tunnels' servers; if absent, network attacks are not looked for. */
  readonly policy?: Policy;
  /** If `policy` is absent: the policy that answers are compared with in split. */
  readonly answersBy?: Policy;
  /** 10,000 by default. */
  readonly maxIncidents?: number;
  /** 150,000 by default. */
  readonly maxNames?: number;
}

/** Addresses by which a machine's frames are recognized; an interface without MAC addresses still has IP addresses. */
export interface OwnAddresses {
  readonly mac: number | undefined;
  /** Canonical texts. */
  readonly addresses: ReadonlySet<string>;
}

/** A tunnel in the report; `learned` if it was learned from a handshake. */
interface AnalysedTunnel {
  readonly protocol: string;
  readonly endpoint: string;
  readonly packets: number;
  readonly learned: boolean;
}

/** The object that `analyze --json` prints. Numbers are frames unless said otherwise; `kinds` and `rules` leave out those without any. */
export interface AnalysisReport {
  readonly file: string;
  readonly packets: number;
  /** As on the wire, captured or not. */
  readonly bytes: number;
  /** Seconds between the first and the last frame, by the capture's clock. */
  readonly seconds: number;
  /** What the analysis took, by whoever asked for the report. */
  readonly elapsedMs: number;
  /** `others`: leaks that the judged machine did not send; absent where both directions are judged alike. */
  readonly verdicts: Readonly<Record<VerdictName, number>> & { readonly others?: number };
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  readonly rules: Readonly<Partial<Record<Rule, number>>>;
  /** Names that a client asked for or gave about itself. */
  readonly names: readonly CountedName[];
  /** Names that were only in answers, each with `asked: false`. */
  readonly answered: readonly CountedName[];
  readonly incidents: readonly AnalysedIncident[];
  readonly tunnels: readonly AnalysedTunnel[];
  readonly malformed: number;
  /** What was not kept because there was too much of it. */
  readonly limits: {
    readonly incidentsDropped: number;
    readonly namesDropped: number;
    readonly flowsEvicted: number;
    readonly streamsRefused: number;
    readonly fragmentsEvicted: number;
  };
}

/** The same with names and incidents as iterables, because there may be very many. */
export type StreamedReport = Omit<AnalysisReport, 'names' | 'answered' | 'incidents'> & {
  readonly names: Iterable<CountedName>;
  readonly answered: Iterable<CountedName>;
  readonly incidents: Iterable<AnalysedIncident>;
};

const TCP = 6;
/** How many frames of a tunnel are examined for its protocol. */
const SAMPLE = 64;

/** Shows everything. */
const UNREDACTED = new Redaction('full', (text) => text);

/** The analysis of one capture, frame by frame in the capture's order. Its memory is bounded. */
export class Analysis {
  readonly #dissector: Dissector;
  #judge: Judge;
  readonly #client: number | undefined;
  readonly #own: OwnAddresses | undefined;
  #others = 0;
  readonly #learning: LearningJudge;
  /** Two objects, reused for each frame: one for plain datagrams, so that reading one after another stays fast, one for the rest. */
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
  /** By endpoint text, because indices change when the judge is replaced. */
  readonly #tunnelPackets = new Map<string, number>();
  readonly #notWireguard = new Set<string>();
  #perEndpoint: Float64Array;
  #packets = 0;
  #bytes = 0;
  #first = Infinity;
  #last = -Infinity;
  #direction: CaptureDirection = 'either';
  /** Why the current frame is a leak: computed when an incident begins, not for each of its frames. */
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

  /** Counts a PPPoE frame of the uplink itself, with nothing from the client. `wireLength` in bytes, time in microseconds since 1970. */
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

  /** Frames taken so far. */
  get packets(): number {
    return this.#packets;
  }

  /** Incidents begun so far; the newest has this number in its id. */
  get incidents(): number {
    return this.#incidents.begun;
  }

  /** The last frame, parsed; overwritten by the next. */
  get parsed(): ParsedPacket {
    return this.#parsed;
  }

  /**
   * Takes one frame in `bytes` from `start` to before `end`; the bytes may be overwritten afterwards. `wireLength`: its bytes on the wire;
   * `linkType`: as pcap has it (LINKTYPE_…). Time in microseconds since 1970. Never throws.
   */
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
      if (isRead && parsed.payloadLength > 0) this.#dissector.countStreamAsTunnel();
      return;
    }
    if (!isRead) this.#dissector.application(bytes, parsed, timeMicros);
    // Segments that were counted as the tunnel's before the stream proved to be foreign.
    const passed = isRead ? this.#dissector.takeCountedAsTunnel() : 0;
    const stream = this.#judge.streamOf(parsed, direction);
    if (passed > 0) this.#perEndpoint[stream] = Math.max(0, (this.#perEndpoint[stream] ?? 0) - passed);
    this.#judgeOther(direction, timeMicros, 1 + passed);
  }

  /** Whether the judged machine sent the last frame; false where it is not known. */
  get isSent(): boolean {
    return this.#direction === 'up';
  }

  #directionOf(parsed: ParsedPacket): CaptureDirection {
    if (this.#client !== undefined) return parsed.sourceMac === this.#client ? 'up' : 'down';
    if (this.#own === undefined) return 'either';
    const { mac, addresses } = this.#own;
    const [sends, gets] = [parsed.sourceMac, parsed.destinationMac].map(
      (address) => mac !== undefined && address === mac,
    );
    if (sends === true || gets === true) return sends === true ? 'up' : 'down';
    if (parsed.ipVersion === 0) return 'either';
    if (addresses.has(addressText(parsed.ipVersion, parsed.source))) return 'up';
    return addresses.has(addressText(parsed.ipVersion, parsed.destination)) ? 'down' : 'either';
  }

  /** Reads a client's TCP segment to a tunnel's endpoint; true if that has set the frame's kind and findings. */
  #readStream(bytes: Uint8Array, direction: CaptureDirection): boolean {
    const index = this.#judge.streamOf(this.#parsed, direction);
    const endpoint = index < 0 ? undefined : this.#judge.endpoints[index];
    if (endpoint === undefined || !isShown(endpoint, this.#parsed, 'up')) return false;
    return this.#dissector.stream(bytes, this.#parsed, endpoint.protocol, endpoint.serverName);
  }

  /** Endpoints from the command line have no protocol: the report says WireGuard if all of the first frames are. */
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
    // With a known client, names that others give about themselves are not the client's.
    const isClients =
      this.#client === undefined || direction === 'up' || parsed.destinationMac === this.#client;
    if (parsed.findings.names.length > 0 && isClients) this.#names.add(parsed.findings.names);
    if (direction !== 'up') this.#rules.T += this.#networkAttacks?.look(parsed, timeMicros) ?? 0;
    if (verdict.verdict === 'leak' && direction === 'down') {
      this.#others += frames;
      if (isClients && parsed.findings.answers.length > 0) this.#learning.expose(parsed);
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

  /** The report of all frames so far, redacted. `file` and `elapsedMs` (milliseconds) are copied into it. */
  report(file: string, elapsedMs: number, redaction = UNREDACTED): AnalysisReport {
    const streamed = this.streamed(file, elapsedMs, redaction);
    return {
      ...streamed,
      names: [...streamed.names],
      answered: [...streamed.answered],
      incidents: [...streamed.incidents],
    };
  }

  /** The same with iterables; no more frames may be taken until these have been consumed. */
  streamed(file: string, elapsedMs: number, redaction = UNREDACTED): StreamedReport {
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

/** The counts above zero, in the order of `keys`. */
function seen<K extends string>(
  keys: readonly K[],
  counts: Readonly<Record<K, number>>,
): Partial<Record<K, number>> {
  const found: Partial<Record<K, number>> = {};
  for (const key of keys) if (counts[key] > 0) found[key] = counts[key];
  return found;
}
