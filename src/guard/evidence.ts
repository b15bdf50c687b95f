// Knows: what is kept of the first frames of an incident. Must not know: what is in them, where they are kept.
// Only privacy `full` keeps any (DESIGN section 4): a frame is all that Eve could read.

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
