// What is remembered of the first bytes of a TCP stream to a tunnel endpoint.

/** How many first octets are kept to be checked. */
export const HEAD = 16;

/** What is known of the first bytes of one stream. */
export class Beginning {
  /** Whether they are the tunnel's own; undefined while too few have come. */
  own: boolean | undefined = undefined;
  /** The stream's first octets, from after the SYN on. */
  readonly head = new Uint8Array(HEAD);
  /** A bit for each octet of `head` that is there, the lowest for the first. */
  present = 0;
  /** Segments with data that were read while `own` was undefined, and the octets of payload in them. */
  segments = 0;
  bytes = 0;
  /** The client's acknowledgement number in its first segment with data, unsigned 32 bits; -1 before. */
  acknowledged = -1;
  /** The stream has carried more than a handshake both ways. */
  carried = false;
  /** Segments with data that were counted as the tunnel's while `own` was undefined, and have not been returned since. */
  passed = 0;

  /** How many octets of `head` are there without a gap, from 0 to HEAD. */
  get length(): number {
    let length = 0;
    while (length < HEAD && (this.present & (1 << length)) !== 0) length += 1;
    return length;
  }
}
