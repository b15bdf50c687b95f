// Knows: which magic number asks for which capture parser. Must not know: files, gzip, frames.
// Follows draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

import type { CaptureParser } from './capture.ts';
import { isPcapMagic, PCAPNG_MAGIC } from './capture-magic.ts';
import { u32, u32le } from '../octets.ts';
import { PcapParser } from './pcap.ts';
import { PcapngParser } from './pcapng.ts';

/** Octets needed to tell the format. */
export const MAGIC_LENGTH = 4;

/** The parser for what begins at `start` (at least four octets there), or undefined for no known capture format. */
export function parserFor(bytes: Uint8Array, start: number): CaptureParser | undefined {
  const magic = u32(bytes, start);
  if (magic === PCAPNG_MAGIC) return new PcapngParser();
  if (isPcapMagic(magic) || isPcapMagic(u32le(bytes, start))) return new PcapParser();
  return undefined;
}
