// The Geneve header (RFC 8926 section 3.4).

import type { Inner } from './inner.ts';
import { u16 } from '../octets.ts';

/** UDP port of Geneve (RFC 8926 section 3.3). */
export const GENEVE_PORT = 6081;
const HEADER = 8;

/**
 * What a UDP payload on port 6081 carries, with the EtherType of the header (RFC 8926 section 3.4) and perhaps no octets; undefined for
 * another version or options past `end`, which is exclusive. Reserved bits are ignored. Never throws.
 */
export function geneveInner(bytes: Uint8Array, start: number, end: number): Inner | undefined {
  const first = bytes[start] ?? 0;
  if (end - start < HEADER || first >>> 6 !== 0) return undefined;
  const offset = start + HEADER + 4 * (first & 0x3f);
  return offset > end ? undefined : { etherType: u16(bytes, start + 2), offset, end };
}
