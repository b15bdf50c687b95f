// Chooses the capture parser by magic number (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).

import type { CaptureParser } from './capture.ts';
import { isPcapMagic, PCAPNG_MAGIC } from './capture-magic.ts';
import { u32, u32le } from '../octets.ts';
import { PcapParser } from './pcap.ts';
import { PcapngParser } from './pcapng.ts';

/** Octets needed to recognise the format. */
export const MAGIC_LENGTH = 4;

/**
 * A new parser for the capture that begins at `start` (at least MAGIC_LENGTH octets must be there); undefined for a format that is neither
 * pcap nor pcapng (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng). Never throws.
 */
export function parserFor(bytes: Uint8Array, start: number): CaptureParser | undefined {
  const magic = u32(bytes, start);
  if (magic === PCAPNG_MAGIC) return new PcapngParser();
  if (isPcapMagic(magic) || isPcapMagic(u32le(bytes, start))) return new PcapParser();
  return undefined;
}
