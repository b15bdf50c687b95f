// Knows: what a TCP stream says, by its first bytes and then by its protocol. Must not know: segments, policy, I/O.
// Follows RFC 7766 (DNS), RFC 8446 (TLS), RFC 9112 (HTTP), RFC 4253 (SSH).

import { dnsTcpMessages } from '../wire/dns.ts';
import type { Facts } from './facts.ts';
import { mergeFindings } from './findings.ts';
import type { Flow } from './flow-table.ts';
import { DNS_ON_ITS_PORT, dnsFindings } from './name-readers.ts';
import type { Stream } from './stream.ts';

/** Reads what the stream shows; gives the offset from which bytes must be kept for the next time. */
export function sniffTcp(facts: Facts, flow: Flow, stream: Stream): number {
  if (facts.kind === 'dns') return readDns(facts, flow, stream);
  flow.done = true;
  return stream.end;
}

function readDns(facts: Facts, flow: Flow, stream: Stream): number {
  return dnsTcpMessages(stream.bytes, stream.start, stream.end, (start, end) => {
    const findings = dnsFindings(stream.bytes, start, end, 'dns', DNS_ON_ITS_PORT);
    if (findings === undefined) return;
    facts.findings = mergeFindings(facts.findings, findings);
    flow.name = findings.names[0]?.name ?? flow.name;
  });
}
