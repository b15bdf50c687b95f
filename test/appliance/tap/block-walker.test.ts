// What the kernel may have laid into a ring, and what nobody should have. Holds appliance/tap/block-walker.ts; the kernel's own rings are
// held by test/netns/packet-ring.test.ts. The ring here is made by hand, after linux include/uapi/linux/if_packet.h.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BlockWalker } from '../../../appliance/tap/block-walker.ts';
import type { FrameListener } from '../../../appliance/tap/block-walker.ts';

const LAYOUT = { scratchBytes: 4_096, blockBytes: 4_096, blocks: 4 };
const { scratchBytes: SCRATCH, blockBytes: BLOCK, blocks: BLOCKS } = LAYOUT;
/** struct tpacket3_hdr and struct sockaddr_ll behind it, and the gap that the kernel leaves. */
const MAC_AT = 82;
const [OUTGOING, VLAN_VALID, TPID_VALID] = [4, 0x10, 0x40];

interface Packet {
  readonly bytes: Uint8Array;
  readonly type?: number;
  readonly length?: number;
  /** Milliseconds of the clock that can be set. */
  readonly stamp?: number;
  readonly status?: number;
  readonly tag?: readonly [protocol: number, control: number];
}

/** What a walker told of one frame. */
interface Told {
  readonly hex: string;
  readonly length: number;
  readonly outgoing: boolean;
  readonly at: number;
}

class Ring {
  readonly memory = new ArrayBuffer(SCRATCH + BLOCK * BLOCKS);
  readonly told: Told[] = [];
  readonly walker: BlockWalker;
  now = 5_000;
  readonly #view = new DataView(this.memory);
  readonly #bytes = new Uint8Array(this.memory);
  #next = 0;

  constructor(listener?: FrameListener) {
    this.clocks(5_000, 1_000_000);
    this.walker = new BlockWalker(this.memory, LAYOUT, listener ?? this.#note, () => this.now);
  }

  readonly #note: FrameListener = (bytes, captured, length, outgoing, at) => {
    this.told.push({ hex: Buffer.from(bytes.subarray(0, captured)).toString('hex'), length, outgoing, at });
  };

  /** Both clocks as the addon wrote them at the last wake-up. */
  clocks(monotonic: number, real: number): void {
    this.now = monotonic;
    this.#view.setFloat64(SCRATCH - 16, monotonic, true);
    this.#view.setFloat64(SCRATCH - 8, real, true);
  }

  word(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  status(block: number): number {
    return this.#view.getUint32(SCRATCH + block * BLOCK + 8, true);
  }

  fill(from: number, to: number, value: number): void {
    this.#bytes.fill(value, from, to);
  }

  /** Lays packets into the next block as the kernel does, and hands it over; returns where the block begins. */
  block(...packets: readonly Packet[]): number {
    const start = SCRATCH + this.#next * BLOCK;
    this.#next = (this.#next + 1) % BLOCKS;
    this.word(start + 12, packets.length);
    this.word(start + 16, 48);
    let at = start + 48;
    packets.forEach(({ bytes, type = 0, length, stamp = 1_000_000, status = 0, tag }, index) => {
      const step = (MAC_AT + bytes.length + 15) & ~15;
      this.word(at, index + 1 === packets.length ? 0 : step);
      this.word(at + 4, Math.floor(stamp / 1_000));
      this.word(at + 8, Math.round((stamp % 1_000) * 1e6));
      this.word(at + 12, bytes.length);
      this.word(at + 16, length ?? bytes.length);
      this.word(at + 20, status | 1);
      this.#view.setUint16(at + 24, MAC_AT, true);
      this.word(at + 32, tag?.[1] ?? 0);
      this.#view.setUint16(at + 36, tag?.[0] ?? 0, true);
      this.#bytes[at + 58] = type;
      this.#bytes.set(bytes, at + MAC_AT);
      at += step;
    });
    this.word(start + 8, 1);
    return start;
  }
}

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const FRAME = hex(`${'02'.repeat(6)}${'03'.repeat(6)}0800${'ab'.repeat(30)}`);

describe('BlockWalker', () => {
  it('tells frames in their order with what the kernel says of each, and gives the block back', () => {
    const ring = new Ring();
    ring.block({ bytes: FRAME, type: 3, stamp: 999_000 }, { bytes: FRAME, type: OUTGOING, length: 9_000 });
    ring.block({ bytes: hex('00'.repeat(14)), stamp: 1_000_000 });
    expect(ring.walker.settled).toBe(false);
    expect(ring.walker.walk(9)).toBe(2);
    const text = Buffer.from(FRAME).toString('hex');
    expect(ring.told).toEqual([
      { hex: text, length: 44, outgoing: false, at: 5_000 },
      { hex: text, length: 9_000, outgoing: true, at: 5_000 },
      { hex: '00'.repeat(14), length: 14, outgoing: false, at: 5_000 },
    ]);
    expect([ring.status(0), ring.status(1)]).toEqual([0, 0]);
    expect(ring.walker.settled).toBe(true);
    expect(ring.walker.walk(9)).toBe(0);
    expect(ring.walker.malformed).toBe(0);
  });

  it('goes round the ring, and no further than it was told', () => {
    const ring = new Ring();
    for (let round = 0; round < 10; round += 1) {
      ring.block({ bytes: hex('0a'.repeat(14 + round)) }, { bytes: FRAME });
      ring.block({ bytes: hex('0b'.repeat(14)) });
      expect(ring.walker.walk(1)).toBe(1);
      expect(ring.walker.walk(5)).toBe(1);
    }
    expect(ring.told.length).toBe(30);
  });

  it('leaves out what is no frame of the wire: PACKET_LOOPBACK and all above it', () => {
    const ring = new Ring();
    ring.block(...Array.from({ length: 8 }, (_, type) => ({ bytes: hex('00'.repeat(14 + type)), type })));
    ring.walker.walk(1);
    expect(ring.told.map(({ length, outgoing }) => [length - 14, outgoing])).toEqual([
      ...[0, 1, 2, 3].map((type) => [type, false]),
      [4, true],
    ]);
  });

  it('puts a tag back between addresses and type, whatever its protocol', () => {
    const ring = new Ring();
    const tagged = { bytes: FRAME, status: VLAN_VALID | TPID_VALID };
    ring.block(
      { ...tagged, tag: [0x88a8, 0xe005] },
      { ...tagged, status: VLAN_VALID, tag: [0, 0x0007] },
      { bytes: FRAME, tag: [0x8100, 5] },
      { bytes: hex('0102'), status: VLAN_VALID, tag: [0x8100, 5] },
    );
    ring.walker.walk(1);
    const [head, rest] = ['020202020202030303030303', `0800${'ab'.repeat(30)}`];
    expect(ring.told.map((one) => [one.hex, one.length])).toEqual([
      [`${head}88a8e005${rest}`, 48],
      [`${head}81000007${rest}`, 48],
      [`${head}${rest}`, 44],
      ['0102', 2],
    ]);
  });

  it('believes no stamp from after now, from before the last frame, or from more than 10 s ago', () => {
    const ring = new Ring();
    const at = (...stamps: readonly number[]): number[] => {
      ring.told.length = 0;
      ring.block(...stamps.map((stamp) => ({ bytes: FRAME, stamp })));
      ring.walker.walk(1);
      return ring.told.map((one) => one.at);
    };
    ring.clocks(60_000, 1_000_000);
    expect(at(999_000, 999_500.5)).toEqual([59_000, expect.closeTo(59_500.5, 3)]);
    expect(at(999_400, 2_000_000, 999_900)).toEqual([expect.closeTo(59_500.5, 3), 60_000, 60_000]);
    // The clock was set a day forward, then a day back, since the frames came.
    ring.clocks(90_000, 1_000_000 + 86_400_000);
    expect(at(1_000_000)).toEqual([80_000]);
    ring.clocks(95_000, 1_000_000);
    expect(at(1_000_000 + 86_400_000)).toEqual([95_000]);
  });

  it('says up to when everything was told', () => {
    const ring = new Ring();
    ring.clocks(60_000, 1_000_000);
    expect(ring.walker.readUpTo).toBe(60_000);
    const open = ring.block({ bytes: FRAME, stamp: 998_000 });
    ring.walker.walk(1);
    ring.clocks(61_000, 1_001_000);
    expect(ring.walker.readUpTo).toBe(61_000);
    // The kernel fills the next block, and keeps it for now.
    ring.word(open + BLOCK + 12, 1);
    expect(ring.walker.readUpTo).toBe(58_000);
  });

  it('reads nothing more once it was stopped by its listener', () => {
    let told = 0;
    const ring: Ring = new Ring(() => {
      told += 1;
      ring.walker.stop();
    });
    ring.block({ bytes: FRAME }, { bytes: FRAME });
    ring.walker.walk(4);
    ring.walker.walk(4);
    expect(told).toBe(1);
  });

  it('shows no byte from outside the block, and comes to an end, whatever its numbers say', () => {
    const number = fc.oneof(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0, max: BLOCK + 64 }),
      fc.constantFrom(0, 1, 48, 68, BLOCK, BLOCK - 68, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff),
    );
    // Words of the block's head and of the first frames' headers.
    const changes = fc.array(fc.tuple(fc.integer({ min: 3, max: 60 }), number), { maxLength: 12 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 3 }), (words, count) => {
        // What is shown must be the same whatever lies outside.
        const [one, other] = [0xee, 0x11].map((outside) => {
          const ring = new Ring();
          ring.fill(0, SCRATCH - 16, outside);
          ring.fill(SCRATCH + BLOCK, SCRATCH + BLOCK * BLOCKS, outside);
          const start = ring.block(...Array.from({ length: count }, () => ({ bytes: FRAME })));
          for (const [word, value] of words) ring.word(start + word * 4, value);
          ring.word(start + BLOCK + 8, 0);
          expect(ring.walker.walk(1)).toBe(1);
          expect(ring.told.length).toBeLessThanOrEqual(BLOCK / 68);
          return ring.told;
        });
        expect(one).toEqual(other);
      }),
      { numRuns: 3_000 },
    );
  });

  it('counts a block whose numbers do not agree, and goes on with the next', () => {
    for (const [word, value] of [
      [4, 4_090],
      [4, 3],
      [12, 2],
      [12, 5_000],
      [15, 0xffff_ffff],
      [18, 3],
      [18, 60_000],
    ] as const) {
      const ring = new Ring();
      const start = ring.block({ bytes: FRAME }, { bytes: FRAME });
      ring.word(start + word * 4, value);
      ring.block({ bytes: hex('0c'.repeat(14)) });
      expect(ring.walker.walk(2)).toBe(2);
      expect([word, value, ring.walker.malformed]).toEqual([word, value, 1]);
      expect(ring.told.at(-1)?.length).toBe(14);
    }
  });
});
