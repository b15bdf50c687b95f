// Knows: the `cap` package (libpcap), and its traps. Must not know: what frames mean.
// cap aborts the whole process when its interface goes down: open devices only in a child process. Its read loop does not return to
// the event loop while frames keep coming. It tells no direction, no time, no losses, and not how long a cut frame was.

import { createRequire } from 'node:module';

import { monotonicMs } from '../os/clock.ts';
import { CaptureError } from './capture.ts';
import type { CaptureDevice, CaptureOptions } from './capture.ts';

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

/** A handle of libpcap: any link type, no direction. */
export interface CapHandle {
  readonly linkType: number;
  send(frame: Buffer): void;
  close(): void;
}

/** Opens an interface for reading; throws what libpcap says (no such device, not up, permission, filter syntax). */
export function openCap(
  interfaceName: string,
  filter: string,
  onFrame: (bytes: Uint8Array, captured: number) => void,
): CapHandle {
  const cap = new Cap();
  const buffer = Buffer.alloc(FRAME_BYTES);
  const linkName = cap.open(interfaceName, filter, RING_BYTES, buffer);
  const linkType = LINK_TYPES[linkName];
  if (linkType === undefined) {
    cap.close();
    throw new CaptureError(
      'LINK_TYPE',
      `${interfaceName} has link type ${linkName}, which Leakguard does not read`,
    );
  }
  cap.on('packet', (bytes) => {
    onFrame(buffer, bytes);
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

/**
 * Direction with libpcap costs two handles, one per direction: a frame and its answer may be told in the wrong order, the first
 * frame that each handle would show is lost whenever it comes, and there are two rings of 64 MB. A new filter opens both anew.
 */
export function openCapDevice(interfaceName: string, options: CaptureOptions): CaptureDevice {
  const { onFrame } = options;
  const open = (filter: string): readonly [CapHandle, CapHandle] => {
    const handle = (word: 'inbound' | 'outbound'): CapHandle =>
      openCap(interfaceName, filter === '' ? word : `${word} and (${filter})`, (bytes, captured) => {
        onFrame(bytes, captured, captured, word === 'outbound', monotonicMs());
      });
    const inbound = handle('inbound');
    try {
      return [inbound, handle('outbound')];
    } catch (error) {
      inbound.close();
      throw error;
    }
  };
  let handles = open(options.filter);
  return {
    linkType: handles[0].linkType,
    send: (frame) => {
      handles[0].send(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
    },
    setFilter: (text) => {
      const before = handles;
      handles = open(text);
      for (const handle of before) handle.close();
    },
    // libpcap could tell, cap does not ask it.
    dropped: () => 0,
    readUpTo: (polledAt) => polledAt,
    close: () => {
      for (const handle of handles) handle.close();
    },
  };
}
