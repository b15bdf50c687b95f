// Knows: where the mirrored frame begins behind ERSPAN's headers. Must not know: GRE's own header, the frame, policy.
// Follows draft-foschiano-erspan sections 4.1 to 4.3 (types I, II and III).

import { INNER_ETHERNET, type Inner } from './inner.ts';

/** GRE's protocol numbers: types I and II share one. */
export const ERSPAN = 0x88be;
export const ERSPAN_III = 0x22eb;

/** The frame in a GRE payload of one of ERSPAN's protocols; `sequenced` is GRE's S bit, which type I lacks. */
export function erspanInner(
  bytes: Uint8Array,
  { etherType, offset, end }: Inner,
  sequenced: boolean,
): Inner | undefined {
  const header = etherType === ERSPAN_III ? typeIII(bytes, offset) : sequenced ? 8 : 0;
  return offset + header > end ? undefined : { etherType: INNER_ETHERNET, offset: offset + header, end };
}

/** Twelve octets, and a sub-header of eight when the last bit of the twelfth says so. */
function typeIII(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 11] ?? 0) & 1) === 1 ? 20 : 12;
}
