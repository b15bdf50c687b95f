// Knows: what a tap does with each frame: decode, find the direction, judge, count together. Must not know: cap, processes.
// DESIGN section 5: nothing but this runs in the capture process. What never leaves lan is not counted: the box's own
// conversation with the client, and frames between clients behind one switch.

import { Facts } from '../../src/flow/facts.ts';
import type { Dissector } from '../../src/flow/dissector.ts';
import { ObservationBatch } from '../../src/guard/observation.ts';
import type { TapReport } from '../../src/guard/observation.ts';
import type { Judge } from '../../src/policy/judge.ts';
import type { BridgeSides } from './sides.ts';

/** Reports go out at most this often while frames come, milliseconds; the first after a pause goes at once. */
const REPORT_MS = 5;
/** Distinct observations in one report. */
const BATCH_LIMIT = 512;

export interface TapReaderParts {
  readonly port: 'lan' | 'wan';
  readonly dissector: Dissector;
  readonly judge: Judge;
  readonly sides: Pick<BridgeSides, 'of'>;
  readonly monotonic: () => number;
  readonly emit: (report: TapReport) => void;
}

export class TapReader {
  readonly #parts: TapReaderParts;
  readonly #facts = new Facts();
  readonly #batch = new ObservationBatch(BATCH_LIMIT);
  #judge: Judge;
  #frames = 0;
  #leaksUp = 0;
  #redLeaksUp = 0;
  #reportedAt = -Infinity;

  constructor(parts: TapReaderParts) {
    this.#parts = parts;
    this.#judge = parts.judge;
  }

  setJudge(judge: Judge): void {
    this.#judge = judge;
  }

  /** Takes one captured frame; the bytes may be overwritten when it returns. Never throws. */
  frame(bytes: Uint8Array, captured: number, wireLength: number, linkType: number): void {
    const { dissector, sides, monotonic } = this.#parts;
    const facts = this.#facts;
    this.#frames += 1;
    dissector.headers(bytes, 0, captured, wireLength, linkType, facts);
    const now = monotonic();
    const from = sides.of(facts.sourceMac, now);
    if (from === 'box') return;
    const direction = from === 'wan' ? 'down' : 'up';
    const to = sides.of(facts.destinationMac, now);
    if (direction === 'up' && (to === 'box' || to === 'lan')) return;
    if (this.#judge.tunnelOf(facts, direction) >= 0) return;
    dissector.application(bytes, facts, now * 1_000);
    const verdict = this.#judge.judge(facts, direction);
    const { findings } = facts;
    if (verdict.verdict === 'leak' && direction === 'up') {
      this.#leaksUp += 1;
      if (verdict.severity === 'red') this.#redLeaksUp += 1;
    } else {
      const tells =
        findings.answers.length > 0 ||
        findings.offer !== undefined ||
        findings.identity !== undefined ||
        findings.recognition !== undefined ||
        (verdict.verdict === 'allowed' && direction === 'up');
      if (!tells) return;
    }
    const client = direction === 'up' ? facts.sourceMac : facts.destinationMac;
    this.#batch.add(facts, verdict, direction, client, now);
    this.#reportWhenDue(now);
  }

  /** Reports what is held; `drained` as in TapReport. */
  report(at: number, drained: boolean): void {
    this.#reportedAt = at;
    const { observations, newlyFolded } = this.#batch.take();
    this.#parts.emit({
      port: this.#parts.port,
      at,
      drained,
      frames: this.#frames,
      leaksUp: this.#leaksUp,
      redLeaksUp: this.#redLeaksUp,
      newlyFolded,
      observations,
    });
  }

  get pending(): boolean {
    return this.#batch.size > 0;
  }

  #reportWhenDue(now: number): void {
    if (now - this.#reportedAt >= REPORT_MS) this.report(now, false);
  }
}
