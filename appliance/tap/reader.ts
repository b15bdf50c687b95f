// Knows: what a tap does with each frame: decode, judge, count together. Must not know: sockets, processes.
// Nothing but this runs in the capture process. Which way a frame goes is what the kernel says of it: it came in by this port or
// left by it. Its addresses, which anyone on the wire can write, decide nothing about that.

import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import type { Dissector } from '../../src/flow/dissector.ts';
import { BoundedMap } from '../../src/guard/bounded-map.ts';
import { isLeakUp } from '../../src/guard/account/counters.ts';
import { LEFT_OTHERWISE } from '../../src/guard/account/reconciliation.ts';
import { NeighbourNews } from '../../src/guard/attacks/neighbour-news.ts';
import { ObservationBatch } from '../../src/guard/observation.ts';
import { Occasions } from '../../src/guard/incidents/occasions.ts';
import type { Handshake, Judged, Lesson, TapReport } from '../../src/guard/observation.ts';
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
import { isHandshakeAnswer, isShown } from '../../src/policy/shapes/shape.ts';
import { addressText } from '../../src/wire/ip/address.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import { finishUdpChecksum } from '../../src/wire/ip/udp-checksum.ts';

/** Reports go out at most this often while frames come, milliseconds; the first after a pause goes at once. */
const REPORT_MS = 5;
/**
 * Where the guard is slower than the wire, a report waits this many times as long as the guard took for the last one, and at most so
 * long: what comes meanwhile is counted together, so that what the guard hears is never far behind the wire. Milliseconds.
 */
const SLOW = { times: 2, most: 250 };
/** Distinct observations in one report; so many fewer where the guard takes longer than this for them, but never less. */
const BATCH = { limit: 512, late: 128, least: 64, ms: 50 };
/**
 * Frames that waited longer than this before they were read: more comes than is read one by one, so what is alike is counted together,
 * which takes a third of the time, in reports as far apart. Milliseconds.
 */
const LATE_MS = 20;
/** Forged leaks of the box's own in one report: one comes at a time. */
const CANARIES = 8;
/** Servers that answered, in one report. */
const HANDSHAKES = 64;
/** Answers in one report: of a flood of them the rest is asked for again. */
const LESSONS = 64;
/** Neighbours remembered. */
const CLAIMS = 1_024;

export interface TapReaderParts {
  readonly port: 'lan' | 'wan';
  readonly dissector: Dissector;
  readonly judge: Judge;
  /** What the judge was made of, where answers matter. */
  readonly policy?: Policy;
  /** The box's own MAC addresses: what the kernel delivers to the box, or the box itself sends, does not cross. */
  readonly boxMacs: readonly number[];
  readonly orders: number;
  readonly canary?: CanaryKey | undefined;
  /** Whether leak frames go along as evidence (privacy `full`). */
  readonly keepsFrames: boolean;
  readonly monotonic: () => number;
  /** Frames that the kernel could not give, since the start. */
  readonly lost: () => number;
  /** Resolves when the guard has taken the report; until then frames are read on, and no other report is made. */
  readonly emit: (report: TapReport) => Promise<void> | undefined;
}

export class TapReader {
  readonly #parts: TapReaderParts;
  readonly #packet = new ParsedPacket();
  readonly #batch = new ObservationBatch(BATCH.limit);
  #judge: Judge;
  #boxMacs: ReadonlySet<number>;
  #orders: number;
  #frames = 0;
  readonly #claims = new BoundedMap<number>(CLAIMS);
  readonly #neighbours = new NeighbourNews();
  readonly #recentPeers = new RecentPeers();
  readonly #answered = new AnsweredNames();
  readonly #occasions = new Occasions();
  #lessons: Lesson[] = [];
  #handshakes: Handshake[] = [];
  #canaries: Sighting[] = [];
  #counts: Record<string, number> = {};
  /** When the guard had taken the last report; Infinity while it has one that it has not taken. */
  #takenAt = -Infinity;
  #pauseMs = REPORT_MS;
  /** How long a frame waited before it was read, of those since the last report the longest, milliseconds. */
  #waitedMs = 0;

  constructor(parts: TapReaderParts) {
    this.#parts = parts;
    this.#judge = parts.judge;
    this.#boxMacs = new Set(parts.boxMacs);
    this.#orders = parts.orders;
    this.#batch.evidence.wanted = parts.keepsFrames;
    if (parts.policy !== undefined) this.#answered.setPolicy(parts.policy);
  }

  /** Goes on by other orders. */
  setJudge(judge: Judge, given: Pick<TapReaderParts, 'boxMacs' | 'orders' | 'keepsFrames' | 'policy'>): void {
    this.#judge = judge;
    if (given.policy !== undefined) this.#answered.setPolicy(given.policy);
    this.#boxMacs = new Set(given.boxMacs);
    this.#batch.evidence.wanted = given.keepsFrames;
    this.#orders = given.orders;
  }

  /** What the kernel is about to open, and what it holds no longer. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], orders: number): void {
    this.#answered.give(opened, this.#parts.monotonic());
    this.#answered.take(gone);
    this.#orders = orders;
  }

  /**
   * Takes one captured frame that arrived at monotonic milliseconds `at`; `outgoing` says that it left by this port. The bytes
   * may be overwritten when it returns. Never throws.
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
      if (direction === 'down') this.#noteAnswer(tunnel, at);
      else if (isRead && packet.payloadLength > 0) dissector.streamPasses();
      return;
    }
    if (!isRead) dissector.application(bytes, packet, at * 1_000, direction);
    this.#recentPeers.recall(packet, direction, at);
    this.#answered.recall(packet, direction, at);
    const verdict = judge.judge(packet, direction);
    packet.forNobody = judge.isForNobody(packet, direction);
    if (verdict.verdict === 'essential') this.#recentPeers.learn(packet, direction, at);
    else this.#recentPeers.learnNames(packet, direction, at, judge.isOwnQuestion);
    const counter = judge.counter(packet, direction);
    this.#learnAnswers(bytes, captured, { direction, counter, verdict }, at);
    this.#compareLater(counter, outgoing);
    if (this.#isCanary(bytes, captured, { counter, isLeak: verdict.verdict === 'leak', outgoing })) return;
    // PAUSE and LLDP are for the box at the other end of the cable, which takes them in every mode: nothing tried to leave.
    if (port === 'lan' && !outgoing && isOfCable(packet)) return;
    const { findings } = packet;
    const tells =
      verdict.verdict === 'leak' ||
      verdict.verdict === 'allowed' ||
      findings.identity !== undefined ||
      findings.recognition !== undefined;
    const answers =
      findings.answers.length > 0 ||
      findings.offer !== undefined ||
      findings.redirect !== undefined ||
      this.#isNewClaim(packet, direction);
    const news = this.#neighbours.isNews(packet, direction, at);
    if (!news && (direction === 'up' ? !tells : !answers && findings.recognition === undefined)) return;
    const client = direction === 'up' ? packet.sourceMac : packet.destinationMac;
    const crosses = judge.crosses(packet, direction);
    if (isRead) this.#tellPassed(verdict, at);
    const judged: Judged = { verdict, direction, crosses, counter };
    // What was stopped nobody has seen asked or visited.
    const leaves =
      port === 'wan' && outgoing && (verdict.verdict === 'leak' || verdict.verdict === 'allowed');
    const occasion = leaves ? this.#occasions.of(packet, judged, client, at) : undefined;
    this.#batch.add(packet, judged, client, at, bytes, occasion);
    const now = monotonic();
    this.#waitedMs = Math.max(this.#waitedMs, now - at);
    this.#reportWhenDue(now);
  }

  /**
   * What the box says and is told. A frame to its address is delivered, not forwarded (net/bridge/br_input.c); a client that
   * bears its address is stopped in every mode, and counted so. On wan the box asks by ARP and DHCP alone.
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

  /** A forged leak of the box's own is told as such, and as nothing else. */
  #isCanary(bytes: Uint8Array, captured: number, seen: Omit<Sighting, 'serial'>): boolean {
    const { canary, port, monotonic } = this.#parts;
    if (canary?.mac !== this.#packet.sourceMac) return false;
    if (!seen.outgoing) this.#count(`canary_${port}`);
    const serial = serialOf(canary, bytes, captured);
    if (serial < 0) return false;
    if (this.#canaries.length < CANARIES) this.#canaries.push({ serial, ...seen });
    this.#reportWhenDue(monotonic());
    return true;
  }

  /** What a client says to a tunnel's endpoint over TCP; true when kind and findings of the frame were read by that. */
  #readStream(bytes: Uint8Array, direction: 'up' | 'down', at: number): boolean {
    const packet = this.#packet;
    const index = this.#judge.streamOf(packet, direction);
    const endpoint = index < 0 ? undefined : this.#judge.endpoints[index];
    if (endpoint === undefined || !isShown(endpoint, packet, 'up')) return false;
    const { dissector } = this.#parts;
    const isRead = dissector.stream(bytes, packet, endpoint.protocol, endpoint.serverName);
    if (dissector.carries) this.#noteHandshake(endpoint, packet.destination, at);
    return isRead;
  }

  /** What was taken for the tunnel before the stream had shown what it is: the kernel has let it through. */
  #tellPassed(verdict: Verdict, at: number): void {
    const passed = this.#parts.dissector.takePassed();
    const endpoint = this.#judge.endpoints[this.#judge.streamOf(this.#packet, 'up')];
    if (endpoint === undefined) return;
    const counter = counterName('up', 'tunnel', endpoint.tunnel);
    // Told as of now, by both taps: what came long before is no slice of any account.
    for (let frame = 0; frame < passed; frame += 1)
      this.#batch.add(
        this.#packet,
        { verdict, direction: 'up', crosses: true, counter },
        this.#packet.sourceMac,
        at,
      );
  }

  #noteAnswer(index: number, at: number): void {
    const endpoint = this.#judge.endpoints[index];
    if (endpoint === undefined || !isHandshakeAnswer(endpoint, this.#packet)) return;
    this.#noteHandshake(endpoint, this.#packet.source, at);
  }

  #noteHandshake({ name, text }: JudgedEndpoint, server: Uint32Array, at: number): void {
    const address = addressText(this.#packet.ipVersion === 6 ? 6 : 4, server);
    // Only a tunnel's first after a silence matters; another's must not be left out for it.
    if (this.#handshakes.some(({ tunnel, address: known }) => tunnel === name && known === address)) return;
    if (this.#handshakes.length >= HANDSHAKES) return;
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
    // Both taps remember; the wan tap alone has it before the client does.
    if (lesson === undefined || this.#parts.port !== 'wan' || this.#lessons.length >= LESSONS) return;
    const isHeld = this.#judge.holds(packet, direction) && captured === packet.length;
    const { opened, closed, shown } = lesson;
    if (!isHeld && opened.length + closed.length + shown.length === 0) return;
    const frame = isHeld ? bytes.slice(0, captured) : undefined;
    // What a neighbour on the same machine has sent leaves its last sum to a card, and no card comes.
    if (frame !== undefined) finishUdpChecksum(frame, packet.upperOffset, packet.ipVersion === 4 ? 4 : 16);
    this.#lessons.push(frame === undefined ? lesson : { ...lesson, frame });
    this.#reportWhenDue(this.#parts.monotonic());
  }

  /** Who says to have an address, told when it is another than before (rule T). */
  #isNewClaim(packet: ParsedPacket, direction: 'up' | 'down'): boolean {
    if (packet.arpOperation < 0 || direction !== 'down') return false;
    const address = String(packet.source[3]);
    const known = this.#claims.get(address) === packet.sourceMac;
    this.#claims.set(address, packet.sourceMac);
    return !known;
  }

  /** Counts what the kernel counts too: what came in by its own counter, and of what leaves wan the leaks. */
  #compareLater(counter: string, outgoing: boolean): void {
    if (!outgoing) {
      if (counter !== '') this.#count(counter);
    } else if (this.#parts.port === 'wan') {
      this.#count(isLeakUp(counter) ? 'leak_out' : LEFT_OTHERWISE);
    }
  }

  #count(counter: string): void {
    this.#counts[counter] = (this.#counts[counter] ?? 0) + 1;
  }

  /** Reports what is held: all that came before `at` where it is `drained`. */
  report(at: number, drained: boolean): void {
    const until = this.#parts.monotonic();
    const lost = this.#parts.lost();
    const { observations, newlyFolded } = this.#batch.take();
    const [handshakes, canaries] = [this.#handshakes, this.#canaries];
    const lessons = this.#lessons;
    this.#handshakes = [];
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
      ...(canaries.length === 0 ? {} : { canaries }),
      ...(lessons.length === 0 ? {} : { lessons }),
      ...(unsure ? { unsure } : {}),
    });
    const isLate = this.#waitedMs > LATE_MS;
    this.#waitedMs = 0;
    if (isLate) this.#batch.limit = BATCH.late;
    if (taken === undefined) {
      this.#taken(until, observations.length, isLate);
      return;
    }
    this.#takenAt = Infinity;
    void taken.then(() => {
      this.#taken(until, observations.length, isLate);
    });
  }

  #taken(since: number, observations: number, isLate: boolean): void {
    const tookMs = this.#parts.monotonic() - since;
    this.#pauseMs = Math.min(Math.max(isLate ? LATE_MS : REPORT_MS, SLOW.times * tookMs), SLOW.most);
    this.#takenAt = since + tookMs;
    if (isLate) return;
    // A guard that is behind hears less of the many that are alike, and so, sooner, of what is not.
    if (tookMs > BATCH.ms)
      this.#batch.limit = Math.max(BATCH.least, Math.floor((observations * BATCH.ms) / tookMs));
    else this.#batch.limit = Math.min(BATCH.limit, this.#batch.limit * 2);
  }

  /**
   * Milliseconds until the guard has had its pause; 0 when it has, Infinity while it has not taken the last report. What is read until
   * then is counted together.
   */
  pauseAt(now: number): number {
    return Math.max(0, this.#takenAt + this.#pauseMs - now);
  }

  get #forgotten(): number {
    const { flowsEvicted, fragmentsEvicted, streamsRefused } = this.#parts.dissector.losses;
    const read = flowsEvicted + fragmentsEvicted + streamsRefused + this.#occasions.refused;
    return read + this.#recentPeers.refused + this.#claims.evicted;
  }

  get pending(): boolean {
    const told = [this.#handshakes, this.#canaries, this.#lessons];
    return this.#batch.size > 0 || told.some(({ length }) => length > 0);
  }

  #reportWhenDue(now: number): void {
    if (this.pauseAt(now) === 0) this.report(now, false);
  }
}
