// What the messages of an SCTP packet reveal (RFC 9260): DNS on its port, and HTTP and TLS (RFC 3436) as they would be over TCP. Of a
// fragmented message only the first fragment is read.

import { httpRequest, requestAt } from '../../wire/application/http1.ts';
import { sctpMessages, sctpPorts } from '../../wire/ip/sctp.ts';
import { clientHelloInRecords } from '../../wire/tls/tls-record.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { mergeFindings } from '../findings/findings.ts';
import type { Name } from '../kinds.ts';
import { DNS_ON_ITS_PORT, dnsFindings } from '../findings/name-readers.ts';
import { hostsOf } from '../streams/tcp-http.ts';

const DNS_PORT = 53;

/**
 * Adds the findings from the SCTP packet (RFC 9260) in `bytes[start, end)` to `packet.findings`; the kind stays. Nothing is added if it is
 * malformed or names nothing. Never throws.
 */
export function readSctp(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket): void {
  const ports = sctpPorts(bytes, start, end);
  if (ports === undefined) return;
  const isDns = ports.source === DNS_PORT || ports.destination === DNS_PORT;
  sctpMessages(bytes, start, end, (from, to) => {
    const dns = isDns ? dnsFindings(bytes, from, to, 'dns', DNS_ON_ITS_PORT) : undefined;
    if (dns !== undefined) packet.findings = mergeFindings(packet.findings, dns);
    const names = isDns ? [] : namesOf(bytes, from, to);
    if (names.length > 0) packet.findings = mergeFindings(packet.findings, { names, answers: [] });
  });
}

function namesOf(bytes: Uint8Array, start: number, end: number): Name[] {
  const hello = clientHelloInRecords(bytes, start, end, true);
  if (typeof hello !== 'string')
    return hello.serverName === undefined ? [] : [{ name: hello.serverName, via: 'sni' }];
  const at = requestAt(bytes, start, end);
  const request = at < 0 ? undefined : httpRequest(bytes, at, end, true);
  if (request === undefined || typeof request === 'string') return [];
  return [
    ...hostsOf(request),
    ...request.otherHosts.map((name): Name => ({ name, via: 'http' })),
    ...request.pages.map((name): Name => ({ name, via: 'referer' })),
  ];
}
