// Knows: what a ClientHello in a TCP stream tells: server name, and which kind of TLS it opens. Must not know: segments, policy.
// Follows RFC 8446, RFC 7858 (DoT), RFC 8484 (DoH), RFC 9849 (ECH).

import type { ClientHello } from '../wire/tls-client-hello.ts';
import { clientHelloInRecords } from '../wire/tls-record.ts';
import { isListedRelay, torSuspicion } from '../wire/tor.ts';
import type { RelayList } from '../wire/tor.ts';
import { addressText } from '../wire/address.ts';
import type { Facts, Recognition } from './facts.ts';
import { encryptedDns } from './encrypted-dns.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import type { Name } from './kinds.ts';
import { RECOGNISED } from './recognise.ts';
import type { Stream } from './stream.ts';

/** Reads the hello that the stream begins with; gives the offset from which bytes must be kept. */
export function readHello(facts: Facts, flow: Flow, stream: Stream, relays: RelayList): number {
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
  classify(facts, flow, outcome, relays);
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

function classify(facts: Facts, flow: Flow, hello: ClientHello, relays: RelayList): void {
  const { alpn, serverName } = hello;
  flow.offersAlpn = alpn.length > 0;
  const words = alpn.length === 0 ? [] : [`ALPN ${alpn.join(', ')}`];
  const dns = flow.kind === 'tls' || flow.kind === 'dot' ? encryptedDns(facts, serverName, alpn) : undefined;
  const tor = dns === undefined && flow.kind === 'tls' ? torOf(facts, hello, relays) : undefined;
  if (dns !== undefined) {
    // What is on DoT's own port stays DoT, whatever its name belongs to.
    if (flow.kind === 'tls') {
      flow.kind = dns.kind;
      flow.suspected = dns.suspected;
    }
    words.push(dns.why);
  } else if (tor !== undefined) {
    flow.kind = 'tor';
    flow.suspected = true;
    facts.findings = mergeFindings(facts.findings, { ...flow.recognised(tor) });
  }
  if (words.length === 0) return;
  const doubt = flow.suspected ? { suspected: true as const } : {};
  facts.findings = mergeFindings(facts.findings, {
    names: [],
    answers: [],
    detail: words.join('; '),
    ...doubt,
  });
}

function torOf(facts: Facts, hello: ClientHello, relays: RelayList): Recognition | undefined {
  const serverPort = facts.fromServer ? facts.sourcePort : facts.destinationPort;
  const server = facts.fromServer ? facts.source : facts.destination;
  const suspicion = torSuspicion({
    serverName: hello.serverName,
    offersAlpn: hello.alpn.length > 0,
    serverPort,
    listed: relays.size > 0 && isListedRelay(relays, addressText(facts.ipVersion, server), serverPort),
  });
  if (suspicion === undefined || suspicion.confidence < RECOGNISED) return undefined;
  return { protocol: 'tor', ...suspicion, server: facts.fromServer ? 'source' : 'destination' };
}
