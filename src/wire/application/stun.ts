// STUN messages with and without the cookie, and TURN's channel data.
// RFC 8489 and 5389 (cookie), RFC 3489 (classic, without cookie), RFC 8656 and 5766 (TURN).

import { allZero, u16, u32 } from '../octets.ts';

/** A checked STUN header. */
export interface StunMessage {
  /** With the magic cookie (RFC 8489 section 5) or as in RFC 3489. */
  readonly form: 'cookie' | 'classic';
  /** 12 bits without the class: 0x001 Binding, 0x003 Allocate, … */
  readonly method: number;
  readonly kind: 'request' | 'indication' | 'success' | 'error';
  /** Offset in `bytes` after the message, cut to the captured octets. */
  readonly end: number;
}

const HEADER = 20;
const COOKIE = 0x2112a442;
const KINDS = ['request', 'indication', 'success', 'error'] as const;
/** RFC 3489 section 11.1: Binding and Shared Secret, each as request, response and error response. */
const CLASSIC_TYPES = new Set([0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112]);

/**
 * The STUN message that begins at `start` of a UDP or TCP payload (RFC 8489 section 5), or undefined. With the cookie the attributes may be
 * cut off by the capture or be followed by another message (TCP); without it the type must be one of six (RFC 3489 section 11.1) and all
 * lengths must add up to `end`. Never throws.
 */
export function stunMessage(bytes: Uint8Array, start: number, end: number): StunMessage | undefined {
  const type = u16(bytes, start);
  if (end - start < HEADER || type > 0x3fff) return undefined;
  const length = u16(bytes, start + 2);
  const messageEnd = start + HEADER + length;
  if (u32(bytes, start + 4) === COOKIE) {
    // WhatsApp leaves out the padding (its lengths are not multiples of four), but then nothing follows the message.
    const isValid = length % 4 === 0 || messageEnd === end;
    return isValid ? describe('cookie', type, Math.min(messageEnd, end)) : undefined;
  }
  const classic = CLASSIC_TYPES.has(type) && messageEnd === end && isClassicBody(bytes, start, end);
  return classic ? describe('classic', type, messageEnd) : undefined;
}

function describe(form: StunMessage['form'], type: number, end: number): StunMessage {
  // The two class bits, 0x10 and 0x100, are among those of the method (RFC 8489 section 5).
  const method = (type & 0xf) | ((type & 0xe0) >>> 1) | ((type & 0x3e00) >>> 2);
  const kind = KINDS[((type & 0x100) >>> 7) | ((type & 0x10) >>> 4)] ?? 'request';
  return { form, method, kind, end };
}

function isClassicBody(bytes: Uint8Array, start: number, end: number): boolean {
  if (allZero(bytes, start + 4, start + HEADER)) return false;
  // Only a Binding Request may come without attributes.
  if (start + HEADER === end) return u16(bytes, start) === 0x0001;
  let at = start + HEADER;
  while (at + 4 <= end) {
    const next = at + 4 + u16(bytes, at + 2);
    // Later clients pad to four octets even without the cookie.
    at = next === end ? end : next + ((4 - (next - at)) & 3);
  }
  return at === end;
}

/**
 * Whether a UDP payload can be TURN channel data (RFC 8656 section 12.4): channel 0x4000 to 0x4fff, a length that fits with
 * at most three octets of padding. Four octets prove nothing, so call this only for a flow that began with STUN.
 */
export function isTurnChannelData(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return false;
  const channel = u16(bytes, start);
  const rest = end - start - 4 - u16(bytes, start + 2);
  return channel >= 0x4000 && channel <= 0x4fff && rest >= 0 && rest <= 3;
}
