// Whether a TLS or QUIC hello opens encrypted DNS: RFC 8484 (DoH), RFC 7858 (DoT), RFC 9250 (DoQ). A known name is evidence; a name that
// merely looks like DoH, or an address alone, is "suspected" (README.md, rule C), as shared hosts have them, too.

import { resolverOfAddress, resolverOfName } from '../../wire/names/doh-providers.ts';
import type { ParsedPacket } from '../parsed-packet.ts';

/** The kind of encrypted DNS, and why, in words for people. */
export interface EncryptedDns {
  readonly kind: 'dot' | 'doq' | 'doh';
  readonly suspected: boolean;
  readonly why: string;
}

/**
 * The encrypted DNS that a hello with this server name (as hostText writes it) and these protocols (lower case) opens: by ALPN (RFC 7858,
 * RFC 9250), then by name or address (src/wire/names/doh-providers.ts). Undefined when nothing suggests any. `packet` has the server's
 * address.
 */
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
    return { kind: 'doh', suspected: false, why: `server name of ${provider}'s resolver` };
  if (serverName !== undefined) {
    const looksLikeDoh = /(^|[.-])doh\d*[.-]/.test(serverName);
    return looksLikeDoh ? { kind: 'doh', suspected: true, why: 'server name suggests DoH' } : undefined;
  }
  const owner = resolverOfAddress(packet.ipVersion, packet.fromServer ? packet.source : packet.destination);
  if (owner === undefined) return undefined;
  return { kind: 'doh', suspected: true, why: `address of ${owner}'s resolver, no server name` };
}
