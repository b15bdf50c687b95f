// Knows: what DNS over HTTPS looks like from outside: many small questions, each with a small answer. Must not know: TLS, policy.
// After Vekshin and others, "DoH Insight" (ARES 2020), which tells DoH by sizes and bursts. It is a hint with a confidence,
// never evidence: a chat can look so too. Holds six numbers a flow.

import { RECOGNISED } from './recognise.ts';

/** Segments behind the ClientHello that are the handshake's still, and answers that it takes for the rest to say something. */
const HANDSHAKE = { up: 2, down: 4 };
const ENOUGH = 24;
/** Octets of a segment with a question, or with an answer; what is shorter keeps the connection alive or closes it. */
const LEAST = 30;
const MOST = { up: 300, down: 700 };
/** Share of the segments that are so. */
const SHARE = 0.9;
/** Octets of a question on average, and how many times as much its answer is. */
const MEAN_QUESTION = 150;
const ANSWER_PER_QUESTION = { least: 1, most: 6 };

interface Side {
  segments: number;
  fitting: number;
  octets: number;
}

/** Sizes of one connection's segments. */
export class DohShape {
  /** Somebody has heard of it. */
  isReported = false;
  readonly #up: Side = { segments: 0, fitting: 0, octets: 0 };
  readonly #down: Side = { segments: 0, fitting: 0, octets: 0 };

  /** Takes a segment with so many octets of payload. */
  take(fromServer: boolean, octets: number): void {
    const [side, skipped, most] = fromServer
      ? ([this.#down, HANDSHAKE.down, MOST.down] as const)
      : ([this.#up, HANDSHAKE.up, MOST.up] as const);
    side.segments += 1;
    if (side.segments <= skipped) return;
    side.octets += octets;
    if (octets >= LEAST && octets <= most) side.fitting += 1;
  }

  /** 0 while nothing speaks for DoH; then at least RECOGNISED, up to 0.7, more with every answer. */
  get confidence(): number {
    const up = this.#up.segments - HANDSHAKE.up;
    const down = this.#down.segments - HANDSHAKE.down;
    const answers = Math.min(up, down);
    if (answers < ENOUGH || this.#up.fitting < SHARE * up || this.#down.fitting < SHARE * down) return 0;
    const ratio = this.#down.octets / this.#up.octets;
    if (this.#up.octets > MEAN_QUESTION * up) return 0;
    if (ratio < ANSWER_PER_QUESTION.least || ratio > ANSWER_PER_QUESTION.most) return 0;
    return RECOGNISED + Math.min(answers, 40) / 200;
  }
}
