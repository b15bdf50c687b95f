// Knows: how fragments of one IP packet become whole. Must not know: what the packet says, policy.
// Follows RFC 791 section 3.2, RFC 8200 section 4.5 and RFC 5722: fragments that overlap with other octets spoil the packet.
// Bounded in packets, bytes and age; what is pushed out is counted and stays a `fragment`: a leak.

import type { ParsedPacket } from '../parsed-packet.ts';

const MAX_PACKETS = 64;
const MAX_LENGTH = 65_535;
const MAX_PIECES = 128;
/** RFC 8200 section 4.5 allows 60 seconds; nobody waits for more. */
const MAX_AGE_MICROS = 60_000_000;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Packet {
  readonly key: string;
  readonly since: number;
  readonly pieces: Piece[];
  /** Total length, known when the last fragment is there. */
  total: number;
  spoiled: boolean;
}

export class Fragments {
  readonly #packets = new Map<string, Packet>();
  /** Packets given up for want of room. */
  evicted = 0;

  /**
   * Takes the fragment that `packet` were read from; gives the whole IP payload when it was the last one missing, else
   * undefined. A fragment that the capture cut completes nothing.
   */
  accept(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number): Uint8Array | undefined {
    const start = packet.upperOffset;
    const end = packet.payloadEnd;
    if (packet.length > packet.captured) return undefined;
    const protocol = packet.ipVersion === 4 ? packet.protocol : '';
    const key = `${packet.fragmentIdentification} ${protocol} ${packet.source.join()} ${packet.destination.join()}`;
    let octets = this.#packets.get(key);
    if (octets !== undefined && timeMicros - octets.since > MAX_AGE_MICROS) {
      this.#packets.delete(key);
      octets = undefined;
    }
    octets ??= this.#open(key, timeMicros);
    const offset = packet.fragmentOffset;
    const length = end - start;
    if (offset + length > MAX_LENGTH || octets.pieces.length >= MAX_PIECES) octets.spoiled = true;
    if (octets.pieces.some((piece) => piece.offset === offset && piece.bytes.length === length))
      return undefined;
    const added = { offset, bytes: bytes.slice(start, end) };
    if (octets.pieces.some((piece) => contradicts(piece, added))) octets.spoiled = true;
    if (octets.spoiled) return undefined;
    octets.pieces.push(added);
    if (!packet.moreFragments) octets.total = offset + length;
    return this.#whole(octets);
  }

  #open(key: string, since: number): Packet {
    if (this.#packets.size >= MAX_PACKETS) {
      for (const oldest of this.#packets.keys()) {
        this.#packets.delete(oldest);
        this.evicted += 1;
        break;
      }
    }
    const octets: Packet = { key, since, pieces: [], total: -1, spoiled: false };
    this.#packets.set(key, octets);
    return octets;
  }

  #whole(octets: Packet): Uint8Array | undefined {
    if (octets.total < 0) return undefined;
    let covered = 0;
    for (const { offset, bytes } of octets.pieces.sort((a, b) => a.offset - b.offset)) {
      if (offset > covered) return undefined;
      covered = Math.max(covered, offset + bytes.length);
    }
    // What reaches beyond the end that the last fragment announced contradicts it.
    if (covered !== octets.total) return undefined;
    this.#packets.delete(octets.key);
    const whole = new Uint8Array(octets.total);
    for (const piece of octets.pieces) whole.set(piece.bytes, piece.offset);
    return whole;
  }
}

/** Whether two pieces say different octets for the same place: which of them the receiver takes, nobody can tell. */
function contradicts(one: Piece, other: Piece): boolean {
  const start = Math.max(one.offset, other.offset);
  const end = Math.min(one.offset + one.bytes.length, other.offset + other.bytes.length);
  for (let at = start; at < end; at += 1) {
    if (one.bytes[at - one.offset] !== other.bytes[at - other.offset]) return true;
  }
  return false;
}
