// What a TCP stream carries, by its first octets and then by its protocol.
// RFC 7766 (DNS), RFC 8446 (TLS), RFC 9112 (HTTP), RFC 4253 (SSH), RFC 2637 (PPTP), RFC 1928 (SOCKS).

import { dnsShape, dnsTcpMessages } from '../../wire/names/dns.ts';
import { cutQuestion } from '../../wire/names/dns-stream.ts';
import {
  canBecomeRequest,
  httpRequest,
  isHttpResponseStart,
  requestAt,
} from '../../wire/application/http1.ts';
import { httpRedirect } from '../../wire/application/http-redirect.ts';
import { u16 } from '../../wire/octets.ts';
import { pptpControl } from '../../wire/vpn/pptp.ts';
import { canBecomeBanner } from '../../wire/application/ssh.ts';
import { proxyHeaderEnd, laterClientHello } from '../../wire/tls/tls-behind.ts';
import type { RelayList } from '../../wire/vpn/tor.ts';
import {
  acceptsHello,
  isClientHelloStart,
  isSsl2HelloStart,
  isTlsRecordStart,
} from '../../wire/tls/tls-record.ts';
import { NO_FINDINGS } from '../parsed-packet.ts';
import type { ParsedPacket, Recognition } from '../parsed-packet.ts';
import { mergeFindings } from '../findings/findings.ts';
import type { Flow } from '../flow-table.ts';
import type { Kind } from '../kinds.ts';
import { DNS_ELSEWHERE, DNS_ON_ITS_PORT, dnsFindings } from '../findings/name-readers.ts';
import { answersOverTcp, RECOGNISED, recogniseTcp } from '../datagrams/recognise.ts';
import type { Stream } from './stream.ts';
import { readHttp } from './tcp-http.ts';
import { openHttp2, opensHttp2, readHttp2 } from './tcp-http2.ts';
import { opensSocks, readSocksRequest } from './tcp-socks.ts';
import { nextHello, readHello } from './tcp-tls.ts';

/** How many protocols in a row are read in one piece of a stream; real ones have three: a proxy's header, its request, a hello. */
const MAX_LAYERS = 8;
/** Within so many segments a client may still upgrade to TLS, also in the middle of a segment. */
const UPGRADE_SEGMENTS = 64;

/**
 * Reads the stream's readable octets and sets findings of `packet` and what `flow` is known as; returns the offset in `stream.bytes` from
 * which they must be kept for the next call, `stream.end` if none. The RFC of each protocol is named in this file's head. Never throws.
 */
export function readContent(
  packet: ParsedPacket,
  flow: Flow,
  stream: Stream,
  fromClient: boolean,
  relays: RelayList,
): number {
  if (stream.broken) {
    // After a gap the contents of HTTP/2's tables are unknown.
    if (flow.http2 !== undefined && fromClient) flow.done = true;
    flow.body.reset();
  }
  for (let left = MAX_LAYERS; left > 0 && stream.start < stream.end; left -= 1) {
    const rest = readOne(packet, flow, stream, fromClient, relays);
    if (rest === stream.start || flow.done) return rest;
    stream.start = rest;
    stream.memo = undefined;
    stream.first = false;
  }
  return stream.end;
}

/**
 * Reads what the network sends in a stream that a client has begun; returns the offset in `stream.bytes` from which octets must be kept. It
 * is read as an answer to what the client sent (a ServerHello, RFC 8446; DNS, RFC 7766; a redirect, RFC 9110) and decides nothing itself:
 * otherwise its sender could have the client's next octets misread. Never throws.
 */
export function readFromNetwork(packet: ParsedPacket, flow: Flow, stream: Stream): number {
  const { bytes, start, end } = stream;
  if (flow.tunnel !== undefined) return readTunnelAnswer(packet, flow, flow.tunnel, stream);
  if (flow.hellos > 0) flow.done = acceptsHello(bytes, start, end);
  else if (
    flow.kind === 'dns' ||
    (flow.kind === undefined && (packet.kind === 'dns' || packet.kind === 'llmnr'))
  )
    return readDns(packet, flow, stream, false);
  else if (flow.kind === 'http') readRedirect(packet, stream);
  return end;
}

function readTunnelAnswer(
  packet: ParsedPacket,
  flow: Flow,
  tunnel: Recognition,
  { bytes, start, end }: Stream,
): number {
  // The server's first octets show whether it answers; nothing more of a tunnel is read.
  if (answersOverTcp(tunnel.protocol, bytes, start, end))
    packet.findings = flow.recognised({ ...tunnel, server: 'source', answered: true });
  flow.done = true;
  return end;
}

function readRedirect(packet: ParsedPacket, { bytes, start, end }: Stream): void {
  const redirect = isHttpResponseStart(bytes, start, end) ? httpRedirect(bytes, start, end) : undefined;
  if (redirect !== undefined) packet.findings = mergeFindings(packet.findings, { ...NO_FINDINGS, redirect });
}

/** Reads the octets of one protocol; returns the offset where the next may begin, or `start` if more must come first. */
function readOne(
  packet: ParsedPacket,
  flow: Flow,
  stream: Stream,
  fromClient: boolean,
  relays: RelayList,
): number {
  const { bytes, start, end } = stream;
  if (flow.tunnel !== undefined) {
    return fromClient ? end : readTunnelAnswer(packet, flow, flow.tunnel, stream);
  }
  if (flow.http2 !== undefined) return fromClient ? readHttp2(packet, flow, flow.http2, stream) : end;
  const http2 = opensHttp2(stream);
  if (http2 === 'need-more') return start;
  if (http2) return openHttp2(packet, flow, stream);
  if (isClientHelloStart(bytes, start, end)) return readHello(packet, flow, stream, relays);
  if (flow.hellos > 0) {
    // From the server it only matters whether it asks for another hello, from the client until no other hello can come.
    const next = fromClient ? nextHello(bytes, start, end, flow.sendsEarlyData) : end;
    flow.done =
      next < 0 || flow.packets > UPGRADE_SEGMENTS || (!fromClient && acceptsHello(bytes, start, end));
    return next < 0 ? end : next;
  }
  if (stream.first && isSsl2HelloStart(bytes, start, end)) {
    flow.kind = packet.kind === 'dot' ? 'dot' : 'tls';
    return end;
  }
  // An announced body is not always sent (100-continue, a refused login), so a whole request ends it.
  if (requestAt(bytes, start, end) >= 0 && (!flow.body.isOpen || isWholeRequest(bytes, start, end)))
    return readHttp(packet, flow, stream);
  const proxied = stream.first && fromClient ? proxyHeaderEnd(bytes, start, end) : -1;
  if (proxied >= 0) return proxied;
  if (speaksDns(packet, flow, stream)) return readDns(packet, flow, stream, fromClient);
  if (!fromClient) {
    if (flow.kind === undefined) settle(packet, flow, stream, false);
    if (flow.kind === 'http') readRedirect(packet, stream);
    return end;
  }
  if (flow.body.isOpen) return flow.body.pass(bytes, start, end);
  const speaksHttp = flow.kind === 'http' || flow.kind === 'http-proxy';
  if ((stream.first || speaksHttp) && canBecome(bytes, start, end)) return start;
  const hello = flow.packets > UPGRADE_SEGMENTS ? -1 : laterClientHello(bytes, start, end);
  if (hello >= 0) return hello;
  if (flow.kind === undefined) return settle(packet, flow, stream, true);
  return flow.kind === 'socks' ? readSocksRequest(packet, flow, stream) : end;
}

function isWholeRequest(bytes: Uint8Array, start: number, end: number): boolean {
  const request = httpRequest(bytes, requestAt(bytes, start, end), end);
  return typeof request !== 'string' && request.host !== undefined;
}

/** Whether a client's first octets may be the beginning of a request or a banner. */
function canBecome(bytes: Uint8Array, start: number, end: number): boolean {
  return canBecomeRequest(bytes, start, end) || canBecomeBanner(bytes, start, end);
}

/** Sets the kind of a flow by its first octets, if they show it; returns the offset where reading continues. */
function settle(packet: ParsedPacket, flow: Flow, stream: Stream, fromClient: boolean): number {
  const { bytes, start, end } = stream;
  const recognition = recogniseTcp(bytes, start, end, fromClient ? 'client' : 'server');
  if (recognition !== undefined && recognition.confidence >= RECOGNISED) {
    packet.findings = flow.recognised(recognition);
    flow.kind = KIND_OF_STREAM[recognition.protocol];
    // Nothing more is read once the kind is decided. SSTP has no entry there: it begins with a request line.
    flow.done = flow.kind !== undefined;
    if (fromClient && (recognition.protocol === 'openvpn' || recognition.protocol === 'ipsec')) {
      flow.tunnel = recognition;
      flow.done = false;
    }
  } else if (pptpControl(bytes, start, end) !== undefined) {
    flow.kind = 'pptp';
    flow.done = true;
  } else if (isTlsRecordStart(bytes, start, end)) {
    flow.kind = packet.kind === 'dot' ? 'dot' : 'tls';
  } else if (isHttpResponseStart(bytes, start, end)) {
    flow.kind = 'http';
  } else if (stream.first && fromClient) {
    const rest = opensSocks(packet, flow, stream);
    if (rest >= 0) {
      flow.suspected = true;
      return rest;
    }
    // The client has sent first, nothing is missing, and it is not the protocol of the port.
    if (NEEDS_CONTENT.has(packet.kind)) flow.kind = 'tcp';
  }
  return end;
}

const NEEDS_CONTENT: ReadonlySet<Kind> = new Set<Kind>(['tls', 'http', 'dot', 'pptp']);

/** The final kind of a stream whose beginning was recognised; undefined if more of it is read. */
const KIND_OF_STREAM: Readonly<Record<Recognition['protocol'], Kind | undefined>> = {
  ssh: 'ssh',
  openvpn: 'openvpn',
  ipsec: 'ipsec',
  wireguard: undefined,
  tor: undefined,
  dtls: undefined,
  sstp: undefined,
  opaque: undefined,
};

/**
 * On the ports of DNS and LLMNR anything is taken for DNS; elsewhere the segment must be one whole message that parses to its last octet.
 */
function speaksDns(packet: ParsedPacket, flow: Flow, { bytes, start, end }: Stream): boolean {
  if (flow.kind !== undefined) return flow.kind === 'dns';
  if (packet.kind === 'dns' || packet.kind === 'llmnr') return true;
  if (end - start < 19 || u16(bytes, start) !== end - start - 2) return false;
  if (dnsShape(bytes, start + 2, end) < DNS_ELSEWHERE) return false;
  flow.kind = 'dns';
  flow.suspected = true;
  return true;
}

function readDns(packet: ParsedPacket, flow: Flow, stream: Stream, fromClient: boolean): number {
  // LLMNR can use TCP, too (RFC 4795 section 2.4).
  const via = packet.kind === 'llmnr' ? 'llmnr' : 'dns';
  const rest = dnsTcpMessages(stream.bytes, stream.start, stream.end, (start, end) => {
    const findings = dnsFindings(stream.bytes, start, end, via, DNS_ON_ITS_PORT);
    if (findings === undefined) return;
    packet.findings = mergeFindings(
      packet.findings,
      flow.suspected ? { ...findings, suspected: true } : findings,
    );
    if (packet.direction !== 'down') flow.name = findings.names[0]?.name ?? flow.name;
  });
  // The rest may never come, so report what is there.
  if (fromClient && rest < stream.end && packet.findings === NO_FINDINGS)
    packet.findings = { ...NO_FINDINGS, detail: pieceWords(stream.bytes, rest, stream.end) };
  return rest;
}

function pieceWords(bytes: Uint8Array, start: number, end: number): string {
  const name = cutQuestion(bytes, start, end);
  if (name !== undefined) return `the beginning of a question: ${name}`;
  return end - start <= 2 ? 'only the length of a question' : 'the beginning of a question, before its name';
}
