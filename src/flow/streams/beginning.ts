// Knows: what is remembered of the first bytes of a stream to a tunnel's endpoint. Must not know: whose they are, flows, policy.

/** First bytes that are kept to be compared. */
export const HEAD = 16;

/** What is known of the first bytes of one stream. */
export class Beginning {
  /** Undefined while they are incomplete. */
  own: boolean | undefined = undefined;
  readonly head = new Uint8Array(HEAD);
  /** Bit by bit, which bytes of `head` are there. */
  held = 0;
  segments = 0;
  bytes = 0;
  /** What the client had acknowledged when it first said something; -1 before. */
  acknowledged = -1;
  carried = false;
  /** Segments with data that were taken for the tunnel's while `own` was undefined, and are not told of yet. */
  passed = 0;

  /** How many bytes are there without a gap. */
  get length(): number {
    let length = 0;
    while (length < HEAD && (this.held & (1 << length)) !== 0) length += 1;
    return length;
  }
}
