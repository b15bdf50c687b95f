// Where a SOCKS client in a TCP stream wants to go (RFC 1928). What it then sends through the proxy is read like any stream, as it is in
// clear.

import { socks5GreetingLength, socks5Request, socksOpening } from '../../wire/application/socks.ts';
import type { SocksRequest } from '../../wire/application/socks.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import type { Flow } from '../flow-table.ts';
import type { Stream } from './stream.ts';

/**
 * If the client's first octets are SOCKS (RFC 1928, and version 4), sets the flow's kind and the findings and returns the offset in
 * `stream.bytes` after what was read; otherwise, also when they are incomplete, -1. A greeting must fill its segment or be followed by a
 * request. Never throws.
 */
export function opensSocks(packet: ParsedPacket, flow: Flow, stream: Stream): number {
  const { bytes, start, end } = stream;
  const opening = socksOpening(bytes, start, end);
  if (opening === 'need-more' || opening === 'not-socks') return -1;
  let rest = end;
  if (opening === 'greeting') {
    const requestAt = start + socks5GreetingLength(bytes, start, end);
    if (requestAt < end) rest = readRequest(packet, flow, bytes, requestAt, end);
  } else {
    report(packet, flow, opening);
    rest = opening.end;
  }
  if (rest >= 0) flow.kind = 'socks';
  return rest;
}

/**
 * Reads the request after the greeting (RFC 1928 section 4), if this is it and none has been read; returns the offset in `stream.bytes`
 * after it, otherwise `stream.end`. Never throws.
 */
export function readSocksRequest(packet: ParsedPacket, flow: Flow, stream: Stream): number {
  const { bytes, start, end } = stream;
  const rest = flow.name === '' ? readRequest(packet, flow, bytes, start, end) : -1;
  return rest < 0 ? end : rest;
}

function readRequest(
  packet: ParsedPacket,
  flow: Flow,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const request = socks5Request(bytes, start, end);
  if (typeof request === 'string') return -1;
  report(packet, flow, request);
  return request.end;
}

function report(packet: ParsedPacket, flow: Flow, request: SocksRequest): void {
  flow.name = request.host;
  const detail = `SOCKS ${request.command} request to ${request.host} port ${request.port}`;
  packet.findings = { names: [], answers: [], detail };
}
