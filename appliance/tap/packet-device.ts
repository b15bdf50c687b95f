// The device with which a tap reads and sends: an AF_PACKET ring made by appliance/tap/packet-ring. The kernel gives each frame's direction
// and time stamp, keeps both directions in order in one ring, counts frames for which there was no room, and reports when the interface
// goes away instead of aborting the process.

import { createRequire } from 'node:module';

import { monotonicMs } from '../os/clock.ts';
import { BlockWalker } from './block-walker.ts';
import type { FrameListener, RingLayout } from './block-walker.ts';

/** Sends frames on one interface. */
export interface FrameSender {
  /** Sends a frame that begins with its Ethernet header, without FCS. The device's own listener does not get it. Throws CaptureError. */
  send(frame: Uint8Array): void;
  /** Closes the socket; closing twice is harmless. */
  close(): void;
}

/** Reads one interface, both directions. */
export interface CaptureDevice extends FrameSender {
  /** From now on only frames that match this filter (pcap-filter(7)) are read. Throws CaptureError; the old filter then stays. */
  setFilter(text: string): void;
  /**
   * Number of frames since the device was opened for which the ring had no room (PACKET_STATISTICS, packet(7)). Throws CaptureError
   * `CLOSED` after `close`.
   */
  dropped(): number;
  /** Every frame that arrived before this time (CLOCK_MONOTONIC, milliseconds) was given to the listener. */
  readUpTo(): number;
}

interface CaptureOptions {
  /** pcap-filter(7); empty for everything. */
  readonly filter: string;
  readonly onFrame: FrameListener;
  /** The last call: the interface went down or away. All frames that it had received were given to `onFrame` before. */
  readonly onEnd: (reason: string) => void;
}

const FAULTS = [
  'NO_DEVICE',
  'NOT_UP',
  'LINK_TYPE',
  'NOT_PERMITTED',
  'FILTER_SYNTAX',
  'FILTER_TOO_LONG',
  'FILTER_REFUSED',
  'BUSY',
  'CLOSED',
  'SYSTEM',
] as const;
type CaptureFault = (typeof FAULTS)[number];

/** The device cannot do what was asked; the message names the interface. Codes come from appliance/tap/packet-ring/packet-ring.c. */
export class CaptureError extends Error {
  readonly code: CaptureFault;

  constructor(code: CaptureFault, message: string) {
    super(message);
    this.name = 'CaptureError';
    this.code = code;
  }
}

/** A device object of packet-ring.c. */
interface NativeDevice {
  readonly memory: ArrayBuffer;
}

interface PacketRing {
  open(
    device: string,
    filter: string,
    scratchBytes: number,
    blockBytes: number,
    blocks: number,
    retireMs: number,
    onWake: (error: number) => void,
  ): NativeDevice;
  openSender(device: string): object;
  setFilter(device: NativeDevice, text: string): void;
  dropped(device: NativeDevice): number;
  send(device: object, frame: Uint8Array): void;
  close(device: object): void;
}

const ring = createRequire(import.meta.url)('packet-ring') as PacketRing;

/**
 * While frames arrive slowly, each takes up a whole block, so the reader may pause for as many milliseconds as there are blocks. Hence many
 * small blocks. A frame larger than a block, which only offloading produces, is truncated to it and keeps its original length. A block
 * consists of whole pages, also where a page has 16 kB. Figures: test/bench/RESULTS.md.
 */
const BLOCK_BYTES = 16 * 1024;
const BLOCKS = 1_024;
/** Holds the frame that is being read, with its VLAN tag. Two blocks, because the ring must begin on a page. */
const SCRATCH_BYTES = 2 * BLOCK_BYTES;
/** The kernel hands over a block that is not full after this time, or after a tick of its clock where that is longer (1 to 4 ms). */
const RETIRE_MS = 1;
/** Most blocks read before timers and messages get their turn. */
const BLOCKS_AT_ONCE = 64;
/** How often, and how many times, the ring of an interface that went away is checked for remaining frames. */
const LAST_CHECKS = { everyMs: 2, count: 50 };

const LAYOUT: RingLayout = { scratchBytes: SCRATCH_BYTES, blockBytes: BLOCK_BYTES, blocks: BLOCKS };

/** linux include/uapi/asm-generic/errno.h */
const ENETDOWN = 100;

/** Calls the addon; throws its faults as CaptureError. */
function native<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (error instanceof Error && isFault(code)) throw new CaptureError(code, error.message);
    throw error;
  }
}

const isFault = (code: unknown): code is CaptureFault => (FAULTS as readonly unknown[]).includes(code);

/**
 * Opens an Ethernet interface that is up, with an AF_PACKET ring (packet(7), TPACKET_V3) of 16 MiB. `onFrame` is called from the event
 * loop, never from in here. Throws CaptureError.
 */
export function openPacketDevice(interfaceName: string, options: CaptureOptions): CaptureDevice {
  const { filter, onFrame, onEnd } = options;
  let ended = false;
  let reading = false;
  let closed = false;

  const read = (): void => {
    reading = true;
    walker.walk(BLOCKS_AT_ONCE);
    reading = false;
    if (closed) ring.close(device);
  };
  /** The socket receives nothing any more; the kernel hands over the block that it was filling within RETIRE_MS. */
  const end = (reason: string, checks: number): void => {
    while (!closed && walker.walk(BLOCKS_AT_ONCE) > 0);
    if (closed) return;
    if (!walker.settled && checks > 0) {
      setTimeout(end, LAST_CHECKS.everyMs, reason, checks - 1);
      return;
    }
    onEnd(reason);
  };
  const device = native(() =>
    ring.open(interfaceName, filter, SCRATCH_BYTES, BLOCK_BYTES, BLOCKS, RETIRE_MS, (error) => {
      if (closed || ended) return;
      if (error === 0) {
        read();
        return;
      }
      ended = true;
      const reason = error === ENETDOWN ? `${interfaceName} went down` : `${interfaceName}: error ${error}`;
      end(reason, LAST_CHECKS.count);
    }),
  );
  const walker = new BlockWalker(device.memory, LAYOUT, onFrame, monotonicMs);
  const open = (): NativeDevice => {
    if (closed) throw new CaptureError('CLOSED', `${interfaceName}: the device is closed`);
    return device;
  };

  return {
    send: (frame) => native(() => ring.send(open(), frame)),
    setFilter: (text) => native(() => ring.setFilter(open(), text)),
    dropped: () => native(() => ring.dropped(open())),
    readUpTo: () => walker.readUpTo,
    close: () => {
      if (closed) return;
      closed = true;
      walker.stop();
      // When called by the listener, the walker is still reading from this memory: `read` closes it then.
      if (!reading) ring.close(device);
    },
  };
}

/** Opens an Ethernet interface that is up, for sending only (packet(7)); throws CaptureError, also from `send`. */
export function openSender(interfaceName: string): FrameSender {
  const device = native(() => ring.openSender(interfaceName));
  let closed = false;
  return {
    send: (frame) => native(() => ring.send(device, frame)),
    close: () => {
      if (closed) return;
      closed = true;
      ring.close(device);
    },
  };
}
