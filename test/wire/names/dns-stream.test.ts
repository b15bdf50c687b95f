// Which TCP segments are whole questions for one name and nothing else. Holds src/wire/names/dns-stream.ts; dns-packet writes them.

import dnsPacket from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { cutQuestion, segmentQuestions, wholeQuestion } from '../../../src/wire/names/dns-stream.ts';
import { expectBounded } from '../bounded.ts';

type Option = { code: number; data: Buffer };
const question = (name: string, type: 'A' | 'AAAA' = 'A', options?: readonly Option[], flags = 256): Buffer =>
  dnsPacket.streamEncode({
    ...{ type: 'query', id: 7, flags, questions: [{ name, type }] },
    ...(options === undefined
      ? {}
      : { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1232, options: [...options] }] }),
  } as never);
const cookie = (bytes: number): Option => ({ code: 10, data: Buffer.alloc(bytes, 7) });
const read = (...parts: readonly Buffer[]): string | undefined => {
  const bytes = Uint8Array.from(Buffer.concat([Buffer.alloc(3), ...parts]));
  return wholeQuestion(bytes, 3, bytes.length);
};

describe('wholeQuestion', () => {
  it.each<[string, readonly Buffer[]]>([
    ['a question', [question('VPN.example')]],
    ['with EDNS', [question('vpn.example', 'A', [])]],
    ['with a cookie of the client', [question('vpn.example', 'A', [cookie(8)])]],
    ['with the cookies of both', [question('vpn.example', 'A', [cookie(24)])]],
    ['for both families', [question('vpn.example'), question('vpn.example', 'AAAA')]],
    ['for both families with EDNS', [question('vpn.example', 'A', []), question('vpn.example', 'AAAA', [])]],
  ])('is %s', (_case, parts) => {
    expect(read(...parts)).toBe('vpn.example');
  });

  it.each<[string, readonly Buffer[]]>([
    ['nothing', []],
    ['a question and another', [question('vpn.example'), question('bank.example')]],
    ['two questions of different forms', [question('vpn.example'), question('vpn.example', 'AAAA', [])]],
    [
      'two with cookies',
      [question('vpn.example', 'A', [cookie(8)]), question('vpn.example', 'A', [cookie(8)])],
    ],
    ['three', [question('vpn.example'), question('vpn.example'), question('vpn.example')]],
    ['with more behind it', [question('vpn.example'), Buffer.from([0])]],
    ['cut', [question('vpn.example').subarray(0, -1)]],
    ['with another length', [Buffer.from([0, 9]), question('vpn.example').subarray(2)]],
    ['an answer', [question('vpn.example', 'A', undefined, 0x8180)]],
    ['with an option of another length', [question('vpn.example', 'A', [cookie(9)])]],
  ])('is not %s', (_case, parts) => {
    expect(read(...parts)).toBeUndefined();
  });

  it('reads no byte beyond the segment, whatever it holds', () => {
    const seeds = [question('vpn.example', 'A', [cookie(8)]), question('vpn.example')];
    expectBounded(
      wholeQuestion,
      [...seeds, Buffer.concat([question('vpn.example'), question('vpn.example')])].map((one) =>
        Uint8Array.from(one),
      ),
    );
  });
});

const segment = (...parts: readonly Buffer[]): readonly (string | undefined)[] => {
  const bytes = Uint8Array.from(Buffer.concat([Buffer.alloc(3), ...parts]));
  return segmentQuestions(bytes, 3, bytes.length);
};

describe('segmentQuestions', () => {
  it.each<[string, readonly Buffer[], readonly (string | undefined)[]]>([
    ['one', [question('Shop.example')], ['shop.example']],
    ['one with whatever behind it', [question('shop.example', 'A', [cookie(40)])], ['shop.example']],
    ['one of a name that cannot be read', [unreadable()], [undefined]],
    ['two for one name', [question('a.example'), question('a.example', 'AAAA')], ['a.example', 'a.example']],
    ['two for names as long', [question('a.example'), question('b.example')], ['a.example', 'b.example']],
    ['two of unequal length', [question('a.example'), question('bb.example')], []],
    ['three', [question('a.example'), question('a.example'), question('a.example')], []],
    ['a length alone', [question('a.example').subarray(0, 2)], []],
    ['one without its length', [question('a.example').subarray(2)], []],
    ['an answer', [question('a.example', 'A', undefined, 0x8180)], []],
    ['nothing', [], []],
  ])('are %s', (_case, parts, names) => {
    expect(segment(...parts)).toEqual(names);
  });

  it('are none of a piece, wherever it is cut', () => {
    const whole = question('www.bank.example', 'A', []);
    for (let at = 1; at < whole.length; at += 1) {
      expect(segment(whole.subarray(0, at))).toEqual([]);
      expect(segment(whole.subarray(at))).toEqual([]);
    }
  });

  it('read no byte beyond the segment, whatever it holds', () => {
    const seeds = [
      question('a.example', 'A', [cookie(8)]),
      Buffer.concat([question('a.example'), question('b.example')]),
    ];
    expectBounded(
      segmentQuestions,
      seeds.map((one) => Uint8Array.from(one)),
    );
    expectBounded(
      cutQuestion,
      seeds.map((one) => Uint8Array.from(one)),
    );
  });
});

/** Its first label is longer than the message. */
function unreadable(): Buffer {
  const bytes = Buffer.from(question('a.example'));
  bytes[14] = 60;
  return bytes;
}

it('what a piece says of its name is told as far as it goes', () => {
  const whole = Uint8Array.from(question('Www.bank.example'));
  const said = Array.from({ length: whole.length + 1 }, (_, end) => cutQuestion(whole, 0, end));
  expect(said.slice(0, 16)).toEqual(new Array<undefined>(16).fill(undefined));
  expect(said.slice(16, 26)).toEqual([
    ...['w', 'ww', 'www', 'www', 'www.b', 'www.ba', 'www.ban', 'www.bank', 'www.bank', 'www.bank.e'],
  ]);
  expect(said.at(-1)).toBe('www.bank.example');
});
