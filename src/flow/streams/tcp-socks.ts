// Knows: how a SOCKS client's messages in a TCP stream tell where it wants to go. Must not know: segments, policy.
// Follows RFC 1928. What goes through the proxy afterwards is read like any stream: its names are in the clear.

import { socks5GreetingLength, socks5Request, socksOpening } from '../../wire/application/socks.ts';
import type { SocksRequest } from '../../wire/application/socks.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import type { Flow } from '../flow-table.ts';
import type { Stream } from './stream.ts';

/**
 * Whether the client's first octets are SOCKS; then kind and findings are set. A greeting has to fill its segment, or a
 * request follows it. Gives the offset behind what was read, or -1.
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
    tell(packet, flow, opening);
    rest = opening.end;
  }
  if (rest >= 0) flow.kind = 'socks';
  return rest;
}

/** Reads the request behind the greeting, when this is it; gives the offset behind it, or the end. */
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
  tell(packet, flow, request);
  return request.end;
}

function tell(packet: ParsedPacket, flow: Flow, request: SocksRequest): void {
  flow.name = request.host;
  const detail = `asks to ${request.command} to ${request.host} port ${request.port}`;
  packet.findings = { names: [], answers: [], detail };
}
