// Knows: how a SOCKS client's messages in a TCP stream tell where it wants to go. Must not know: segments, policy.
// Follows RFC 1928. What goes through the proxy afterwards is read like any stream: its names are in the clear.

import { socks5GreetingLength, socks5Request, socksOpening } from '../wire/socks.ts';
import type { SocksRequest } from '../wire/socks.ts';
import type { Facts } from './facts.ts';
import type { Flow } from './flow-table.ts';
import type { Stream } from './stream.ts';

/** Whether the client's first octets are SOCKS; then kind and findings are set. A greeting has to fill its segment. */
export function opensSocks(facts: Facts, flow: Flow, stream: Stream): boolean {
  const { bytes, start, end } = stream;
  const opening = socksOpening(bytes, start, end);
  if (opening === 'need-more' || opening === 'not-socks') return false;
  if (opening === 'greeting') {
    const requestAt = start + socks5GreetingLength(bytes, start, end);
    if (requestAt < end && !readRequest(facts, flow, bytes, requestAt, end)) return false;
  } else {
    tell(facts, flow, opening);
  }
  flow.kind = 'socks';
  return true;
}

/** Reads the request behind the greeting, when this is it. */
export function readSocksRequest(facts: Facts, flow: Flow, stream: Stream): void {
  if (flow.name === '') readRequest(facts, flow, stream.bytes, stream.start, stream.end);
}

function readRequest(facts: Facts, flow: Flow, bytes: Uint8Array, start: number, end: number): boolean {
  const request = socks5Request(bytes, start, end);
  if (typeof request === 'string') return false;
  tell(facts, flow, request);
  return true;
}

function tell(facts: Facts, flow: Flow, request: SocksRequest): void {
  flow.name = request.host;
  const detail = `asks to ${request.command} to ${request.host} port ${request.port}`;
  facts.findings = { names: [], answers: [], detail };
}
