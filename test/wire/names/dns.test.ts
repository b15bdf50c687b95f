// What DNS messages look like and what does not. Follows RFC 1035, RFC 6891, RFC 7766, RFC 9460; dns-packet writes the messages and judges
// what is read.

import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { dnsShape, dnsTcpMessages, isDnsResponse, readQuestions } from '../../../src/wire/names/dns.ts';
import { readAnswers, readRecordNames } from '../../../src/wire/names/dns-answers.ts';
import { expectBounded } from '../bounded.ts';

function questionsOf(bytes: Uint8Array, start = 0, end = bytes.length): { count: number; names: string[] } {
  const names: string[] = [];
  const count = readQuestions(bytes, start, end, (name, type) => names.push(`${name} ${type}`));
  return { count, names };
}

// Copied out of Buffer, whose slice() would share memory with the mutations of expectBounded.
const query = Uint8Array.from(
  dnsPacket.encode({
    type: 'query',
    id: 7,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: 'Host0.Leak.Example', type: 'AAAA' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  }),
);

const response = Uint8Array.from(
  dnsPacket.encode({
    type: 'response',
    id: 7,
    questions: [{ name: 'www.leak.example', type: 'A' }],
    answers: [
      { type: 'CNAME', name: 'www.leak.example', ttl: 60, data: 'edge.leak.example' },
      { type: 'A', name: 'edge.leak.example', ttl: 300, data: '198.51.100.9' },
      { type: 'AAAA', name: 'edge.leak.example', ttl: 300, data: '2001:db8::9' },
    ],
  }),
);

/** HTTPS record of RFC 9460 appendix D.2's kind: priority 1, target root, IPv4 and IPv6 hints. */
const serviceData = [
  [0, 1, 3, 0x66, 0x6f, 0x6f, 0],
  [0, 1, 0, 3, 2, 0x68, 0x32],
  [0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2],
  [0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
].flat();

function serviceResponse(type: number, data: readonly number[]): Uint8Array {
  const header = [0, 1, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0];
  return Uint8Array.from([...header, 1, 0x61, 0, 0, type, 0, 1, 0, 0, 0, 9, 0, data.length, ...data]);
}

describe('readQuestions', () => {
  it('gives names, lower case, and their types', () => {
    expect(questionsOf(query)).toEqual({ count: 1, names: ['host0.leak.example 28'] });
  });

  it('gives the question of a response, which the caller can tell', () => {
    expect(questionsOf(response).names).toEqual(['www.leak.example 1']);
    expect(isDnsResponse(response, 0, response.length)).toBe(true);
    expect(isDnsResponse(query, 0, query.length)).toBe(false);
  });

  it('emits what stands before a question cut off', () => {
    const two = dnsPacket.encode({
      type: 'query',
      questions: [
        { name: 'first.example', type: 'A' },
        { name: 'second.test', type: 'A' },
      ],
    });
    expect(questionsOf(two).count).toBe(2);
    expect(questionsOf(two, 0, two.length - 6)).toEqual({ count: -1, names: ['first.example 1'] });
  });

  it('reads at most 256 questions', () => {
    const question = [1, 0x61, 0, 0, 1, 0, 1];
    const flood = Uint8Array.from([
      0,
      1,
      1,
      0,
      4,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...Array.from({ length: 1024 }, () => question).flat(),
    ]);
    expect(questionsOf(flood).count).toBe(256);
    expect(dnsShape(flood, 0, flood.length)).toBe(0);
  });

  it('reads what dns-packet writes, whatever is asked', () => {
    const label = fc.stringMatching(/^[a-z0-9_-]{1,15}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    const type = fc.constantFrom('A', 'AAAA', 'TXT', 'MX', 'SRV', 'PTR') as fc.Arbitrary<'A'>;
    const question = fc.record({ name, type });
    fc.assert(
      fc.property(fc.array(question, { minLength: 1, maxLength: 4 }), fc.boolean(), (questions, asks) => {
        const bytes = dnsPacket.encode({ type: asks ? 'query' : 'response', questions });
        expect(questionsOf(bytes).names.map((line) => line.split(' ')[0])).toEqual(
          questions.map((q) => q.name),
        );
        expect(dnsShape(bytes, 0, bytes.length)).toBe(0.95);
      }),
    );
  });

  it('is bounded', () => {
    const seeds = [query, response];
    expectBounded(questionsOf, seeds);
    expectBounded(dnsShape, seeds);
    expectBounded(readAnswers, [...seeds, serviceResponse(65, serviceData)]);
    expectBounded(readRecordNames, seeds);
  });
});

describe('dnsShape', () => {
  it('knows a query and a response', () => {
    expect(dnsShape(query, 0, query.length)).toBe(0.95);
    expect(dnsShape(response, 0, response.length)).toBe(0.95);
  });

  it('doubts what is cut off or has octets left over', () => {
    expect(dnsShape(response, 0, response.length - 3)).toBe(0.6);
    expect(dnsShape(Uint8Array.from([...query, 0]), 0, query.length + 1)).toBe(0.6);
  });

  test.each([
    ['a header alone', [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['opcode 3', [0, 1, 0x18, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]],
    ['a query with a result code', [0, 1, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]],
    ['more records than octets', [0, 1, 1, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0, 1]],
    ['a STUN binding request', [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ['a WireGuard initiation', [1, 0, 0, 0, ...new Array<number>(144).fill(0x5a)]],
    ['an NTP request', [0x23, 0, 6, 0xec, ...new Array<number>(44).fill(0)]],
  ])('%s is none', (_, octets) => {
    expect(dnsShape(Uint8Array.from(octets), 0, octets.length)).toBe(0);
  });

  test.each([
    ['opcode 3', [0, 1, 0x18, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['opcode 7', [0, 1, 0x38, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['a result code', [0, 1, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0]],
    ['a record too many', [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 9]],
  ])('a query with %s has a question all the same', (_, header) => {
    const octets = Uint8Array.from([...header, 1, 0x78, 2, 0x69, 0x6f, 0, 0, 1, 0, 1]);
    expect(dnsShape(octets, 0, octets.length)).toBe(0.3);
    expect(questionsOf(octets).names).toEqual(['x.io 1']);
  });

  it('takes hardly any noise for DNS', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 300 }), (bytes) => {
        // By chance a header alone has all four counts small in about one of 2^32 payloads.
        const counts = [4, 6, 8, 10].map((at) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
        if (counts.some((count) => count > 256)) expect(dnsShape(bytes, 0, bytes.length)).toBe(0);
      }),
    );
  });
});

describe('readAnswers', () => {
  it('follows aliases to addresses', () => {
    expect(readAnswers(response, 0, response.length)).toEqual([
      { name: 'www.leak.example', type: 'CNAME', value: 'edge.leak.example', ttl: 60 },
      { name: 'edge.leak.example', type: 'A', value: '198.51.100.9', ttl: 300 },
      { name: 'edge.leak.example', type: 'AAAA', value: '2001:db8::9', ttl: 300 },
    ]);
    expect(readAnswers(query, 0, query.length)).toEqual([]);
  });

  it('gives those before a record cut off', () => {
    expect(readAnswers(response, 0, response.length - 1)).toHaveLength(2);
  });

  test.each([
    [65, 'HTTPS'],
    [64, 'SVCB'],
  ])('type %i has hints', (number, type) => {
    const bytes = serviceResponse(number, serviceData);
    const values = ['foo', '192.0.2.1', '192.0.2.2', '2001:db8::1'];
    expect(readAnswers(bytes, 0, bytes.length)).toEqual(
      values.map((value) => ({ name: 'a', type, value, ttl: 9 })),
    );
  });

  test.each([
    [2, 'NS', []],
    [6, 'SOA', []],
    [39, 'DNAME', []],
    [12, 'PTR', []],
    [15, 'MX', [0, 10]],
    [33, 'SRV', [0, 1, 0, 2, 0, 80]],
  ])('type %i leads to a name, compressed or not', (number, type, before) => {
    const foo = [3, 0x66, 0x6f, 0x6f];
    for (const [target, value] of [
      [[...foo, 0], 'foo'],
      [[...foo, 0xc0, 12], 'foo.a'],
    ] as const) {
      const bytes = serviceResponse(number, [...before, ...target]);
      expect(readAnswers(bytes, 0, bytes.length)).toEqual([{ name: 'a', type, value, ttl: 9 }]);
    }
    for (const nowhere of [[...before, 0], before.slice(0, -1), [...before, 3, 0x66]]) {
      const bytes = serviceResponse(number, nowhere);
      expect(readAnswers(bytes, 0, bytes.length)).toEqual([]);
    }
  });

  it('takes no pointer in the target of a service', () => {
    const bytes = serviceResponse(65, [0, 1, 0xc0, 12]);
    expect(readAnswers(bytes, 0, bytes.length)).toEqual([]);
  });

  it('names the owners of records', () => {
    const names = readRecordNames(response, 0, response.length).map(({ name }) => name);
    expect(names).toEqual(['www.leak.example', 'edge.leak.example']);
  });
});

describe('dnsTcpMessages', () => {
  it('gives every whole message and what remains', () => {
    const stream = Buffer.concat([
      dnsPacket.streamEncode({ type: 'query', questions: [{ name: 'a.example', type: 'A' }] }),
      dnsPacket.streamEncode({ type: 'query', questions: [{ name: 'b.example', type: 'A' }] }),
      Buffer.from([0, 40, 1]),
    ]);
    const names: string[] = [];
    const rest = dnsTcpMessages(stream, 0, stream.length, (start, end) => {
      readQuestions(stream, start, end, (name) => names.push(name));
    });
    expect(names).toEqual(['a.example', 'b.example']);
    expect(rest).toBe(stream.length - 3);
  });

  it('is bounded', () => {
    expectBounded(
      (bytes, start, end) => {
        const ranges: number[] = [];
        const rest = dnsTcpMessages(bytes, start, end, (from, to) => ranges.push(from - start, to - start));
        return [...ranges, rest - start];
      },
      [Uint8Array.from([0, 1, 9, 0, 2, 8, 8, 0])],
    );
  });
});
