// Knows: what 802.1X tells of a client. Must not know: authenticators, policy.
// RFC 3748 section 5.1: the identity goes in the clear, before any method that could hide it.

import { eapolFrame } from '../../wire/link/eapol.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';

/** Findings of the frame that `packet` were read from, or undefined when it says nobody's name. */
export function eapolFindings(bytes: Uint8Array, packet: ParsedPacket): Findings | undefined {
  const account = eapolFrame(bytes, packet.payloadOffset, packet.payloadEnd)?.identity;
  return account === undefined || account === ''
    ? undefined
    : { names: [], answers: [], identity: { account } };
}
