// What is told of a DNS message that a library reads whole.

import dnsPacket from 'dns-packet';
import { describe, expect, it } from 'vitest';

import { MAX_ENTRIES, MAX_FIELD_LENGTH, readDnsWhole } from '../../../src/flow/reading/dns-whole.ts';

const bytesOf = (packet: dnsPacket.Packet): Uint8Array => Uint8Array.from(dnsPacket.encode(packet));
const header = (questions: number, records: number): readonly number[] => [
  ...[0x12, 0x34, 0x81, 0x80, 0, questions, records >> 8, records & 255, 0, 0, 0, 0],
];

describe('a whole message', () => {
  it('is told with its header and every record', () => {
    const flags = dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE;
    const edns = { udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0x8000, flag_do: true };
    const told = readDnsWhole(
      bytesOf({
        ...{ type: 'response', id: 0x1a2b, flags },
        questions: [{ type: 'A', name: 'bank.example' }],
        answers: [
          { type: 'CNAME', name: 'bank.example', ttl: 60, data: 'www.bank.example' },
          { type: 'A', name: 'www.bank.example', ttl: 5, data: '192.0.2.1' },
          { type: 'TXT', name: 'bank.example', ttl: 5, data: ['v=1', Buffer.from([0, 255])] },
          { type: 'MX', name: 'bank.example', ttl: 5, data: { preference: 10, exchange: 'mx.example' } },
        ],
        additionals: [{ type: 'OPT', name: '.', ...edns, options: [] }],
      }),
      false,
    );
    expect(told).toMatchObject({
      state: 'whole',
      head: 'response, opcode QUERY, NOERROR, ID 0x1a2b, rd, ra',
      more: 0,
      behind: 0,
    });
    expect(
      told.entries.map(({ section, name, type, rest }) => [section, name, type, rest].join(' ')),
    ).toEqual([
      'question bank.example A IN',
      'answer bank.example CNAME 60 IN www.bank.example',
      'answer www.bank.example A 5 IN 192.0.2.1',
      'answer bank.example TXT 5 IN "v=1" 0x00ff',
      'answer bank.example MX 5 IN preference 10 exchange mx.example',
      'additional . OPT UDP 1232, EDNS 0, DO',
    ]);
  });

  it('has a type and class for which the library has no name, and a blank that is part of a name', () => {
    const message = Uint8Array.from([...header(1, 0), 3, 0x61, 0x20, 0x62, 0, 0, 65, 0, 9]);
    expect(readDnsWhole(message, false).entries).toEqual([
      { section: 'question', name: 'a\\032b', type: 'HTTPS', rest: 'CLASS9' },
    ]);
    message.set([0xff, 0x10], 17);
    expect(readDnsWhole(message, false).entries[0]?.type).toBe('TYPE65296');
  });

  it('says what stands behind it', () => {
    const query = bytesOf({ type: 'query', questions: [{ type: 'A', name: 'a' }] });
    expect(readDnsWhole(Uint8Array.from([...query, 1, 2, 3]), false).behind).toBe(3);
  });
});

describe('a message that is none', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['nothing', []],
    ['half a header', [0, 1, 1, 0, 0, 1]],
    ['more questions than bytes', [...header(255, 0), 0, 0, 1, 0, 1]],
    ['a pointer to itself', [...header(1, 0), 0xc0, 12, 0, 1, 0, 1]],
    ['a label that leads out', [...header(1, 0), 60, 0x61, 0, 1, 0, 1]],
    ['text that leads out', [...header(0, 1), 0, 0, 13, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['a key of another protocol', [...header(0, 1), 0, 0, 48, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 9, 9]],
  ];

  it.each(cases)('is malformed: %s', (_, bytes) => {
    const told = readDnsWhole(Uint8Array.from(bytes), false);
    expect(told).toEqual({ state: 'malformed', head: '', entries: [], more: 0, behind: 0 });
    expect(readDnsWhole(Uint8Array.from(bytes), true).state).toBe('cut');
  });

  it('keeps nobody busy, and does not grow', () => {
    // As many records as nine thousand bytes hold, each with a name as long as they come.
    const name = [...Array.from({ length: 126 }, () => [1, 0x61]).flat(), 0];
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1];
    const records = Array.from({ length: 550 }, () => record).flat();
    const bytes = Uint8Array.from([...header(1, 550), ...name, 0, 1, 0, 1, ...records]);
    const begun = performance.now();
    const { state, entries, more } = readDnsWhole(bytes, false);
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect([state, entries.length, more]).toEqual(['whole', MAX_ENTRIES, 551 - MAX_ENTRIES]);
    for (const { name, rest } of entries)
      expect(Math.max(name.length, rest.length)).toBeLessThanOrEqual(MAX_FIELD_LENGTH + 1);
  });
});
