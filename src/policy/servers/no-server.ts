// Hosts that can never be a server on a network. Follows RFC 6890 (special-purpose addresses), RFC 6761 section 6.3 (localhost), RFC 4291
// section 2.5.5 (mapped addresses).

import { parseAddress } from '../../wire/ip/address.ts';

/** Why a host is none: this device, no address at all, a group, everybody, or a form that is never on the wire. */
export type NoServer = 'local' | 'unspecified' | 'multicast' | 'broadcast' | 'mapped';

const WORDS: Readonly<Record<NoServer, string>> = {
  local: 'is this device itself',
  unspecified: 'is not the address of a machine',
  multicast: 'is a multicast group, not a server',
  broadcast: 'is the broadcast address, not a server',
  mapped: 'is an IPv4 address in IPv6 form, which programs use internally and which is never on the wire',
};

const REMEDIES: Readonly<Record<NoServer, string>> = {
  local:
    'A program there (wstunnel, udp2raw, Shadowsocks, obfs4 or similar) forwards the tunnel: trust the server that it connects to, with protocol opaque.',
  unspecified: 'Write the address or the name of the server.',
  multicast: 'Write the address or the name of the server.',
  broadcast: 'Write the address or the name of the server.',
  mapped: 'Write the IPv4 address.',
};

/** Why a host (address or lower-case name) cannot be a server (RFC 6890, RFC 6761 section 6.3); undefined if it can. */
export function noServer(host: string): NoServer | undefined {
  const address = parseAddress(host);
  if (address === undefined) return /(^|\.)localhost$/.test(host) ? 'local' : undefined;
  return noServerAddress(address.ipVersion, address.words);
}

/** Why an address (four 32-bit words, IPv4 in the last) cannot be a server's; undefined if it can. */
export function noServerAddress(ipVersion: 4 | 6, words: Uint32Array): NoServer | undefined {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words;
  if (ipVersion === 4) {
    if (w3 === 0xffffffff) return 'broadcast';
    const first = w3 >>> 24;
    if (first === 127) return 'local';
    if (first === 0) return 'unspecified';
    return first >>> 4 === 14 ? 'multicast' : undefined;
  }
  if (w0 >>> 24 === 0xff) return 'multicast';
  if (w0 !== 0 || w1 !== 0) return undefined;
  if (w2 === 0xffff) return 'mapped';
  if (w2 !== 0) return undefined;
  return w3 === 1 ? 'local' : w3 === 0 ? 'unspecified' : undefined;
}

/** The reason in words, to follow the host's name, and what to do. */
export function noServerWords(why: NoServer): { readonly message: string; readonly remedy: string } {
  return { message: WORDS[why], remedy: REMEDIES[why] };
}
