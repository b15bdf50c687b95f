// Knows: what a tap reads and sends with: an AF_PACKET ring of appliance/tap/packet-ring, its sizes, its life, how it fails. Must not know:
// what frames mean.
// The kernel says for each frame which way it went and when it came; it counts what it had no room for, puts frames of both
// directions into one ring in their order, and says when the interface is gone instead of ending the process.

import { createRequire } from 'node:module';

import { monotonicMs } from '../os/clock.ts';
import { BlockWalker } from './block-walker.ts';
import type { FrameListener, RingLayout } from './block-walker.ts';

export interface FrameSender {
  /** Puts a frame on the wire, from its Ethernet header on. The device's own listener is not shown it. Throws CaptureError. */
  send(frame: Uint8Array): void;
  close(): void;
}

export interface CaptureDevice extends FrameSender {
  /** From now on only what fits this filter (pcap-filter(7)) is read. Throws CaptureError, and the old one goes on. */
  setFilter(text: string): void;
  /** Frames that the kernel had no room for since it was opened. */
  dropped(): number;
  /** All frames that came before this time (CLOCK_MONOTONIC, milliseconds) were given to the listener. */
  readUpTo(): number;
}

interface CaptureOptions {
  /** pcap-filter(7); empty for everything. */
  readonly filter: string;
  readonly onFrame: FrameListener;
  /** The last thing that is heard: the interface went down or away. Everything that it had received was given before. */
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

export class CaptureError extends Error {
  readonly code: CaptureFault;

  constructor(code: CaptureFault, message: string) {
    super(message);
    this.name = 'CaptureError';
    this.code = code;
  }
}

/** What packet-ring.c makes. */
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
 * While frames come slowly each takes a block of its own, so that the reader may pause for as many milliseconds as there are blocks:
 * many small ones. A frame that is larger than a block, which only offloading makes, is cut to it, and says how long it was. A block
 * is made of whole pages, also where these have 16 kB. Figures: test/bench/RESULTS.md.
 */
const BLOCK_BYTES = 16 * 1024;
const BLOCKS = 1_024;
/** The frame that is being read, with its tag; two blocks, as what the kernel shares begins on a page. */
const SCRATCH_BYTES = 2 * BLOCK_BYTES;
/** A frame waits at most so long for others, or a tick of the kernel's clock where that is longer (1 to 4 ms). */
const RETIRE_MS = 1;
/** Blocks read before timers and messages have their turn. */
const TURN = 64;
/** Between two looks for what the ring of a dead interface still holds, milliseconds, and how many looks. */
const LAST_LOOKS = { everyMs: 2, most: 50 };

const LAYOUT: RingLayout = { scratchBytes: SCRATCH_BYTES, blockBytes: BLOCK_BYTES, blocks: BLOCKS };

/** linux include/uapi/asm-generic/errno.h */
const ENETDOWN = 100;

/** Does what the addon does, and throws what it throws as a CaptureError. */
function native<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (error instanceof Error && isFault(code)) throw new CaptureError(code, error.message);
    throw error;
  }
}

const isFault = (code: unknown): code is CaptureFault => (FAULTS as readonly unknown[]).includes(code);

/** Opens an Ethernet interface that is up; throws CaptureError. */
export function openPacketDevice(interfaceName: string, options: CaptureOptions): CaptureDevice {
  const { filter, onFrame, onEnd } = options;
  let ended = false;
  let reading = false;
  let closed = false;

  const read = (): void => {
    reading = true;
    walker.walk(TURN);
    reading = false;
    if (closed) ring.close(device);
  };
  /** The socket hears nothing any more, and the kernel hands over the block that it was filling within the retire time. */
  const end = (reason: string, looks: number): void => {
    while (!closed && walker.walk(TURN) > 0);
    if (closed) return;
    if (!walker.settled && looks > 0) {
      setTimeout(end, LAST_LOOKS.everyMs, reason, looks - 1);
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
      end(reason, LAST_LOOKS.most);
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
      // From inside a listener: the walker still stands in the memory that would go.
      if (!reading) ring.close(device);
    },
  };
}

/** Opens an Ethernet interface that is up for sending alone; throws CaptureError. */
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
