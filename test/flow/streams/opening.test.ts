// Which frames begin a connection. Holds src/flow/streams/opening.ts.

import { expect, it } from 'vitest';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { opensConnection } from '../../../src/flow/streams/opening.ts';

const NAME = { names: [{ name: 'news.example', via: 'quic' as const }], answers: [] };

it.each<[string, Partial<ParsedPacket>, boolean]>([
  ['the first segment of TCP', { protocol: 6, tcpFlags: 0x02 }, true],
  ['one with congestion flags', { protocol: 6, tcpFlags: 0xc2 }, true],
  ['the answer to it', { protocol: 6, tcpFlags: 0x12 }, false],
  ['a segment that shows a name', { protocol: 6, tcpFlags: 0x18, findings: NAME }, false],
  ['a datagram that shows a name', { protocol: 17, findings: NAME }, true],
  ['a datagram that shows none', { protocol: 17 }, false],
  ['a ping', { protocol: 1 }, false],
])('%s', (_what, fields, expected) => {
  expect(opensConnection(Object.assign(new ParsedPacket(), fields))).toBe(expected);
});
