// Knows: how the kernel lays frames into the blocks of a TPACKET_V3 ring. Must not know: sockets, what frames mean.
// linux include/uapi/linux/if_packet.h: struct tpacket_block_desc, struct tpacket3_hdr, struct sockaddr_ll behind it.
// Numbers are in the processor's own order, as the kernel writes them. Nothing is allocated and nothing native is called per frame.

/** Where things are in the memory that the kernel shares: the scratch area, and behind it the blocks. */
export interface RingLayout {
  readonly scratchBytes: number;
  readonly blockBytes: number;
  readonly blocks: number;
}

/**
 * What is called per frame, with nothing but numbers and one array: `bytes` begins with the frame, is longer than it, and is
 * overwritten by the next. `captured` of `length` bytes are there; `outgoing` says that the frame left through the interface; `at` is
 * when the kernel had it, in CLOCK_MONOTONIC milliseconds, never less than for the frame before.
 */
export type FrameListener = (
  bytes: Uint8Array,
  captured: number,
  length: number,
  outgoing: boolean,
  at: number,
) => void;

/** Both clocks, doubles in milliseconds, in the last bytes of the scratch area: written by the addon before it binds and at each wake-up. */
const CLOCK_BYTES = 16;

/** 32-bit words from a block's beginning. */
const BLOCK = { status: 2, packets: 3, first: 4, words: 12 };
/** 32-bit words from a frame's header. */
const FRAME = { next: 0, seconds: 1, nanoseconds: 2, captured: 3, length: 4, status: 5, vlan: 8 };
/** Bytes from a frame's header. */
const FRAME_BYTES = { mac: 24, vlanProtocol: 36, packetType: 58, header: 68 };

/** The block is the reader's; otherwise it is the kernel's. */
const TP_STATUS_USER = 1;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const ETH_P_8021Q = 0x8100;
/** Bytes of both MAC addresses: a VLAN tag stands behind them (IEEE 802.1Q, 9.4). */
const ADDRESSES = 12;
const TAG = 4;

/** To this host, to all, to a group, to another host: all came in. */
const LAST_INCOMING = 3;
const PACKET_OUTGOING = 4;

/** A stamp that the clock's setting has thrown further back than this is not believed, milliseconds. */
const OLDEST_MS = 10_000;

export class BlockWalker {
  readonly #layout: RingLayout;
  readonly #monotonic: () => number;
  readonly #listener: FrameListener;
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  /** The same words: only these may be waited for, and only a wait orders what is read after it. */
  readonly #flags: Int32Array;
  /** CLOCK_MONOTONIC, CLOCK_REALTIME. */
  readonly #clocks: Float64Array;
  readonly #room: number;
  #next = 0;
  #last: number;
  #malformed = 0;
  #stopped = false;

  constructor(memory: ArrayBuffer, layout: RingLayout, listener: FrameListener, monotonic: () => number) {
    this.#layout = layout;
    this.#listener = listener;
    this.#monotonic = monotonic;
    this.#bytes = new Uint8Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#words = new Uint32Array(memory);
    this.#flags = new Int32Array(memory);
    this.#clocks = new Float64Array(memory, layout.scratchBytes - CLOCK_BYTES, 2);
    this.#room = layout.scratchBytes - CLOCK_BYTES;
    this.#last = this.#clocks[0] ?? 0;
  }

  /** Headers whose numbers point outside their block. The kernel makes none: the rest of such a block is left out, and counted here. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Nothing more is read: said from inside a listener, the memory may be gone when it returns. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads at most so many of the blocks that the kernel has handed over, gives them back, and says how many it were. */
  walk(most: number): number {
    const { scratchBytes, blockBytes, blocks } = this.#layout;
    let walked = 0;
    while (walked < most && !this.#stopped) {
      const start = (scratchBytes + this.#next * blockBytes) >>> 2;
      if ((Atomics.load(this.#flags, start + BLOCK.status) & TP_STATUS_USER) === 0) break;
      this.#block(start);
      if (this.#isStopped()) break;
      // Of a block that is not open yet nothing is waiting: `settled` asks for this.
      this.#words[start + BLOCK.packets] = 0;
      Atomics.store(this.#flags, start + BLOCK.status, 0);
      this.#next = this.#next + 1 === blocks ? 0 : this.#next + 1;
      walked += 1;
    }
    return walked;
  }

  /**
   * Everything that has arrived was given to the listener. The kernel counts a frame into its open block before it lets go of the
   * socket's lock (af_packet.c, prb_fill_curr_block), so that none is between the wire and this count.
   */
  get settled(): boolean {
    if (this.#stopped) return true;
    const start = (this.#layout.scratchBytes + this.#next * this.#layout.blockBytes) >>> 2;
    return (
      (Atomics.load(this.#flags, start + BLOCK.status) & TP_STATUS_USER) === 0 &&
      Atomics.load(this.#flags, start + BLOCK.packets) === 0
    );
  }

  /** All that came before this time was given to the listener, CLOCK_MONOTONIC milliseconds. */
  get readUpTo(): number {
    // The time first: what comes between the two looks is only waiting, and not yet promised.
    const now = this.#monotonic();
    return this.settled ? now : this.#last;
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  /** `start` in words from the beginning of the memory. */
  #block(start: number): void {
    const words = this.#words;
    const clocks = this.#clocks;
    const offset = (clocks[0] ?? 0) - (clocks[1] ?? 0);
    const from = start * 4;
    const end = from + this.#layout.blockBytes;
    // The kernel has closed the block: all stamps in it are from before now.
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
      // What else there is concerns nobody on the wire: PACKET_LOOPBACK (5) is the kernel's own copy of a multicast for programs of
      // this machine, PACKET_USER (6) and PACKET_KERNEL (7) go between programs of virtual machines.
      if (type <= LAST_INCOMING || type === PACKET_OUTGOING) {
        const stamp =
          (words[word + FRAME.seconds] ?? 0) * 1e3 + (words[word + FRAME.nanoseconds] ?? 0) / 1e6 + offset;
        this.#last = Math.min(now, Math.max(stamp, now - OLDEST_MS, this.#last));
        this.#frame(at, frame, captured, type === PACKET_OUTGOING);
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

  /** Copies the frame to the beginning of the memory: cheaper than an object that shows where it is, and its tag fits in. */
  #frame(header: number, frame: number, captured: number, outgoing: boolean): void {
    const bytes = this.#bytes;
    const word = header >>> 2;
    const length = this.#words[word + FRAME.length] ?? 0;
    const status = this.#words[word + FRAME.status] ?? 0;
    const kept = Math.min(captured, this.#room - TAG);
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
