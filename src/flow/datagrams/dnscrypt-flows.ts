// Knows: how DNSCrypt is told apart: by the resolver's magic, by a client magic that a certificate announced, by a nonce that
// comes back. Must not know: policy, I/O. Follows the DNSCrypt protocol description, version 2. Bounded.

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

/** Certificates remembered; the oldest goes first. */
const MAX_MAGICS = 64;
const MAX_RESOLVERS = 256;

export class Dnscrypt {
  #magics: Uint8Array[] = [];
  /** Resolvers that have answered with their magic, as `address port`; a query to them needs no other proof than its length. */
  readonly #resolvers = new Set<string>();

  /** Takes the client magics from a DNS message that answers for certificates. */
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

  /** Whether a datagram is DNSCrypt. A query without known magic is remembered in the flow until its answer proves it. */
  isSpoken(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
    if (isDnscryptResponse(bytes, start, end)) {
      const nonce = flow.dnscryptNonce;
      // What comes down unasked teaches nothing.
      if (nonce === undefined ? packet.direction === 'down' : !answersDnscryptQuery(nonce, bytes, start, end))
        return false;
      if (this.#resolvers.size < MAX_RESOLVERS) {
        this.#resolvers.add(placeOf(packet.ipVersion, packet.source, packet.sourcePort));
      }
      return true;
    }
    if (!hasDnscryptQueryLength(start, end)) return dnscryptRelay(bytes, start, end) !== undefined;
    if (this.#resolvers.has(placeOf(packet.ipVersion, packet.destination, packet.destinationPort)))
      return true;
    if (dnscryptRelay(bytes, start, end) !== undefined || isDnscryptQuery(bytes, start, end)) return true;
    if (this.#magics.some((magic) => isDnscryptQuery(bytes, start, end, magic))) return true;
    if (flow.packets <= 1) flow.dnscryptNonce = dnscryptQueryNonce(bytes, start, end);
    return false;
  }
}

function placeOf(ipVersion: number, address: Uint32Array, port: number): string {
  return `${addressText(ipVersion, address)} ${port}`;
}
