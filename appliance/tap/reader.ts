// Knows: what a tap does with each frame: decode, find the direction, judge, count together. Must not know: cap, processes.
// DESIGN section 5: nothing but this runs in the capture process. What never leaves lan is not counted: the box's own
// conversation with the client, and frames between clients behind one switch.

import { Facts } from '../../src/flow/facts.ts';
import type { Dissector } from '../../src/flow/dissector.ts';
import { BoundedMap } from '../../src/guard/bounded-map.ts';
import { isLeakUp, isRedLeak } from '../../src/guard/counters.ts';
import { ObservationBatch } from '../../src/guard/observation.ts';
import type { Handshake, TapReport } from '../../src/guard/observation.ts';
import type { Judge } from '../../src/policy/judge.ts';
import { isHandshakeAnswer } from '../../src/policy/shape.ts';
import type { BridgeSides } from './sides.ts';

/** Reports go out at most this often while frames come, milliseconds; the first after a pause goes at once. */
const REPORT_MS = 5;
/**
 * Where the guard is slower than the wire, a report waits this many times as long as the last one took to hand over, and at most so
 * long: what comes meanwhile is counted together, so that what the guard hears is never far behind the wire. Milliseconds.
 */
const SLOW = { times: 4, most: 150 };
/** Distinct observations in one report. */
const BATCH_LIMIT = 512;
/** Neighbours remembered. */
const CLAIMS = 1_024;

export interface TapReaderParts {
  readonly port: 'lan' | 'wan';
  readonly dissector: Dissector;
  readonly judge: Judge;
  readonly sides: Pick<BridgeSides, 'of'>;
  readonly chatterIsRed: boolean;
  /** Whether leak frames go along as evidence (privacy `full`). */
  readonly keepsFrames: boolean;
  readonly monotonic: () => number;
  readonly emit: (report: TapReport) => void;
}

export class TapReader {
  readonly #parts: TapReaderParts;
  readonly #facts = new Facts();
  readonly #batch = new ObservationBatch(BATCH_LIMIT);
  #judge: Judge;
  #chatterIsRed: boolean;
  #frames = 0;
  readonly #claims = new BoundedMap<number>(CLAIMS);
  #handshakes: Handshake[] = [];
  #leaksUp = 0;
  #redLeaksUp = 0;
  #reportedAt = -Infinity;
  #pauseMs = REPORT_MS;

  constructor(parts: TapReaderParts) {
    this.#parts = parts;
    this.#judge = parts.judge;
    this.#chatterIsRed = parts.chatterIsRed;
    this.#batch.evidence.wanted = parts.keepsFrames;
  }

  setJudge(judge: Judge, chatterIsRed: boolean, keepsFrames: boolean): void {
    this.#judge = judge;
    this.#batch.evidence.wanted = keepsFrames;
    this.#chatterIsRed = chatterIsRed;
  }

  /** Takes one captured frame; the bytes may be overwritten when it returns. Never throws. */
  frame(bytes: Uint8Array, captured: number, wireLength: number, linkType: number): void {
    const { dissector, sides, monotonic } = this.#parts;
    const facts = this.#facts;
    this.#frames += 1;
    dissector.headers(bytes, 0, captured, wireLength, linkType, facts);
    const now = monotonic();
    const from = sides.of(facts.sourceMac, now, 0);
    if (from === 'box') return;
    const direction = from === 'wan' ? 'down' : 'up';
    const to = sides.of(facts.destinationMac, now);
    if (direction === 'up' && (to === 'box' || to === 'lan')) return;
    const judge = this.#judge;
    const tunnel = judge.tunnelOf(facts, direction);
    if (tunnel >= 0) {
      if (direction === 'down') this.#noteHandshake(tunnel, now);
      return;
    }
    dissector.application(bytes, facts, now * 1_000);
    const verdict = judge.judge(facts, direction);
    const { findings } = facts;
    if (direction === 'up') this.#compareLater(judge.counter(facts, direction));
    const tells =
      verdict.verdict === 'leak' ||
      verdict.verdict === 'allowed' ||
      findings.identity !== undefined ||
      findings.recognition !== undefined;
    const answers =
      findings.answers.length > 0 || findings.offer !== undefined || this.#isNewClaim(facts, direction);
    if (direction === 'up' ? !tells : !answers && findings.recognition === undefined) return;
    const client = direction === 'up' ? facts.sourceMac : facts.destinationMac;
    const crosses = judge.crosses(facts, direction);
    this.#batch.add(facts, { verdict, direction, crosses }, client, now, bytes);
    this.#reportWhenDue(now);
  }

  #noteHandshake(index: number, now: number): void {
    const endpoint = this.#judge.endpoints[index];
    if (endpoint === undefined || !isHandshakeAnswer(endpoint.shape, this.#facts)) return;
    // Only a tunnel's first after a silence matters; another tunnel's must not be left out for it.
    if (this.#handshakes.some(({ tunnel }) => tunnel === endpoint.name)) return;
    this.#handshakes.push({ tunnel: endpoint.name, at: now });
    this.#reportWhenDue(now);
  }

  /** Who says to have an address, told when it is another than before (rule T). */
  #isNewClaim(facts: Facts, direction: 'up' | 'down'): boolean {
    if (facts.arpOperation < 0 || direction !== 'down') return false;
    const address = String(facts.source[3]);
    const known = this.#claims.get(address) === facts.sourceMac;
    this.#claims.set(address, facts.sourceMac);
    return !known;
  }

  /** Counts what the kernel counts too, so that the difference is what no tap looked at. */
  #compareLater(counter: string): void {
    if (!isLeakUp(counter)) return;
    this.#leaksUp += 1;
    if (isRedLeak(counter, this.#chatterIsRed)) this.#redLeaksUp += 1;
  }

  /** Reports what is held; `drained` as in TapReport. */
  report(at: number, drained: boolean): void {
    const { monotonic } = this.#parts;
    const begun = monotonic();
    this.#reportedAt = at;
    const { observations, newlyFolded } = this.#batch.take();
    const handshakes = this.#handshakes;
    this.#handshakes = [];
    this.#parts.emit({
      port: this.#parts.port,
      at,
      drained,
      frames: this.#frames,
      leaksUp: this.#leaksUp,
      redLeaksUp: this.#redLeaksUp,
      newlyFolded,
      observations,
      ...(handshakes.length === 0 ? {} : { handshakes }),
    });
    this.#pauseMs = Math.min(Math.max(REPORT_MS, SLOW.times * (monotonic() - begun)), SLOW.most);
  }

  get pending(): boolean {
    return this.#batch.size > 0 || this.#handshakes.length > 0;
  }

  #reportWhenDue(now: number): void {
    if (now - this.#reportedAt >= this.#pauseMs) this.report(now, false);
  }
}
