// EAPOL frames, and the identity that EAP sends in the clear.
// IEEE 802.1X-2020 section 11.3 (frames) and RFC 3748 sections 4 and 5.1 (EAP, identity).

import { printable, u16 } from '../octets.ts';

/** An EAPOL frame. Types: 0 EAP packet, 1 start, 2 logoff, 3 key, 4 alert, 5 MKA, 6 to 8 announcements. */
export interface EapolFrame {
  /** 1 to 3: the 2001, 2004 and 2010 editions of IEEE 802.1X and later. */
  readonly version: number;
  readonly type: number;
  /**
   * The name in an EAP Identity Response (RFC 3748 section 5.1), which everyone on the wire can read: at most 253 octets, as `printable`
   * writes them; undefined in other frames.
   */
  readonly identity: string | undefined;
}

const MAX_IDENTITY = 253;

/**
 * The EAPOL frame whose header (IEEE 802.1X-2020 section 11.3) begins at `start`, behind the EtherType 0x888e; undefined when version or
 * type is unknown or the body passes `end`, which is exclusive. Never throws.
 */
export function eapolFrame(bytes: Uint8Array, start: number, end: number): EapolFrame | undefined {
  if (end - start < 4) return undefined;
  const version = bytes[start] ?? 0;
  const type = bytes[start + 1] ?? 0;
  const bodyEnd = start + 4 + u16(bytes, start + 2);
  if (version < 1 || version > 3 || type > 8 || bodyEnd > end) return undefined;
  return { version, type, identity: type === 0 ? identityOf(bytes, start + 4, bodyEnd) : undefined };
}

function identityOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  const packetEnd = start + u16(bytes, start + 2);
  if (end - start < 6 || packetEnd > end || packetEnd - start < 6) return undefined;
  if (bytes[start] !== 2 || bytes[start + 4] !== 1) return undefined;
  return printable(bytes, start + 5, Math.min(packetEnd, start + 5 + MAX_IDENTITY));
}
