// Knows: how frames and bytes are made hostile: a seeded generator and a mutator. Must not know: any protocol.
// Mulberry32 (public domain) is enough here: what matters is that a seed gives the same frames again.

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits as an unsigned number. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From 0 to `end` - 1; 0 when there is nothing to choose from. */
  below(end: number): number {
    return end <= 0 ? 0 : this.bits() % end;
  }

  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.bits();
  }
}

/** Octets that decoders trip over: lengths, flags and signs at their limits. */
const TELLING = [0x00, 0x01, 0x0f, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/** Copies a frame into `target` and damages it; returns its new length, at most `target.length`. */
export function mutate(frame: Uint8Array, other: Uint8Array, target: Uint8Array, chance: Chance): number {
  let length = Math.min(frame.length, target.length);
  target.set(frame.subarray(0, length));
  for (let damages = 1 + chance.below(6); damages > 0; damages -= 1) {
    const at = chance.below(length);
    switch (chance.below(7)) {
      case 0:
        target[at] = (target[at] ?? 0) ^ (1 << chance.below(8));
        break;
      case 1:
        target[at] = chance.bits();
        break;
      case 2:
        target[at] = TELLING[chance.below(TELLING.length)] ?? 0;
        break;
      case 3:
        length = chance.below(length + 1);
        break;
      case 4: {
        const more = Math.min(chance.below(64), target.length - length);
        chance.fill(target.subarray(length, length + more));
        length += more;
        break;
      }
      case 5: {
        const from = chance.below(other.length);
        const piece = other.subarray(from, from + Math.min(chance.below(200), target.length - at));
        target.set(piece, at);
        length = Math.max(length, at + piece.length);
        break;
      }
      default: {
        // A length field, wherever it is, that lies.
        const lie = chance.below(2) === 0 ? chance.below(0x10000) : length + chance.below(9) - 4;
        target[at] = lie >>> 8;
        if (at + 1 < length) target[at + 1] = lie;
      }
    }
  }
  return length;
}
