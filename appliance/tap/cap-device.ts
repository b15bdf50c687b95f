// Reads any link type with the `cap` package (libpcap). cap aborts the whole process when its interface goes down: open devices only in a
// child process. Its read loop does not return to the event loop while frames keep coming. It reports no direction, no time, no losses,
// and not the original length of a truncated frame.

import { createRequire } from 'node:module';

import { LinkType } from '../../src/wire/link/link-types.ts';

/** The part of the `cap` package (which has no types) that is used here. */
interface NativeCap {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
  close(): void;
}

const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => NativeCap };

/** Link types by cap's names for them. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  ETHERNET: LinkType.ETHERNET,
  NULL: LinkType.NULL,
  RAW: LinkType.RAW,
  LINKTYPE_LINUX_SLL: LinkType.LINUX_SLL,
  IEEE802_11: LinkType.IEEE802_11,
  IEEE802_11_RADIO: LinkType.RADIOTAP,
};

const FRAME_BYTES = 65_535;
/** 64 MB hold 6554 × 6 frames with offloads off, or about 1000 large ones with offloads on. */
const RING_BYTES = 64 * 1024 * 1024;

/**
 * Opens an interface of any link type for reading, until the process ends. `captured` bytes of each frame are in `bytes`, from its link
 * header on, and are overwritten by the next frame; `linkType`: a LINKTYPE_ number (tcpdump.org). Throws libpcap's errors (no such device,
 * not up, permission), and Error for an unsupported link type.
 */
export function openCap(
  interfaceName: string,
  onFrame: (bytes: Uint8Array, captured: number, linkType: number) => void,
): void {
  const cap = new Cap();
  const buffer = Buffer.alloc(FRAME_BYTES);
  const linkName = cap.open(interfaceName, '', RING_BYTES, buffer);
  const linkType = LINK_TYPES[linkName];
  if (linkType === undefined) {
    cap.close();
    throw new Error(`${interfaceName} has link type ${linkName}, which Leakguard does not support`);
  }
  // No Buffer, whose `slice` copies nothing: the next frame would overwrite what the dissector keeps.
  const frame = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  cap.on('packet', (bytes) => {
    onFrame(frame, bytes, linkType);
  });
}
