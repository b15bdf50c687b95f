// How much is kept of an incident's captured frames. Only privacy `full` keeps any (README.md, Privacy): a frame holds everything that
// Eve could read.

/** Most frames kept of one incident, both ports together. */
export const EVIDENCE_FRAMES = 4;
/** Most bytes kept of one frame: enough for the headers and the name that leaked. */
export const EVIDENCE_BYTES = 512;

/** The beginning of one captured frame, from its first byte. */
export interface EvidenceFrame {
  readonly port: 'lan' | 'wan';
  /** When the guard received the tap's report, wall clock, milliseconds since the epoch. */
  readonly wall: number;
  /** Bytes on the wire; `bytes` holds at most EVIDENCE_BYTES of them. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Most frames that a tap sends along per second: a flood must not fill the pipe with them. */
const FRAMES_A_SECOND = 64;
/** A group gets at most this part of what is left, so that there is always some left for the next group. */
const PART = 1 / 4;

/** Decides which frames a tap sends along, at most 64 a second. In a flood it soon refuses, and then allocates nothing. */
export class EvidenceBudget {
  /** Whether frames are kept at all. */
  wanted = false;
  #since = -Infinity;
  #left = 0;
  readonly #given = new Map<string, number>();

  /**
   * A copy of the frame's first bytes (at most EVIDENCE_BYTES), or undefined when it is not to be kept. `captured`: how many bytes of it
   * are in `bytes`; `now`: milliseconds of any clock that does not go back; `group`: frames that share one budget.
   */
  of(bytes: Uint8Array, captured: number, now: number, group = ''): Uint8Array | undefined {
    if (!this.wanted) return undefined;
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#left = FRAMES_A_SECOND;
      this.#given.clear();
    }
    const given = this.#given.get(group) ?? 0;
    // The last ones are for groups that had none yet.
    if (this.#left === 0 || (given > 0 && given >= this.#left * PART)) return undefined;
    this.#left -= 1;
    this.#given.set(group, given + 1);
    // Copied: a slice of the buffer would share the memory that the next frame overwrites.
    return new Uint8Array(bytes.subarray(0, Math.min(captured, EVIDENCE_BYTES)));
  }
}
