// PPTP's control messages on TCP (RFC 2637 sections 1.4 and 2); the GRE that carries the tunnel is gre.ts.

import { u16, u32 } from '../octets.ts';

const MAGIC = 0x1a2b3c4d;
const HEADER = 12;

/**
 * The type of the control message whose header (RFC 2637 section 2) is at `start` of a TCP payload: 1 Start-Control-Connection-Request to
 * 15 Set-Link-Info; undefined for anything else. The message itself may be cut off. The magic cookie makes it certain on any port. Never
 * throws.
 */
export function pptpControl(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start < HEADER) return undefined;
  const length = u16(bytes, start);
  const type = u16(bytes, start + 8);
  const fits = length >= HEADER && u16(bytes, start + 2) === 1 && u32(bytes, start + 4) === MAGIC;
  return fits && type >= 1 && type <= 15 ? type : undefined;
}
