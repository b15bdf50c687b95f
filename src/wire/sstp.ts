// Knows: the request and answer that open SSTP. Must not know: TLS (it hides them unless someone ends it on the way).
// Follows MS-SSTP sections 2.2.1 (packets) and 3.2.4.1 (the HTTP request with its fixed address).

import { startsWith, u16 } from './octets.ts';

const REQUEST = 'SSTP_DUPLEX_POST ';
const ADDRESS = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';

/** Whether the HTTP request at start opens an SSTP tunnel. */
export function isSstpRequest(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, REQUEST) && startsWith(bytes, start + REQUEST.length, end, ADDRESS);
}

/**
 * Whether start to end is an SSTP control packet: version 1.0, control bit, its length, a message type 1 to 9. It is read
 * only behind a request: nothing else tells it from other four octets.
 */
export function isSstpControl(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8 || bytes[start] !== 0x10 || bytes[start + 1] !== 1) return false;
  const length = u16(bytes, start + 2) & 0xfff;
  const type = u16(bytes, start + 4);
  return length >= 8 && length <= end - start && type >= 1 && type <= 9;
}
