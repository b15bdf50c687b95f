// What a tap does with each frame: decode, judge, aggregate. No I/O here. A frame's direction comes from the kernel (it came in or left by
// this port), never from its addresses, which anyone on the wire can forge.

import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { Dissector } from '../../src/flow/dissector.ts';
import { BoundedMap } from '../../src/guard/bounded-map.ts';
import { isLeakUp } from '../../src/guard/account/counters.ts';
import { LEFT_OTHERWISE } from '../../src/guard/account/reconciliation.ts';
import { NeighbourNews } from '../../src/guard/attacks/neighbour-news.ts';
import { ObservationBatch } from '../../src/guard/observation.ts';
import { Occasions } from '../../src/guard/incidents/occasions.ts';
import type { Attempt, Handshake, Judged, Lesson, TapReport } from '../../src/guard/observation.ts';
import type { Sighting } from '../../src/guard/canary/canary.ts';
import { AnsweredNames } from '../../src/guard/answers/answered-names.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import { RecentPeers } from '../../src/policy/filter/recent-peers.ts';
import { counterName, isOfCable } from '../../src/policy/compile/counted.ts';
import type { JudgedEndpoint } from '../../src/policy/servers/hosts.ts';
import type { Judge } from '../../src/policy/judge.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Verdict } from '../../src/policy/verdict.ts';
import { serialOf } from '../bridge/canary-seal.ts';
import type { CanaryKey } from '../bridge/canary-seal.ts';
import { handshakeOf, isShown } from '../../src/policy/shapes/shape.ts';
import { addressText } from '../../src/wire/ip/address.ts';
import { Protocol } from '../../src/wire/ip/ip.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import { finishUdpChecksum } from '../../src/wire/ip/udp-checksum.ts';

/** Shortest time between two reports, milliseconds; the first after a pause is sent at once. */
const REPORT_MS = 5;
/**
 * When the guard is slower than the wire, the next report waits `factor` times as long as the guard took for the last one, but at most
 * `maxMs`. Frames are aggregated meanwhile, so that reports never lag far behind the wire.
 */
const GUARD_PAUSE = { factor: 2, maxMs: 250 };
/**
 * Most distinct observations in one report: `limit`, or `delayed` when frames wait to be read; fewer when the guard needs more than `ms`
 * milliseconds for a report, but at least `min`.
 */
const BATCH = { limit: 512, delayed: 128, min: 64, ms: 50 };
/**
 * When frames waited longer than this before they were read, more arrive than can be reported singly. Aggregating them in smaller batches
 * takes a third of the time; reports are then this far apart. Milliseconds.
 */
const DELAYED_MS = 20;
/** Most of the box's own forged leaks in one report; only one is sent at a time. */
const CANARIES_MOST = 8;
/** Most servers that answered a handshake in one report. */
const HANDSHAKES_MOST = 64;
/** Most DNS answers in one report; in a flood of them, clients ask for the rest again. */
const LESSONS_MOST = 64;
/** Most neighbours' addresses remembered. */
const CLAIMS_MOST = 1_024;

/** What a tap reads with. */
export interface TapReaderParts {
  readonly port: 'lan' | 'wan';
  readonly dissector: Dissector;
  readonly judge: Judge;
  /** The policy from which the judge was compiled; needed to learn from DNS answers. */
  readonly policy?: Policy;
  /** The box's own MAC addresses, as 48-bit numbers: frames that are delivered to the box or sent by it do not cross. */
  readonly boxMacs: readonly number[];
  /** Number of the order that these parts come from. */
  readonly orders: number;
  readonly canary?: CanaryKey | undefined;
  /** Whether frames of leaks are sent along as captured frames (privacy `full`). */
  readonly keepsFrames: boolean;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  /** Number of frames since the start for which the ring had no room. */
  readonly lost: () => number;
  /** Resolves when the guard has accepted the report; until then frames are read, but no other report is made. */
  readonly emit: (report: TapReport) => Promise<void> | undefined;
}

/** The reading of one port. Times are CLOCK_MONOTONIC milliseconds. */
export class TapReader {
  readonly #parts: TapReaderParts;
  readonly #packet = new ParsedPacket();
  readonly #batch = new ObservationBatch(BATCH.limit);
  #judge: Judge;
  #boxMacs: ReadonlySet<number>;
  #orders: number;
  #frames = 0;
  readonly #claims = new BoundedMap<number>(CLAIMS_MOST);
  readonly #neighbours = new NeighbourNews();
  readonly #recentPeers = new RecentPeers();
  readonly #answered = new AnsweredNames();
  readonly #occasions = new Occasions();
  #lessons: Lesson[] = [];
  #handshakes: Handshake[] = [];
  #attempts: Attempt[] = [];
  #canaries: Sighting[] = [];
  #counts: Record<string, number> = {};
  /** When the guard accepted the last report; Infinity while it has not. */
  #takenAt = -Infinity;
  #pauseMs = REPORT_MS;
  /** Longest time that a frame since the last report waited before it was read, milliseconds. */
  #waitedMs = 0;

  constructor(parts: TapReaderParts) {
    this.#parts = parts;
    this.#judge = parts.judge;
    this.#boxMacs = new Set(parts.boxMacs);
    this.#orders = parts.orders;
    this.#batch.evidence.wanted = parts.keepsFrames;
    if (parts.policy !== undefined) this.#answered.setPolicy(parts.policy);
  }

  /** Continues with new orders: the next frame is judged by them, and reports carry their number. */
  setJudge(judge: Judge, order: Pick<TapReaderParts, 'boxMacs' | 'orders' | 'keepsFrames' | 'policy'>): void {
    this.#judge = judge;
    if (order.policy !== undefined) this.#answered.setPolicy(order.policy);
    this.#boxMacs = new Set(order.boxMacs);
    this.#batch.evidence.wanted = order.keepsFrames;
    this.#orders = order.orders;
  }

  /** Takes addresses that the kernel is about to open for DNS answers, and those that it no longer holds. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], orders: number): void {
    this.#answered.give(opened, this.#parts.monotonic());
    this.#answered.take(gone);
    this.#orders = orders;
  }

  /**
   * Takes a frame that arrived at `at`, monotonic milliseconds: `captured` of its `length` bytes, from the Ethernet header on, are in
   * `bytes`; `outgoing`: it left by this port. The bytes may be overwritten afterwards. Never throws.
   */
  frame(bytes: Uint8Array, captured: number, length: number, outgoing: boolean, at: number): void {
    const { port, dissector, monotonic } = this.#parts;
    const packet = this.#packet;
    this.#frames += 1;
    dissector.headers(bytes, 0, captured, length, LinkType.ETHERNET, packet);
    const direction = outgoing === (port === 'wan') ? 'up' : 'down';
    if (this.#isOwn(packet, outgoing)) return;
    const judge = this.#judge;
    const isRead = this.#readStream(bytes, direction, at);
    const tunnel = judge.tunnelOf(packet, direction);
    if (tunnel >= 0) {
      if (this.#packet.protocol === Protocol.UDP) this.#noteHandshakeMessage(tunnel, direction, at);
      if (direction === 'up' && isRead && packet.payloadLength > 0) dissector.countStreamAsTunnel();
      return;
    }
    if (!isRead) dissector.application(bytes, packet, at * 1_000, direction);
    this.#recentPeers.recall(packet, direction, at);
    this.#answered.recall(packet, direction, at);
    const verdict = judge.judge(packet, direction);
    packet.unassignedField = judge.isForNobody(packet, direction);
    if (verdict.verdict === 'essential') this.#recentPeers.learn(packet, direction, at);
    else this.#recentPeers.learnNames(packet, direction, at, judge.isOwnQuestion);
    const counter = judge.counter(packet, direction);
    this.#learnAnswers(bytes, captured, { direction, counter, verdict }, at);
    this.#countFrame(counter, outgoing);
    if (this.#isCanary(bytes, captured, { counter, isLeak: verdict.verdict === 'leak', outgoing })) return;
    // PAUSE and LLDP are meant for the other end of the cable, here the box, which keeps them in every mode: not an attempt to leave.
    if (port === 'lan' && !outgoing && isOfCable(packet)) return;
    const { findings } = packet;
    const isReported =
      verdict.verdict === 'leak' ||
      verdict.verdict === 'allowed' ||
      findings.identity !== undefined ||
      findings.recognition !== undefined;
    const isAnswer =
      findings.answers.length > 0 ||
      findings.offer !== undefined ||
      findings.redirect !== undefined ||
      this.#isNewClaim(packet, direction);
    const news = this.#neighbours.isNews(packet, direction, at);
    if (!news && (direction === 'up' ? !isReported : !isAnswer && findings.recognition === undefined)) return;
    const client = direction === 'up' ? packet.sourceMac : packet.destinationMac;
    const crosses = judge.crosses(packet, direction);
    if (isRead) this.#reportPassed(verdict, at);
    const judged: Judged = { verdict, direction, crosses, counter };
    // Questions and visits count only if they left: nobody has seen those that were blocked.
    const leaves =
      port === 'wan' && outgoing && (verdict.verdict === 'leak' || verdict.verdict === 'allowed');
    const occasion = leaves ? this.#occasions.of(packet, judged, client, at) : undefined;
    this.#batch.add(packet, judged, client, at, bytes, occasion);
    const now = monotonic();
    this.#waitedMs = Math.max(this.#waitedMs, now - at);
    this.#reportWhenDue(now);
  }

  /**
   * Whether a frame is to or from the box itself. A frame to its address is delivered, not forwarded (net/bridge/br_input.c). A client that
   * uses its address is blocked in every mode and counted. On wan the box sends only ARP and DHCP requests.
   */
  #isOwn(packet: ParsedPacket, outgoing: boolean): boolean {
    const { port } = this.#parts;
    if (!outgoing) {
      if (this.#boxMacs.has(packet.destinationMac)) return true;
      if (port !== 'lan' || !this.#boxMacs.has(packet.sourceMac)) return false;
      this.#count('box_spoofed');
      return true;
    }
    if (!this.#boxMacs.has(packet.sourceMac)) return false;
    return (
      port === 'lan' ||
      packet.arpOperation === 1 ||
      (packet.sourcePort === 68 && packet.destinationPort === 67)
    );
  }

  /** Reports one of the box's own forged leaks; true when the frame is one, and nothing else is to be done with it. */
  #isCanary(bytes: Uint8Array, captured: number, seen: Omit<Sighting, 'serial'>): boolean {
    const { canary, port, monotonic } = this.#parts;
    if (canary?.mac !== this.#packet.sourceMac) return false;
    if (!seen.outgoing) this.#count(`canary_${port}`);
    const serial = serialOf(canary, bytes, captured);
    if (serial < 0) return false;
    if (this.#canaries.length < CANARIES_MOST) this.#canaries.push({ serial, ...seen });
    this.#reportWhenDue(monotonic());
    return true;
  }

  /** Reads a frame of a TCP stream to a tunnel's endpoint; true when its kind and findings are set from the stream. */
  #readStream(bytes: Uint8Array, direction: 'up' | 'down', at: number): boolean {
    const packet = this.#packet;
    const index = this.#judge.streamOf(packet, direction);
    const endpoint = index < 0 ? undefined : this.#judge.endpoints[index];
    if (endpoint === undefined || !isShown(endpoint, packet, 'up')) return false;
    const { dissector } = this.#parts;
    const isRead = dissector.stream(bytes, packet, endpoint.protocol, endpoint.serverName);
    if (dissector.carriesData) this.#noteHandshake(endpoint, packet.destination, at);
    return isRead;
  }

  /** Reports frames that were taken for the tunnel before their stream showed that it is not: the kernel let them through. */
  #reportPassed(verdict: Verdict, at: number): void {
    const passed = this.#parts.dissector.takeCountedAsTunnel();
    const endpoint = this.#judge.endpoints[this.#judge.streamOf(this.#packet, 'up')];
    if (endpoint === undefined) return;
    const counter = counterName('up', 'tunnel', endpoint.tunnel);
    // Both taps report them as of now: the interval in which they arrived has been accounted for already.
    for (let frame = 0; frame < passed; frame += 1)
      this.#batch.add(
        this.#packet,
        { verdict, direction: 'up', crosses: true, counter },
        this.#packet.sourceMac,
        at,
      );
  }

  #noteHandshakeMessage(index: number, direction: 'up' | 'down', at: number): void {
    const endpoint = this.#judge.endpoints[index];
    if (endpoint === undefined) return;
    const message = handshakeOf(endpoint, this.#packet);
    if (direction === 'down' && message === 'answer') this.#noteHandshake(endpoint, this.#packet.source, at);
    else if (direction === 'up' && message === 'begin') this.#noteAttempt(endpoint, at);
  }

  /** One in each report for each tunnel is enough: a client begins again after seconds only. */
  #noteAttempt({ name }: JudgedEndpoint, at: number): void {
    if (this.#attempts.length >= HANDSHAKES_MOST || this.#attempts.some(({ tunnel }) => tunnel === name))
      return;
    this.#attempts.push({ tunnel: name, at });
    this.#reportWhenDue(this.#parts.monotonic());
  }

  #noteHandshake({ name, text }: JudgedEndpoint, server: Uint32Array, at: number): void {
    const address = addressText(this.#packet.ipVersion === 6 ? 6 : 4, server);
    // Only a tunnel's first handshake after a gap matters, so repeated ones must not take room from other tunnels.
    if (this.#handshakes.some(({ tunnel, address: known }) => tunnel === name && known === address)) return;
    if (this.#handshakes.length >= HANDSHAKES_MOST) return;
    this.#handshakes.push({ tunnel: name, endpoint: text, address, at });
    this.#reportWhenDue(this.#parts.monotonic());
  }

  #learnAnswers(
    bytes: Uint8Array,
    captured: number,
    judged: { readonly direction: 'up' | 'down'; readonly counter: string; readonly verdict: Verdict },
    at: number,
  ): void {
    const { direction, counter, verdict } = judged;
    const packet = this.#packet;
    const asks =
      direction === 'up' && verdict.verdict === 'allowed' && !this.#judge.isOwnQuestion(packet, 'up');
    const passes = counter.startsWith('up_allowed');
    const lesson = this.#answered.learn(packet, direction, at, { asks, passes });
    // Both taps learn from it, but only the wan tap sees the answer before the client does.
    if (lesson === undefined || this.#parts.port !== 'wan' || this.#lessons.length >= LESSONS_MOST) return;
    const isHeld = this.#judge.holds(packet, direction) && captured === packet.length;
    const { opened, closed, shown } = lesson;
    if (!isHeld && opened.length + closed.length + shown.length === 0) return;
    const frame = isHeld ? bytes.slice(0, captured) : undefined;
    // A sender on the same machine leaves the UDP checksum to the network card (offload), which this frame never passes.
    if (frame !== undefined) finishUdpChecksum(frame, packet.upperOffset, packet.ipVersion === 4 ? 4 : 16);
    this.#lessons.push(frame === undefined ? lesson : { ...lesson, frame });
    this.#reportWhenDue(this.#parts.monotonic());
  }

  /** Whether an ARP frame claims an address for another MAC address than before (rule T). */
  #isNewClaim(packet: ParsedPacket, direction: 'up' | 'down'): boolean {
    if (packet.arpOperation < 0 || direction !== 'down') return false;
    const address = String(packet.source[3]);
    const known = this.#claims.get(address) === packet.sourceMac;
    this.#claims.set(address, packet.sourceMac);
    return !known;
  }

  /** Counts the frame as the kernel does: an incoming one by its counter, one that leaves wan as a leak or not. */
  #countFrame(counter: string, outgoing: boolean): void {
    if (!outgoing) {
      if (counter !== '') this.#count(counter);
    } else if (this.#parts.port === 'wan') {
      this.#count(isLeakUp(counter) ? 'leak_out' : LEFT_OTHERWISE);
    }
  }

  #count(counter: string): void {
    this.#counts[counter] = (this.#counts[counter] ?? 0) + 1;
  }

  /** Sends a report. `drained`: it covers every frame that arrived before `at`, monotonic milliseconds. */
  report(at: number, drained: boolean): void {
    const until = this.#parts.monotonic();
    const lost = this.#parts.lost();
    const { observations, newlyFolded } = this.#batch.take();
    const [handshakes, attempts, canaries] = [this.#handshakes, this.#attempts, this.#canaries];
    const lessons = this.#lessons;
    this.#handshakes = [];
    this.#attempts = [];
    this.#canaries = [];
    this.#lessons = [];
    const unsure = this.#answered.takeUnsure();
    const forgotten = this.#forgotten;
    const nameless = this.#occasions.takeNameless(until);
    const taken = this.#parts.emit({
      port: this.#parts.port,
      at,
      until,
      drained,
      orders: this.#orders,
      frames: this.#frames,
      lost,
      newlyFolded,
      observations,
      ...(forgotten === 0 ? {} : { forgotten }),
      counts: this.#counts,
      ...(nameless.length === 0 ? {} : { nameless }),
      ...(handshakes.length === 0 ? {} : { handshakes }),
      ...(attempts.length === 0 ? {} : { attempts }),
      ...(canaries.length === 0 ? {} : { canaries }),
      ...(lessons.length === 0 ? {} : { lessons }),
      ...(unsure ? { unsure } : {}),
    });
    const isDelayed = this.#waitedMs > DELAYED_MS;
    this.#waitedMs = 0;
    if (isDelayed) this.#batch.limit = BATCH.delayed;
    if (taken === undefined) {
      this.#reportTaken(until, observations.length, isDelayed);
      return;
    }
    this.#takenAt = Infinity;
    void taken.then(() => {
      this.#reportTaken(until, observations.length, isDelayed);
    });
  }

  #reportTaken(since: number, observations: number, isDelayed: boolean): void {
    const tookMs = this.#parts.monotonic() - since;
    const pauseMs = Math.max(isDelayed ? DELAYED_MS : REPORT_MS, GUARD_PAUSE.factor * tookMs);
    this.#pauseMs = Math.min(pauseMs, GUARD_PAUSE.maxMs);
    this.#takenAt = since + tookMs;
    if (isDelayed) return;
    // For a guard that is behind, similar frames are folded more, so that it gets the others sooner.
    if (tookMs > BATCH.ms)
      this.#batch.limit = Math.max(BATCH.min, Math.floor((observations * BATCH.ms) / tookMs));
    else this.#batch.limit = Math.min(BATCH.limit, this.#batch.limit * 2);
  }

  /**
   * Milliseconds from `now` (monotonic) until the next report may be sent; 0 when it may be now, Infinity while the guard has not accepted the
   * last one.
   */
  pauseAt(now: number): number {
    return Math.max(0, this.#takenAt + this.#pauseMs - now);
  }

  get #forgotten(): number {
    const { flowsEvicted, fragmentsEvicted, streamsRefused } = this.#parts.dissector.losses;
    const read = flowsEvicted + fragmentsEvicted + streamsRefused + this.#occasions.refused;
    return read + this.#recentPeers.refused + this.#claims.evicted;
  }

  /** Whether there is something to report. */
  get pending(): boolean {
    const lists = [this.#handshakes, this.#attempts, this.#canaries, this.#lessons];
    return this.#batch.size > 0 || lists.some(({ length }) => length > 0);
  }

  #reportWhenDue(now: number): void {
    if (this.pauseAt(now) === 0) this.report(now, false);
  }
}
