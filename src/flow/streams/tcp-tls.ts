// What a ClientHello in a TCP stream reveals: the server name, and what kind of TLS it opens.
// RFC 8446, RFC 7858 (DoT), RFC 8484 (DoH), RFC 9849 (ECH).

import type { ClientHello } from '../../wire/tls/tls-client-hello.ts';
import { u16 } from '../../wire/octets.ts';
import { clientHelloInRecords, HelloRecords, isClientHelloStart } from '../../wire/tls/tls-record.ts';
import { isListedRelay, torSuspicion } from '../../wire/vpn/tor.ts';
import type { RelayList } from '../../wire/vpn/tor.ts';
import { addressText } from '../../wire/ip/address.ts';
import type { ParsedPacket, Recognition } from '../parsed-packet.ts';
import { encryptedDns } from '../datagrams/encrypted-dns.ts';
import { mergeFindings } from '../findings/findings.ts';
import type { Flow } from '../flow-table.ts';
import type { Name } from '../kinds.ts';
import { RECOGNISED } from '../datagrams/recognise.ts';
import type { Stream } from './stream.ts';

const RECORD_HEADER = 5;
const CHANGE = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const DATA = 23;
/** A client sends at most two hellos; after that the flow is not read any further. */
const MAX_HELLOS = 2;

/**
 * Reads the hello at the beginning of the stream, adds its server name and what it opens to the findings, and sets the flow's kind; returns
 * the offset in `stream.bytes` from which octets must be kept, `stream.start` while the hello is incomplete. A second one may follow if the
 * server asks for it (RFC 8446 section 4.1.4); `nextHello` says whether one can still come. Never throws.
 */
export function readHello(packet: ParsedPacket, flow: Flow, stream: Stream, relays: RelayList): number {
  const { bytes, start, end } = stream;
  const records = stream.memo instanceof HelloRecords ? stream.memo : new HelloRecords();
  const outcome = clientHelloInRecords(bytes, start, end, false, records);
  stream.memo = outcome === 'need-more' ? records : undefined;
  if (outcome === 'not-tls') return end;
  if (flow.kind === undefined || flow.kind === 'tcp') flow.kind = packet.kind === 'dot' ? 'dot' : 'tls';
  if (outcome === 'need-more') {
    // Report what is readable now, as the rest may never come.
    const partial = clientHelloInRecords(bytes, start, end, true, records);
    if (typeof partial !== 'string') report(packet, flow, partial);
    return start;
  }
  report(packet, flow, outcome);
  classify(packet, flow, outcome, relays);
  flow.hellos += 1;
  flow.sendsEarlyData = outcome.earlyData === true;
  if (flow.hellos >= MAX_HELLOS) flow.done = true;
  return recordsEnd(bytes, start, end);
}

/**
 * The offset in `bytes` where a client's second hello, or a record whose end has not come, may begin: after whole records that may come in
 * between (a dummy change of cipher spec, an alert, early data: RFC 8446 section 4.2.10, appendix D.4); `end` when only such records are
 * there, -1 when no other hello will come. Never throws.
 */
export function nextHello(bytes: Uint8Array, start: number, end: number, sendsEarlyData: boolean): number {
  let at = start;
  while (at < end) {
    const type = bytes[at] ?? 0;
    if (type === HANDSHAKE) return isClientHelloStart(bytes, at, end) ? at : -1;
    if (type !== CHANGE && type !== ALERT && !(type === DATA && sendsEarlyData)) return -1;
    const next = at + RECORD_HEADER + u16(bytes, at + 3);
    if (at + RECORD_HEADER > end || next > end) return at;
    at = next;
  }
  return end;
}

/** The offset after the handshake records at `start`, as far as they are here. */
function recordsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at + RECORD_HEADER <= end && bytes[at] === HANDSHAKE) {
    at += RECORD_HEADER + u16(bytes, at + 3);
    if (isClientHelloStart(bytes, at, end)) break;
  }
  return Math.min(at, end);
}

function report(packet: ParsedPacket, flow: Flow, hello: ClientHello): void {
  const { serverName } = hello;
  if (serverName === undefined || serverName === flow.helloName) return;
  const outer = hello.encryptedHello === 'ech' ? { outer: true as const } : {};
  const name: Name = { name: serverName, via: 'sni', ...outer };
  flow.name = flow.helloName = serverName;
  packet.findings = mergeFindings(packet.findings, { names: [name], answers: [] });
}

function classify(packet: ParsedPacket, flow: Flow, hello: ClientHello, relays: RelayList): void {
  const { alpn, serverName } = hello;
  flow.offersAlpn = alpn.length > 0;
  const words = alpn.length === 0 ? [] : [`ALPN ${alpn.join(', ')}`];
  const dns = flow.kind === 'tls' || flow.kind === 'dot' ? encryptedDns(packet, serverName, alpn) : undefined;
  const tor = dns === undefined && flow.kind === 'tls' ? torOf(packet, hello, relays) : undefined;
  if (dns !== undefined) {
    // On the port of DoT it stays DoT, whatever the server name.
    if (flow.kind === 'tls') {
      flow.kind = dns.kind;
      flow.suspected = dns.suspected;
    }
    words.push(dns.why);
  } else if (tor !== undefined) {
    flow.kind = 'tor';
    flow.suspected = true;
    packet.findings = mergeFindings(packet.findings, { ...flow.recognised(tor) });
  }
  if (words.length === 0) return;
  const doubt = flow.suspected ? { suspected: true as const } : {};
  packet.findings = mergeFindings(packet.findings, {
    names: [],
    answers: [],
    detail: words.join('; '),
    ...doubt,
  });
}

function torOf(packet: ParsedPacket, hello: ClientHello, relays: RelayList): Recognition | undefined {
  const serverPort = packet.fromServer ? packet.sourcePort : packet.destinationPort;
  const server = packet.fromServer ? packet.source : packet.destination;
  const suspicion = torSuspicion({
    serverName: hello.serverName,
    offersAlpn: hello.alpn.length > 0,
    serverPort,
    listed: relays.size > 0 && isListedRelay(relays, addressText(packet.ipVersion, server), serverPort),
  });
  if (suspicion === undefined || suspicion.confidence < RECOGNISED) return undefined;
  return { protocol: 'tor', ...suspicion, server: packet.fromServer ? 'source' : 'destination' };
}
