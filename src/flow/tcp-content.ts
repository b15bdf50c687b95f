// Knows: what a TCP stream says, by its first octets and then by its protocol. Must not know: segments, policy, I/O.
// Follows RFC 7766 (DNS), RFC 8446 (TLS), RFC 9112 (HTTP), RFC 4253 (SSH), RFC 2637 (PPTP), RFC 1928 (SOCKS).

import { dnsShape, dnsTcpMessages } from '../wire/dns.ts';
import { isHttpRequestStart, isHttpResponseStart } from '../wire/http1.ts';
import { u16 } from '../wire/octets.ts';
import { pptpControl } from '../wire/pptp.ts';
import type { RelayList } from '../wire/tor.ts';
import { isClientHelloStart, isTlsRecordStart } from '../wire/tls-record.ts';
import type { Facts } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import type { Kind } from './kinds.ts';
import { DNS_ELSEWHERE, DNS_ON_ITS_PORT, dnsFindings } from './name-readers.ts';
import { RECOGNISED, recogniseTcp } from './recognise.ts';
import type { Stream } from './stream.ts';
import { readHttp } from './tcp-http.ts';
import { opensSocks, readSocksRequest } from './tcp-socks.ts';
import { readHello } from './tcp-tls.ts';

/** Reads what the stream shows; gives the offset from which bytes must be kept for the next time. */
export function readContent(
  facts: Facts,
  flow: Flow,
  stream: Stream,
  fromClient: boolean,
  relays: RelayList,
): number {
  const { bytes, start, end } = stream;
  if (isClientHelloStart(bytes, start, end)) return readHello(facts, flow, stream, relays);
  if (isHttpRequestStart(bytes, start, end)) return readHttp(facts, flow, stream);
  if (speaksDns(facts, flow, stream)) return readDns(facts, flow, stream);
  if (flow.kind === undefined) settle(facts, flow, stream, fromClient);
  else if (flow.kind === 'socks' && fromClient) readSocksRequest(facts, flow, stream);
  return end;
}

function settle(facts: Facts, flow: Flow, stream: Stream, fromClient: boolean): void {
  const { bytes, start, end } = stream;
  const recognition = recogniseTcp(bytes, start, end, fromClient ? 'client' : 'server');
  if (recognition !== undefined && recognition.confidence >= RECOGNISED) {
    facts.findings = flow.recognised(recognition);
    flow.kind = kindOfProtocol(recognition.protocol);
    // A proxy's or SSH's inside is its own; SSTP begins with a request line and goes on as a tunnel.
    flow.done = flow.kind !== undefined;
  } else if (pptpControl(bytes, start, end) !== undefined) {
    flow.kind = 'pptp';
    flow.done = true;
  } else if (isTlsRecordStart(bytes, start, end)) {
    flow.kind = facts.kind === 'dot' ? 'dot' : 'tls';
  } else if (isHttpResponseStart(bytes, start, end)) {
    flow.kind = 'http';
  } else if (stream.first && fromClient && opensSocks(facts, flow, stream)) {
    flow.suspected = true;
  } else if (stream.first && fromClient && NEEDS_CONTENT.has(facts.kind)) {
    // The client has spoken first, from the beginning, and not what its port says.
    flow.kind = 'tcp';
  }
}

const NEEDS_CONTENT: ReadonlySet<Kind> = new Set<Kind>(['tls', 'http', 'dot', 'pptp']);

function kindOfProtocol(protocol: string): Kind | undefined {
  return protocol === 'ssh' || protocol === 'openvpn' || protocol === 'ipsec' ? protocol : undefined;
}

/** On its own port anything is taken for DNS; elsewhere one whole message, parsed to its last octet, has to say so. */
function speaksDns(facts: Facts, flow: Flow, { bytes, start, end }: Stream): boolean {
  if (flow.kind !== undefined) return flow.kind === 'dns';
  if (facts.kind === 'dns') return true;
  if (end - start < 19 || u16(bytes, start) !== end - start - 2) return false;
  if (dnsShape(bytes, start + 2, end) < DNS_ELSEWHERE) return false;
  flow.kind = 'dns';
  flow.suspected = true;
  return true;
}

function readDns(facts: Facts, flow: Flow, stream: Stream): number {
  return dnsTcpMessages(stream.bytes, stream.start, stream.end, (start, end) => {
    const findings = dnsFindings(stream.bytes, start, end, 'dns', DNS_ON_ITS_PORT);
    if (findings === undefined) return;
    facts.findings = mergeFindings(
      facts.findings,
      flow.suspected ? { ...findings, suspected: true } : findings,
    );
    flow.name = findings.names[0]?.name ?? flow.name;
  });
}
