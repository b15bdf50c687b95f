// Knows: how fragments of one IP packet become whole. Must not know: what the packet says, policy.
// Follows RFC 791 section 3.2, RFC 8200 section 4.5 and RFC 5722: fragments that overlap with other octets spoil the packet.
// Bounded in packets, bytes and age; what is pushed out is counted and stays a `fragment`: a leak.

import type { Facts } from '../facts.ts';

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
   * Takes the fragment that `facts` were read from; gives the whole IP payload when it was the last one missing, else
   * undefined. A fragment that the capture cut completes nothing.
   */
  accept(bytes: Uint8Array, facts: Facts, timeMicros: number): Uint8Array | undefined {
    const start = facts.upperOffset;
    const end = facts.payloadEnd;
    if (facts.length > facts.captured) return undefined;
    const protocol = facts.ipVersion === 4 ? facts.protocol : '';
    const key = `${facts.fragmentIdentification} ${protocol} ${facts.source.join()} ${facts.destination.join()}`;
    let packet = this.#packets.get(key);
    if (packet !== undefined && timeMicros - packet.since > MAX_AGE_MICROS) {
      this.#packets.delete(key);
      packet = undefined;
    }
    packet ??= this.#open(key, timeMicros);
    const offset = facts.fragmentOffset;
    const length = end - start;
    if (offset + length > MAX_LENGTH || packet.pieces.length >= MAX_PIECES) packet.spoiled = true;
    if (packet.pieces.some((piece) => piece.offset === offset && piece.bytes.length === length))
      return undefined;
    const added = { offset, bytes: bytes.slice(start, end) };
    if (packet.pieces.some((piece) => contradicts(piece, added))) packet.spoiled = true;
    if (packet.spoiled) return undefined;
    packet.pieces.push(added);
    if (!facts.moreFragments) packet.total = offset + length;
    return this.#whole(packet);
  }

  #open(key: string, since: number): Packet {
    if (this.#packets.size >= MAX_PACKETS) {
      for (const oldest of this.#packets.keys()) {
        this.#packets.delete(oldest);
        this.evicted += 1;
        break;
      }
    }
    const packet: Packet = { key, since, pieces: [], total: -1, spoiled: false };
    this.#packets.set(key, packet);
    return packet;
  }

  #whole(packet: Packet): Uint8Array | undefined {
    if (packet.total < 0) return undefined;
    let covered = 0;
    for (const { offset, bytes } of packet.pieces.sort((a, b) => a.offset - b.offset)) {
      if (offset > covered) return undefined;
      covered = Math.max(covered, offset + bytes.length);
    }
    // What reaches beyond the end that the last fragment announced contradicts it.
    if (covered !== packet.total) return undefined;
    this.#packets.delete(packet.key);
    const whole = new Uint8Array(packet.total);
    for (const piece of packet.pieces) whole.set(piece.bytes, piece.offset);
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
