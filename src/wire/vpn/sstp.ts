// The HTTP request that opens SSTP, with its fixed address (MS-SSTP section 3.2.4.1). It is only visible where TLS has been removed.

import { startsWith } from '../octets.ts';

const REQUEST = 'SSTP_DUPLEX_POST ';
const ADDRESS = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';

/** Whether the HTTP request at `start` opens an SSTP tunnel: its method and address, all before `end` (MS-SSTP section 3.2.4.1). */
export function isSstpRequest(bytes: Uint8Array, start: number, end: number): boolean {
  return startsWith(bytes, start, end, REQUEST) && startsWith(bytes, start + REQUEST.length, end, ADDRESS);
}
