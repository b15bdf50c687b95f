// Reads frames out of the blocks of a TPACKET_V3 ring (linux include/uapi/linux/if_packet.h: struct tpacket_block_desc, struct
// tpacket3_hdr, and struct sockaddr_ll behind it). Numbers are in host byte order, as the kernel writes them. No allocation and no
// native call per frame.

/** Layout of the memory shared with the kernel: a scratch area, followed by the blocks. Sizes in bytes, whole pages. */
export interface RingLayout {
  readonly scratchBytes: number;
  readonly blockBytes: number;
  readonly blocks: number;
}

/**
 * Called for each frame. `bytes` begins with the frame, is longer than it, and is overwritten by the next frame. `captured` of the
 * frame's `length` bytes are present; `outgoing`: the frame left through the interface; `at`: the kernel's time stamp in
 * CLOCK_MONOTONIC milliseconds, never decreasing.
 */
export type FrameListener = (
  bytes: Uint8Array,
  captured: number,
  length: number,
  outgoing: boolean,
  at: number,
) => void;

/** Size of both clocks, doubles in milliseconds, at the end of the scratch area; the addon writes them before it binds and at each wake-up. */
const CLOCK_BYTES = 16;

/** Offsets in a block, in 32-bit words. */
const BLOCK = { status: 2, packets: 3, first: 4, words: 12 };
/** Offsets from a frame's header, in 32-bit words. */
const FRAME = { next: 0, seconds: 1, nanoseconds: 2, captured: 3, length: 4, status: 5, vlan: 8 };
/** Offsets from a frame's header, in bytes. */
const FRAME_BYTES = { mac: 24, vlanProtocol: 36, packetType: 58, header: 68 };

/** The block belongs to the reader; otherwise it belongs to the kernel. */
const TP_STATUS_USER = 1;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const ETH_P_8021Q = 0x8100;
/** Bytes of both MAC addresses, which a VLAN tag follows (IEEE 802.1Q, section 9.4). */
const ADDRESSES = 12;
const TAG = 4;

/** Packet types up to this one (to this host, broadcast, multicast, to another host) came in. */
const LAST_INCOMING = 3;
const PACKET_OUTGOING = 4;

/** A time stamp further back than this was moved by a change of the wall clock and is not used, milliseconds. */
const OLDEST_MS = 10_000;

/** Reads one ring, in the order in which the kernel fills it. */
export class BlockWalker {
  readonly #layout: RingLayout;
  readonly #monotonic: () => number;
  readonly #listener: FrameListener;
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  /** The same words as #words, signed as Atomics needs them: an atomic load orders the reads that follow it. */
  readonly #flags: Int32Array;
  /** CLOCK_MONOTONIC, CLOCK_REALTIME. */
  readonly #clocks: Float64Array;
  readonly #capacity: number;
  #next = 0;
  #last: number;
  #malformed = 0;
  #stopped = false;

  /** `memory`: scratch area and blocks, mapped as long as this is used. `monotonic`: CLOCK_MONOTONIC, milliseconds. */
  constructor(memory: ArrayBuffer, layout: RingLayout, listener: FrameListener, monotonic: () => number) {
    this.#layout = layout;
    this.#listener = listener;
    this.#monotonic = monotonic;
    this.#bytes = new Uint8Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#words = new Uint32Array(memory);
    this.#flags = new Int32Array(memory);
    this.#clocks = new Float64Array(memory, layout.scratchBytes - CLOCK_BYTES, 2);
    this.#capacity = layout.scratchBytes - CLOCK_BYTES;
    this.#last = this.#clocks[0] ?? 0;
  }

  /** Number of blocks with a header that points outside its block. The kernel makes none; the rest of such a block is skipped. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Stops reading, also when called by the listener: the memory may be unmapped after it returns. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads at most `limit` of the blocks that the kernel has handed over and gives them back; returns their number, 0 when there is none or
   * after `stop`. Throws only what the listener throws.
   */
  walk(limit: number): number {
    const { scratchBytes, blockBytes, blocks } = this.#layout;
    let walked = 0;
    while (walked < limit && !this.#stopped) {
      const start = (scratchBytes + this.#next * blockBytes) >>> 2;
      if ((Atomics.load(this.#flags, start + BLOCK.status) & TP_STATUS_USER) === 0) break;
      this.#walkBlock(start);
      if (this.#isStopped()) break;
      // For `settled`: a block that the kernel has not opened yet holds no frames.
      this.#words[start + BLOCK.packets] = 0;
      Atomics.store(this.#flags, start + BLOCK.status, 0);
      this.#next = this.#next + 1 === blocks ? 0 : this.#next + 1;
      walked += 1;
    }
    return walked;
  }

  /**
   * Whether every frame that has arrived was given to the listener. The kernel counts a frame in its open block before it releases the
   * socket's lock (af_packet.c, prb_fill_curr_block), so no frame can be missing from this count.
   */
  get settled(): boolean {
    if (this.#stopped) return true;
    const start = (this.#layout.scratchBytes + this.#next * this.#layout.blockBytes) >>> 2;
    return (
      (Atomics.load(this.#flags, start + BLOCK.status) & TP_STATUS_USER) === 0 &&
      Atomics.load(this.#flags, start + BLOCK.packets) === 0
    );
  }

  /** Every frame that arrived before this time was given to the listener. CLOCK_MONOTONIC milliseconds. */
  get readUpTo(): number {
    // The time is taken first: a frame that arrives between the two lines is not covered by it.
    const now = this.#monotonic();
    return this.settled ? now : this.#last;
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  /** `start`: offset of the block in the memory, in 32-bit words. */
  #walkBlock(start: number): void {
    const words = this.#words;
    const clocks = this.#clocks;
    const offset = (clocks[0] ?? 0) - (clocks[1] ?? 0);
    const from = start * 4;
    const end = from + this.#layout.blockBytes;
    // The kernel has closed the block, so all time stamps in it are in the past.
    const now = this.#monotonic();
    let at = from + (words[start + BLOCK.first] ?? 0);
    let left = words[start + BLOCK.packets] ?? 0;
    for (; left > 0; left -= 1) {
      if (at < from + BLOCK.words * 4 || at > end - FRAME_BYTES.header || (at & 3) !== 0) break;
      const word = at >>> 2;
      const frame = at + (this.#halves[(at + FRAME_BYTES.mac) >>> 1] ?? 0);
      const captured = words[word + FRAME.captured] ?? 0;
      if (frame < at + FRAME_BYTES.header || frame > end || captured > end - frame) break;
      const type = this.#bytes[at + FRAME_BYTES.packetType] ?? 0;
      // Other types are not on the wire: PACKET_LOOPBACK (5) is the kernel's copy of a multicast for programs of this machine,
      // PACKET_USER (6) and PACKET_KERNEL (7) go between programs of virtual machines.
      if (type <= LAST_INCOMING || type === PACKET_OUTGOING) {
        const stamp =
          (words[word + FRAME.seconds] ?? 0) * 1e3 + (words[word + FRAME.nanoseconds] ?? 0) / 1e6 + offset;
        this.#last = Math.min(now, Math.max(stamp, now - OLDEST_MS, this.#last));
        this.#emit(at, frame, captured, type === PACKET_OUTGOING);
        if (this.#stopped) return;
      }
      const step = words[word + FRAME.next] ?? 0;
      if (step === 0) {
        left -= 1;
        break;
      }
      at += step;
    }
    if (left > 0) this.#malformed += 1;
  }

  /** Copies the frame to the beginning of the memory and puts its VLAN tag back: cheaper than allocating a view on the frame. */
  #emit(header: number, frame: number, captured: number, outgoing: boolean): void {
    const bytes = this.#bytes;
    const word = header >>> 2;
    const length = this.#words[word + FRAME.length] ?? 0;
    const status = this.#words[word + FRAME.status] ?? 0;
    const kept = Math.min(captured, this.#capacity - TAG);
    if ((status & TP_STATUS_VLAN_VALID) === 0 || kept < ADDRESSES) {
      bytes.copyWithin(0, frame, frame + kept);
      this.#listener(bytes, kept, Math.max(length, captured), outgoing, this.#last);
      return;
    }
    const protocol =
      (status & TP_STATUS_VLAN_TPID_VALID) === 0
        ? ETH_P_8021Q
        : (this.#halves[(header + FRAME_BYTES.vlanProtocol) >>> 1] ?? 0);
    const control = this.#words[word + FRAME.vlan] ?? 0;
    bytes.copyWithin(0, frame, frame + ADDRESSES);
    bytes.copyWithin(ADDRESSES + TAG, frame + ADDRESSES, frame + kept);
    bytes[ADDRESSES] = protocol >>> 8;
    bytes[ADDRESSES + 1] = protocol;
    bytes[ADDRESSES + 2] = control >>> 8;
    bytes[ADDRESSES + 3] = control;
    this.#listener(bytes, kept + TAG, Math.max(length, captured) + TAG, outgoing, this.#last);
  }
}
