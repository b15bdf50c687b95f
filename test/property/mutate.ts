// How real and random frames are bent, always the same way for the same seed.

/** Numbers by lot from a 32-bit seed (xorshift); the same seed gives the same ones. */
export class Lots {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** 0 to before `limit`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state % limit;
  }
}

/** Values that lengths, counts and types break on. */
const EDGES = [0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xfe, 0xff];

/**
 * Lays a bent copy of `frame` into `room` from `at` on and gives its length: octets changed, pieces cut, doubled or taken
 * from another frame. Frames longer than the room are cut.
 */
export function bend(frame: Uint8Array, other: Uint8Array, room: Uint8Array, at: number, lots: Lots): number {
  const most = room.length - at;
  let length = Math.min(frame.length, most);
  room.set(frame.subarray(0, length), at);
  for (let changes = 1 + lots.below(4); changes > 0 && length > 0; changes -= 1) {
    const where = at + lots.below(length);
    switch (lots.below(6)) {
      case 0:
        room[where] = lots.below(256);
        break;
      case 1:
        room[where] = EDGES[lots.below(EDGES.length)] ?? 0;
        break;
      case 2:
        room[where] = (room[where] ?? 0) ^ (1 << lots.below(8));
        break;
      case 3:
        length = where - at;
        break;
      case 4: {
        const piece = other.subarray(lots.below(other.length + 1)).subarray(0, at + length - where);
        room.set(piece, where);
        break;
      }
      default: {
        const step = 1 + lots.below(8);
        if (where + step < at + length) room.copyWithin(where, where + step, at + length);
      }
    }
  }
  return length;
}

/** Random octets; a third of them begin like `frame`, so that they get past the first checks. */
export function scatter(frame: Uint8Array, room: Uint8Array, at: number, lots: Lots): number {
  const length = lots.below(Math.min(600, room.length - at));
  for (let i = 0; i < length; i += 1) room[at + i] = lots.below(256);
  if (lots.below(3) === 0) room.set(frame.subarray(0, Math.min(length, lots.below(60))), at);
  return length;
}
