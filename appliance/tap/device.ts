// Knows: the `cap` package, and its traps (DESIGN section 5). Must not know: what frames mean.
// cap aborts the whole process when its interface goes down: open devices only in a child process.

import { createRequire } from 'node:module';

/** The part of the untyped `cap` package that is used here. */
interface NativeCap {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
  send(frame: Buffer, bytes: number): void;
  close(): void;
}

const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => NativeCap };

/** Link types by the names that cap gives them, as numbers of the pcap registry. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  ETHERNET: 1,
  NULL: 0,
  RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  IEEE802_11: 105,
  IEEE802_11_RADIO: 127,
};

const FRAME_BYTES = 65_535;
/** 64 MB hold 6554 × 6 frames with offloads off, or about 1000 large ones with them on. */
const RING_BYTES = 64 * 1024 * 1024;

export interface CaptureDevice {
  readonly linkType: number;
  /** Puts a frame on the wire. */
  send(frame: Buffer): void;
  close(): void;
}

/** What is called per frame: `bytes` is reused for the next one; `captured` is shorter than the frame when truncated. */
export type FrameListener = (bytes: Uint8Array, captured: number, truncated: boolean) => void;

/** Opens an interface for reading; throws what libpcap says (no such device, not up, permission, filter syntax). */
export function openDevice(interfaceName: string, filter: string, onFrame: FrameListener): CaptureDevice {
  const cap = new Cap();
  const buffer = Buffer.alloc(FRAME_BYTES);
  const linkName = cap.open(interfaceName, filter, RING_BYTES, buffer);
  const linkType = LINK_TYPES[linkName];
  if (linkType === undefined) {
    cap.close();
    throw new Error(`${interfaceName} has link type ${linkName}, which Leakguard does not read`);
  }
  cap.on('packet', (bytes, truncated) => {
    onFrame(buffer, bytes, truncated);
  });
  return {
    linkType,
    send: (frame) => {
      cap.send(frame, frame.length);
    },
    close: () => {
      cap.close();
    },
  };
}
