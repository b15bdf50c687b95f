// Knows: what is kept of the first frames of an incident. Must not know: what is in them, where they are kept.
// Only privacy `full` keeps any (README.md, Privacy): a frame is all that Eve could read.

/** Frames kept of one incident, both ports together. */
export const EVIDENCE_FRAMES = 4;
/** Bytes kept of one frame: headers, and the name that leaked. */
export const EVIDENCE_BYTES = 512;

export interface EvidenceFrame {
  readonly port: 'lan' | 'wan';
  /** Wall clock, milliseconds since the epoch, when the guard heard of it. */
  readonly wall: number;
  /** Bytes on the wire; `bytes` may hold fewer. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Frames that one tap sends along in a second: a flood must not fill the pipe with evidence. */
const FRAMES_A_SECOND = 64;
/** A group gets no more than this part of what is left: whatever one has taken, there is some for the next. */
const PART = 1 / 4;

/** Which frames go along. Under flood it gives nothing, and allocates nothing. */
export class EvidenceBudget {
  wanted = false;
  #since = -Infinity;
  #left = 0;
  readonly #given = new Map<string, number>();

  /** A copy of the frame's beginning; undefined when it is not wanted. `now` in milliseconds; `group`: what a flood is one of. */
  of(bytes: Uint8Array, captured: number, now: number, group = ''): Uint8Array | undefined {
    if (!this.wanted) return undefined;
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#left = FRAMES_A_SECOND;
      this.#given.clear();
    }
    const given = this.#given.get(group) ?? 0;
    // The last ones go to groups that had none.
    if (this.#left === 0 || (given > 0 && given >= this.#left * PART)) return undefined;
    this.#left -= 1;
    this.#given.set(group, given + 1);
    // A Node buffer's own slice would share the memory that the next frame overwrites.
    return new Uint8Array(bytes.subarray(0, Math.min(captured, EVIDENCE_BYTES)));
  }
}
