// Finds the mirrored frame after ERSPAN's headers, which are GRE payloads.
// draft-foschiano-erspan sections 4.1 to 4.3 (types I, II and III).

import { INNER_ETHERNET, type Inner } from './inner.ts';

/** GRE protocol number of ERSPAN types I and II. */
export const ERSPAN = 0x88be;
/** GRE protocol number of ERSPAN type III. */
export const ERSPAN_III = 0x22eb;

/**
 * The mirrored frame, as INNER_ETHERNET, in a GRE payload whose protocol number is ERSPAN or ERSPAN_III; `sequenced` is GRE's S bit,
 * which type I never sets. Undefined when the header (draft-foschiano-erspan section 4) does not fit. Never throws.
 */
export function erspanInner(
  bytes: Uint8Array,
  { etherType, offset, end }: Inner,
  sequenced: boolean,
): Inner | undefined {
  const header = etherType === ERSPAN_III ? typeIII(bytes, offset) : sequenced ? 8 : 0;
  return offset + header > end ? undefined : { etherType: INNER_ETHERNET, offset: offset + header, end };
}

/** Header length of type III: 12 octets, plus a sub-header of 8 when the last bit of the twelfth octet is set. */
function typeIII(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 11] ?? 0) & 1) === 1 ? 20 : 12;
}
