// Reassembles fragmented IP packets. RFC 791 section 3.2, RFC 8200 section 4.5 and RFC 5722: overlapping fragments with different octets
// spoil the packet. Bounded in packets, octets and age; evicted packets are counted and stay `fragment`, which is a leak.

import type { ParsedPacket } from '../parsed-packet.ts';

const MAX_PACKETS = 64;
const MAX_LENGTH = 65_535;
const MAX_PIECES = 128;
/** RFC 8200 section 4.5 allows 60 seconds. */
const MAX_AGE_MICROS = 60_000_000;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Assembly {
  readonly key: string;
  readonly since: number;
  readonly pieces: Piece[];
  /** The length of the whole packet in octets; -1 until the last fragment is there. */
  total: number;
  spoiled: boolean;
}

/** Keeps the fragments of at most 64 incomplete packets, of at most 128 fragments each, for at most 60 seconds. */
export class Fragments {
  readonly #packets = new Map<string, Assembly>();
  /** How many packets were evicted for lack of room. */
  evicted = 0;

  /**
   * Takes the fragment that `packet` was read from, and copies it (RFC 791 section 3.2, RFC 8200 section 4.5); returns the whole IP
   * payload, from the upper-layer header on, in an array of its own if that was the last one missing, otherwise undefined. A fragment that
   * the capture cut is ignored; overlaps with different octets (RFC 5722) spoil the packet. `timeMicros` is in microseconds of any one
   * clock. Never throws.
   */
  accept(bytes: Uint8Array, packet: ParsedPacket, timeMicros: number): Uint8Array | undefined {
    const start = packet.upperOffset;
    const end = packet.payloadEnd;
    if (packet.length > packet.captured) return undefined;
    const protocol = packet.ipVersion === 4 ? packet.protocol : '';
    const key = `${packet.fragmentIdentification} ${protocol} ${packet.source.join()} ${packet.destination.join()}`;
    let assembly = this.#packets.get(key);
    if (assembly !== undefined && timeMicros - assembly.since > MAX_AGE_MICROS) {
      this.#packets.delete(key);
      assembly = undefined;
    }
    assembly ??= this.#open(key, timeMicros);
    const offset = packet.fragmentOffset;
    const length = end - start;
    if (offset + length > MAX_LENGTH || assembly.pieces.length >= MAX_PIECES) assembly.spoiled = true;
    if (assembly.pieces.some((piece) => piece.offset === offset && piece.bytes.length === length))
      return undefined;
    const added = { offset, bytes: bytes.slice(start, end) };
    if (assembly.pieces.some((piece) => contradicts(piece, added))) assembly.spoiled = true;
    if (assembly.spoiled) return undefined;
    assembly.pieces.push(added);
    if (!packet.moreFragments) assembly.total = offset + length;
    return this.#whole(assembly);
  }

  #open(key: string, since: number): Assembly {
    if (this.#packets.size >= MAX_PACKETS) {
      for (const oldest of this.#packets.keys()) {
        this.#packets.delete(oldest);
        this.evicted += 1;
        break;
      }
    }
    const assembly: Assembly = { key, since, pieces: [], total: -1, spoiled: false };
    this.#packets.set(key, assembly);
    return assembly;
  }

  #whole(assembly: Assembly): Uint8Array | undefined {
    if (assembly.total < 0) return undefined;
    let covered = 0;
    for (const { offset, bytes } of assembly.pieces.sort((a, b) => a.offset - b.offset)) {
      if (offset > covered) return undefined;
      covered = Math.max(covered, offset + bytes.length);
    }
    // A fragment that extends past the end of the last one contradicts it.
    if (covered !== assembly.total) return undefined;
    this.#packets.delete(assembly.key);
    const whole = new Uint8Array(assembly.total);
    for (const piece of assembly.pieces) whole.set(piece.bytes, piece.offset);
    return whole;
  }
}

/** Whether two pieces have different octets for the same place; which of them the receiver would take is unknown. */
function contradicts(one: Piece, other: Piece): boolean {
  const start = Math.max(one.offset, other.offset);
  const end = Math.min(one.offset + one.bytes.length, other.offset + other.bytes.length);
  for (let at = start; at < end; at += 1) {
    if (one.bytes[at - one.offset] !== other.bytes[at - other.offset]) return true;
  }
  return false;
}
