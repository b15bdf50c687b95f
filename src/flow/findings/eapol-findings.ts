// What 802.1X reveals about a client. The identity is sent in the clear, before any method that could hide it (RFC 3748 section 5.1).

import { eapolFrame } from '../../wire/link/eapol.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

/**
 * Findings of the 802.1X frame that `packet` was read from: the account in an EAP Identity Response (RFC 3748 section 5.1). Undefined when
 * it has none; never throws.
 */
export function eapolFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const account = eapolFrame(bytes, packet.payloadOffset, packet.payloadEnd)?.identity;
  return account === undefined || account === ''
    ? undefined
    : { names: [], answers: [], identity: { account } };
}
