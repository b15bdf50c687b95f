// Knows: how DNSCrypt is told apart: by the resolver's magic, by a client magic that a certificate announced, by a nonce that
// comes back. Must not know: policy, I/O. Follows the DNSCrypt protocol description, version 2. Bounded.

import {
  answersDnscryptQuery,
  dnscryptClientMagics,
  dnscryptQueryNonce,
  dnscryptRelay,
  isDnscryptCertificateName,
  isDnscryptQuery,
  isDnscryptResponse,
} from '../wire/dnscrypt.ts';
import type { Findings } from './facts.ts';
import type { Flow } from './flow-table.ts';

/** Certificates remembered; the oldest goes first. */
const MAX_MAGICS = 64;

export class Dnscrypt {
  #magics: Uint8Array[] = [];

  /** Takes the client magics from a DNS message that answers for certificates. */
  learn(bytes: Uint8Array, start: number, end: number, findings: Findings): void {
    if (!findings.names.some(({ name }) => isDnscryptCertificateName(name))) return;
    for (const magic of dnscryptClientMagics(bytes, start, end)) {
      if (this.#magics.some((known) => known.every((octet, at) => octet === magic[at]))) continue;
      this.#magics = [...this.#magics.slice(1 - MAX_MAGICS), magic];
    }
  }

  /** Whether a datagram is DNSCrypt. A query without known magic is remembered in the flow until its answer proves it. */
  isSpoken(bytes: Uint8Array, start: number, end: number, flow: Flow): boolean {
    if (isDnscryptResponse(bytes, start, end)) {
      const nonce = flow.dnscryptNonce;
      return nonce === undefined || answersDnscryptQuery(nonce, bytes, start, end);
    }
    if (dnscryptRelay(bytes, start, end) !== undefined || isDnscryptQuery(bytes, start, end)) return true;
    if (this.#magics.some((magic) => isDnscryptQuery(bytes, start, end, magic))) return true;
    if (flow.packets <= 1) flow.dnscryptNonce = dnscryptQueryNonce(bytes, start, end);
    return false;
  }
}
