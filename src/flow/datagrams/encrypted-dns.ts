// Knows: when a TLS or QUIC hello opens encrypted DNS. Must not know: bytes, policy.
// Follows RFC 8484 (DoH), RFC 7858 (DoT), RFC 9250 (DoQ). A known name is evidence; a telling name or an address alone is
// "suspected" (README.md, rule C): shared hosts answer there too.

import { resolverOfAddress, resolverOfName } from '../../wire/names/doh-providers.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

export interface EncryptedDns {
  readonly kind: 'dot' | 'doq' | 'doh';
  readonly suspected: boolean;
  readonly why: string;
}

/** What a hello with this server name and these application protocols opens, if it is DNS; `packet` say where it goes. */
export function encryptedDns(
  packet: ParsedPacket,
  serverName: string | undefined,
  alpn: readonly string[],
): EncryptedDns | undefined {
  if (alpn.includes('dot')) return { kind: 'dot', suspected: false, why: 'ALPN dot' };
  const doq = alpn.find((protocol) => protocol === 'doq' || protocol.startsWith('doq-'));
  if (doq !== undefined) return { kind: 'doq', suspected: false, why: `ALPN ${doq}` };
  const provider = serverName === undefined ? undefined : resolverOfName(serverName);
  if (provider !== undefined)
    return { kind: 'doh', suspected: false, why: `a name of ${provider}'s resolver` };
  if (serverName !== undefined) {
    const telling = /(^|[.-])doh\d*[.-]/.test(serverName);
    return telling ? { kind: 'doh', suspected: true, why: 'the name says DoH' } : undefined;
  }
  const owner = resolverOfAddress(packet.ipVersion, packet.fromServer ? packet.source : packet.destination);
  if (owner === undefined) return undefined;
  return { kind: 'doh', suspected: true, why: `an address of ${owner}'s resolver, no server name` };
}
