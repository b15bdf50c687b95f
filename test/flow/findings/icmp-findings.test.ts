// One ICMP redirect, octet by octet (RFC 792). Holds src/flow/findings/icmp-findings.ts.

import { describe, expect, it } from 'vitest';

import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { redirectFindings } from '../../../src/flow/findings/icmp-findings.ts';
import { ipv4Words, parseIpv4 } from '../../../src/wire/ip/address.ts';

/** Type 5, code 1, gateway 192.168.1.66; then the header of a datagram from 192.168.1.50 to 198.51.100.7. */
const REDIRECT = Buffer.from(
  '0501 0000 c0a80142 4500 0028 0000 0000 4011 0000 c0a80132 c6336407 9c40 ca6c 0014 0000'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

function factsOf(length: number): ParsedPacket {
  const packet = new ParsedPacket();
  Object.assign(packet, { ipVersion: 4, icmpType: 5, upperOffset: 0, payloadEnd: length });
  packet.source.set(ipv4Words(parseIpv4('192.168.1.1') ?? 0));
  return packet;
}

describe('redirectFindings', () => {
  it('reads who redirects, what, and where to', () => {
    expect(redirectFindings(REDIRECT, factsOf(REDIRECT.length))?.offer).toEqual({
      server: '192.168.1.1',
      routes: ['198.51.100.7/32 via 192.168.1.66'],
    });
  });

  it('gives nothing for one that is cut off, or for another message', () => {
    expect(redirectFindings(REDIRECT, factsOf(27))).toBeUndefined();
    expect(redirectFindings(REDIRECT, Object.assign(factsOf(36), { icmpType: 3 }))).toBeUndefined();
  });
});
