// EAP over Ethernet, octet by octet (RFC 3748 sections 4 and 5.1). Holds src/flow/findings/eapol-findings.ts, by the dissector.

import { describe, expect, it } from 'vitest';

import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { Findings } from '../../../src/flow/parsed-packet.ts';
import { ethernet } from '../../policy/frames.ts';

const NAME = [...Buffer.from('anna@school.example')];
/** Version 2, EAP packet; then code, identifier, length and, of a request or response, its type. */
const eap = (code: number, body: number[]): number[] => [
  ...[2, 0, 0, body.length + 4],
  ...[code, 7, 0, body.length + 4, ...body],
];

function findingsOf(payload: number[], cut = 0): Findings {
  const bytes = ethernet(0x888e, payload, { to: '01:80:c2:00:00:03' });
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length - cut, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet.findings;
}

describe('eapolFindings', () => {
  it('reads the name that a client logs in with', () => {
    expect(findingsOf(eap(2, [1, ...NAME])).identity).toEqual({ account: 'anna@school.example' });
  });

  it.each<[string, number[]]>([
    ['a request for it', eap(1, [1, ...NAME])],
    ['another type of EAP', eap(2, [3, ...NAME])],
    ['an empty name', eap(2, [1])],
    ['MKA', [3, 5, 0, 4, 1, 2, 3, 4]],
    ['a start', [2, 1, 0, 0]],
  ])('reads none from %s', (_, payload) => {
    expect(findingsOf(payload).identity).toBeUndefined();
  });
});
