// What DNS over HTTPS looks like from outside: many small questions, each with a small answer. After Vekshin and others, "DoH Insight"
// (ARES 2020), which recognises DoH by sizes and bursts. It is a hint with a confidence, never proof: a chat can look the same. Six numbers
// per flow.

import { RECOGNISED } from './recognise.ts';

/** Segments after the ClientHello that still belong to the handshake. */
const HANDSHAKE = { up: 2, down: 4 };
/** Answers that are needed before the sizes mean anything. */
const MIN_ANSWERS = 24;
/** Octets of a segment with a question (up) or an answer (down); shorter segments keep the connection alive or close it. */
const MIN_SEGMENT = 30;
const MAX_SEGMENT = { up: 300, down: 700 };
/** The share of segments that must have such a size. */
const SHARE = 0.9;
/** The largest average question in octets, and the ratio of answers to questions in octets. */
const MEAN_QUESTION = 150;
const ANSWER_PER_QUESTION = { min: 1, max: 6 };

interface Side {
  segments: number;
  fitting: number;
  octets: number;
}

/** Sizes of one connection's segments. */
export class DohShape {
  /** Set by the caller once it has reported the confidence. */
  isReported = false;
  readonly #up: Side = { segments: 0, fitting: 0, octets: 0 };
  readonly #down: Side = { segments: 0, fitting: 0, octets: 0 };

  /** Takes a segment with that many octets of TCP payload; the first ones of each side belong to the handshake and do not count. */
  take(fromServer: boolean, octets: number): void {
    const [side, skipped, max] = fromServer
      ? ([this.#down, HANDSHAKE.down, MAX_SEGMENT.down] as const)
      : ([this.#up, HANDSHAKE.up, MAX_SEGMENT.up] as const);
    side.segments += 1;
    if (side.segments <= skipped) return;
    side.octets += octets;
    if (octets >= MIN_SEGMENT && octets <= max) side.fitting += 1;
  }

  /** 0 while nothing suggests DoH; then from 0.62 (24 answers) to 0.7 (40), growing with the number of answers. */
  get confidence(): number {
    const up = this.#up.segments - HANDSHAKE.up;
    const down = this.#down.segments - HANDSHAKE.down;
    const answers = Math.min(up, down);
    if (answers < MIN_ANSWERS || this.#up.fitting < SHARE * up || this.#down.fitting < SHARE * down) return 0;
    const ratio = this.#down.octets / this.#up.octets;
    if (this.#up.octets > MEAN_QUESTION * up) return 0;
    if (ratio < ANSWER_PER_QUESTION.min || ratio > ANSWER_PER_QUESTION.max) return 0;
    return RECOGNISED + Math.min(answers, 40) / 200;
  }
}
