// Knows: what a ClientHello in a TCP stream tells: server name, and which kind of TLS it opens. Must not know: segments, policy.
// Follows RFC 8446, RFC 7858 (DoT), RFC 8484 (DoH), RFC 9849 (ECH).

import type { ClientHello } from '../wire/tls-client-hello.ts';
import { clientHelloInRecords } from '../wire/tls-record.ts';
import { torSuspicion } from '../wire/tor.ts';
import type { Facts, Recognition } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import type { Name } from './kinds.ts';
import { RECOGNISED } from './recognise.ts';
import type { Stream } from './stream.ts';

/** Reads the hello that the stream begins with; gives the offset from which bytes must be kept. */
export function readHello(facts: Facts, flow: Flow, stream: Stream): number {
  const { bytes, start, end } = stream;
  const outcome = clientHelloInRecords(bytes, start, end);
  if (outcome === 'not-tls') return end;
  if (flow.kind === undefined || flow.kind === 'tcp') flow.kind = facts.kind === 'dot' ? 'dot' : 'tls';
  if (outcome === 'need-more') {
    // What Eve can read now is said now: the rest may never come.
    const partial = clientHelloInRecords(bytes, start, end, true);
    if (typeof partial !== 'string') tell(facts, flow, partial);
    return start;
  }
  tell(facts, flow, outcome);
  classify(facts, flow, outcome);
  flow.done = true;
  return end;
}

function tell(facts: Facts, flow: Flow, hello: ClientHello): void {
  const { serverName } = hello;
  if (serverName === undefined || serverName === flow.name) return;
  const outer = hello.encryptedHello === 'ech' ? { outer: true as const } : {};
  const name: Name = { name: serverName, via: 'sni', ...outer };
  flow.name = serverName;
  facts.findings = mergeFindings(facts.findings, { names: [name], answers: [] });
}

function classify(facts: Facts, flow: Flow, hello: ClientHello): void {
  const { alpn } = hello;
  const detail = alpn.length === 0 ? undefined : `ALPN ${alpn.join(', ')}`;
  if (alpn.includes('dot')) flow.kind = 'dot';
  const tor = torSuspicion({
    serverName: hello.serverName,
    offersAlpn: alpn.length > 0,
    serverPort: facts.fromServer ? facts.sourcePort : facts.destinationPort,
    listed: false,
  });
  if (tor !== undefined && tor.confidence >= RECOGNISED && flow.kind === 'tls') {
    const server: Recognition['server'] = facts.fromServer ? 'source' : 'destination';
    flow.kind = 'tor';
    const recognition: Recognition = { protocol: 'tor', ...tor, server };
    facts.findings = mergeFindings(facts.findings, { ...flow.recognised(recognition), suspected: true });
  } else if (detail !== undefined) {
    facts.findings = mergeFindings(facts.findings, { names: [], answers: [], detail });
  }
}
