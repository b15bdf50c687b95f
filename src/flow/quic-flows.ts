// Knows: how QUIC flows are told apart and read. Must not know: policy, I/O.
// Follows RFC 9000, 9001 and 9369.

import type { Facts } from './facts.ts';
import type { Flow } from './flow-table.ts';

export class QuicFlows {
  read(_bytes: Uint8Array, _start: number, _end: number, facts: Facts, flow: Flow): boolean {
    return facts.kind === 'quic' && flow.kind === 'quic';
  }
}
