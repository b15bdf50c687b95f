// Recognises DNSCrypt by the resolver's magic, by a client magic from a certificate, or by a nonce that the answer repeats.
// The DNSCrypt protocol description, version 2. Memory is bounded.

import {
  answersDnscryptQuery,
  dnscryptClientMagics,
  dnscryptQueryNonce,
  dnscryptRelay,
  hasDnscryptQueryLength,
  isDnscryptCertificateName,
  isDnscryptQuery,
  isDnscryptResponse,
} from '../../wire/names/dnscrypt.ts';
import { addressText } from '../../wire/ip/address.ts';
import { isDnsResponse } from '../../wire/names/dns.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';
import type { Flow } from '../flow-table.ts';

/** How many client magics are remembered; the oldest is forgotten first. */
const MAX_MAGICS = 64;
const MAX_RESOLVERS = 256;

/** Remembers what proves that datagrams are DNSCrypt. */
export class Dnscrypt {
  #magics: Uint8Array[] = [];
  /** Resolvers that have answered with their magic, as `address port`; to them a datagram of the right length is a query. */
  readonly #resolvers = new Set<string>();

  /**
   * Remembers the client magics in the DNS message from `start` to before `end` if it answers for certificates
   * (draft-denis-dprive-dnscrypt); `findings` are those of the message. Never throws.
   */
  learn(bytes: Uint8Array, start: number, end: number, findings: Findings): void {
    if (
      !isDnsResponse(bytes, start, end) ||
      !findings.names.some(({ name }) => isDnscryptCertificateName(name))
    )
      return;
    for (const magic of dnscryptClientMagics(bytes, start, end)) {
      if (this.#magics.some((known) => known.every((octet, at) => octet === magic[at]))) continue;
      this.#magics = [...this.#magics.slice(1 - MAX_MAGICS), magic];
    }
  }

  /**
   * Whether the payload of a datagram, from `start` to before `end`, is DNSCrypt (draft-denis-dprive-dnscrypt). The nonce of a query
   * without known magic is kept in the flow until the answer proves it; the first such query is not recognised. Never throws.
   */
  isSpoken(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
    if (isDnscryptResponse(bytes, start, end)) {
      const nonce = flow.dnscryptNonce;
      // An unsolicited datagram from the network proves nothing.
      if (nonce === undefined ? packet.direction === 'down' : !answersDnscryptQuery(nonce, bytes, start, end))
        return false;
      if (this.#resolvers.size < MAX_RESOLVERS) {
        this.#resolvers.add(resolverKey(packet.ipVersion, packet.source, packet.sourcePort));
      }
      return true;
    }
    if (!hasDnscryptQueryLength(start, end)) return dnscryptRelay(bytes, start, end) !== undefined;
    if (this.#resolvers.has(resolverKey(packet.ipVersion, packet.destination, packet.destinationPort)))
      return true;
    if (dnscryptRelay(bytes, start, end) !== undefined || isDnscryptQuery(bytes, start, end)) return true;
    if (this.#magics.some((magic) => isDnscryptQuery(bytes, start, end, magic))) return true;
    if (flow.packets <= 1) flow.dnscryptNonce = dnscryptQueryNonce(bytes, start, end);
    return false;
  }
}

function resolverKey(ipVersion: number, address: Uint32Array, port: number): string {
  return `${addressText(ipVersion, address)} ${port}`;
}
