// What a client's HTTP/2 without TLS reveals: RFC 9113 section 3.3 (prior knowledge; after an upgrade the same preface comes), RFC 8484
// (DNS in requests).

import { HTTP2_PREFACE_LENGTH, http2Preface, Http2Reader } from '../../wire/application/http2.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { mergeFindings } from '../findings/findings.ts';
import type { Flow } from '../flow-table.ts';
import type { Stream } from './stream.ts';
import { reportMore, reportQuestion } from './tcp-http.ts';

/** Whether HTTP/2 begins at the stream's `start` (RFC 9113 section 3.4); `need-more` with too few octets to decide. */
export function opensHttp2({ bytes, start, end }: Stream): boolean | 'need-more' {
  return http2Preface(bytes, start, end);
}

/**
 * Sets up the flow for HTTP/2, whose preface (RFC 9113 section 3.4) must be at the stream's `start`; returns the offset in `stream.bytes`
 * after it.
 */
export function openHttp2(packet: ParsedPacket, flow: Flow, stream: Stream): number {
  flow.kind = 'http';
  flow.http2 = new Http2Reader();
  packet.findings = mergeFindings(packet.findings, { names: [], answers: [], detail: 'HTTP/2' });
  return stream.start + HTTP2_PREFACE_LENGTH;
}

/**
 * Reads the client's frames (RFC 9113 section 4.1) and adds hosts, pages and questions to the packet's findings; returns the offset in
 * `stream.bytes` from which octets must be kept. Invalid frames end the reading of the flow. Never throws.
 */
export function readHttp2(packet: ParsedPacket, flow: Flow, reader: Http2Reader, stream: Stream): number {
  const rest = reader.read(stream.bytes, stream.start, stream.end, {
    hosts: (hosts) => {
      flow.name = hosts[0] ?? flow.name;
      const names = hosts.map((name) => ({ name, via: 'http' as const }));
      packet.findings = mergeFindings(packet.findings, { names, answers: [], detail: 'HTTP/2 request' });
    },
    pages: (hosts) => {
      reportMore(packet, flow, hosts, 'referer');
    },
    question: (bytes) => {
      reportQuestion(packet, bytes, 0, bytes.length);
    },
  });
  if (reader.broken) flow.done = true;
  return rest;
}
