// Recognises QUIC flows and reads what their first datagrams reveal.
// RFC 9000, RFC 9001, RFC 9369, RFC 9250 (DoQ: ALPN `doq`, port 853). Without ciphers names stay unread.

import type { QuicCrypto } from '../../wire/quic/quic-crypto.ts';
import { isQuicInitialSize, isQuicLong, QuicClientFlow } from '../../wire/quic/quic-flow.ts';
import type { QuicHello } from '../../wire/quic/quic-flow.ts';
import { encryptedDns } from './encrypted-dns.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import type { Flow } from '../flow-table.ts';
import type { Kind, Name } from '../kinds.ts';

/** Octets of the shortest datagram with a short header: flags, packet number, sample (RFC 9001 section 5.4.2). */
const SHORTEST = 21;

/** Reads the datagrams of QUIC flows. */
export class QuicFlows {
  readonly #crypto: QuicCrypto | undefined;

  constructor(crypto: QuicCrypto | undefined) {
    this.#crypto = crypto;
  }

  /**
   * If the payload of a datagram, from `start` to before `end`, is QUIC (RFC 9000) or its flow is known as QUIC, sets kind and findings and
   * returns true; otherwise false, and nothing of `packet` is changed. `packet.kind` must be the kind by ports. Never throws.
   */
  read(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
    const known = flow.kind === 'quic' || flow.kind === 'doq' || flow.kind === 'doh';
    if (isQuicLong(bytes, start, end)) {
      if (!known) flow.kind = packet.kind === 'doq' ? 'doq' : 'quic';
      this.#readHello(bytes, start, end, packet, flow);
    } else if (!known && !this.#guess(bytes, start, end, packet, flow)) {
      return false;
    }
    packet.kind = flow.kind ?? 'quic';
    return true;
  }

  /** A datagram with an unknown version is QUIC if the keys of a known version open it. */
  #guess(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
    if (flow.kind !== undefined || flow.packets > 2 || !isQuicInitialSize(bytes, start, end)) return false;
    this.#readHello(bytes, start, end, packet, flow);
    if (!flow.helloBegun) return false;
    flow.kind = packet.kind === 'doq' ? 'doq' : 'quic';
    return true;
  }

  #readHello(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): void {
    if (this.#crypto === undefined || packet.direction === 'down') return;
    if (packet.fromServer && flow.helloBegun) return;
    // The ports may have suggested the wrong client, and a flow may have several connections: a new Initial shows both.
    const again = flow.done || packet.fromServer;
    if (again && !isQuicInitialSize(bytes, start, end)) return;
    flow.quic ??= new QuicClientFlow(this.#crypto);
    const outcome = flow.quic.accept(bytes, start, end);
    if (outcome === 'not-client') {
      if (again) flow.quic = undefined;
      return;
    }
    if (outcome === 'spent') {
      finish(flow);
      return;
    }
    if (packet.fromServer) flow.clientIsLow = !flow.clientIsLow;
    packet.fromServer = flow.done = false;
    flow.helloBegun = true;
    // Report what is readable now, as the rest may never come.
    const hello = outcome === 'need-more' ? flow.quic.partial() : outcome;
    if (hello !== undefined) report(packet, flow, hello);
    if (outcome !== 'need-more') finish(flow);
  }
}

/**
 * Whether the payload of a datagram can belong to a QUIC flow whose beginning was not seen: a short header (RFC 9000 section 17.3) in at
 * least 21 octets is evidence only on QUIC's ports, and only if the datagram is nothing else. `port` is the kind by ports.
 */
export function isQuicMidway(bytes: Uint8Array, start: number, end: number, port: Kind): boolean {
  if (port !== 'quic' && port !== 'doq') return false;
  return ((bytes[start] ?? 0) & 0xc0) === 0x40 && end - start >= SHORTEST;
}

function finish(flow: Flow): void {
  flow.done = true;
  flow.quic = undefined;
}

function report(packet: ParsedPacket, flow: Flow, hello: QuicHello): void {
  const { serverName, alpn } = hello;
  const dns = encryptedDns(packet, serverName, alpn);
  if (dns !== undefined && flow.kind !== 'doq') {
    flow.kind = dns.kind;
    flow.suspected = dns.suspected;
  }
  const detail = [
    `QUIC ${hello.versionName}`,
    ...(alpn.length > 0 ? [`ALPN ${alpn.join(', ')}`] : []),
    ...(dns === undefined ? [] : [dns.why]),
  ].join('; ');
  const doubt = flow.suspected ? { suspected: true as const } : {};
  const outer = hello.encryptedHello === 'ech' ? { outer: true as const } : {};
  const isNew = serverName !== undefined && serverName !== flow.helloName;
  const names: Name[] = isNew ? [{ name: serverName, via: 'quic', ...outer }] : [];
  if (isNew) flow.name = flow.helloName = serverName;
  packet.findings = { names, answers: [], detail, ...doubt };
}
