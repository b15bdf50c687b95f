// What a ClientHello says, whole, split over records and cut off. Follows RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 9849; the hello
// of node's own TLS client is the independent case.

import { connect } from 'node:tls';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { clientHello, ssl2ClientHello } from '../../../src/wire/tls/tls-client-hello.ts';
import {
  clientHelloInRecords,
  HelloRecords,
  isClientHelloStart,
  isTlsRecordStart,
} from '../../../src/wire/tls/tls-record.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];
const sized = (width: 1 | 2 | 3, data: readonly number[]): number[] => [
  ...[data.length >>> 16, (data.length >>> 8) & 255, data.length & 255].slice(3 - width),
  ...data,
];
const extension = (type: number, data: readonly number[]): number[] => [
  type >>> 8,
  type & 255,
  ...sized(2, data),
];
const serverName = (name: string): number[] => extension(0, sized(2, [0, ...sized(2, ascii(name))]));

function hello(extensions: readonly number[]): number[] {
  const body = [3, 3, ...new Array<number>(32).fill(7), 0];
  body.push(...sized(2, [0x13, 0x01, 0x13, 0x02]), 1, 0, ...sized(2, extensions));
  return [1, ...sized(3, body)];
}

const record = (data: readonly number[]): number[] => [22, 3, 1, ...sized(2, data)];
const bytesOf = (...parts: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());

const usual = hello([
  ...extension(0x0a0a, []),
  ...serverName('Bank.Example.'),
  ...extension(
    16,
    sized(2, [...sized(1, [0x1a, 0x1a]), ...sized(1, ascii('h2')), ...sized(1, ascii('http/1.1'))]),
  ),
  ...extension(43, sized(1, [0x2a, 0x2a, 3, 4, 3, 3])),
]);

const expected = {
  legacyVersion: 0x0303,
  versions: [0x0304, 0x0303],
  cipherSuites: [0x1301, 0x1302],
  serverName: 'bank.example',
  alpn: ['h2', 'http/1.1'],
  complete: true,
};

/** The first octets that node's TLS client writes: made by a library we did not write. */
async function nodeHello(servername: string): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const transport = new Duplex({
      read: () => undefined,
      write: (chunk: Uint8Array) => {
        resolve(Uint8Array.from(chunk));
      },
    });
    const socket = connect({ socket: transport, servername, ALPNProtocols: ['h2', 'dot'] });
    socket.on('error', () => socket.destroy());
  });
}

describe('clientHelloInRecords', () => {
  it('reads what node says', async () => {
    const bytes = await nodeHello('leak.example');
    expect(clientHelloInRecords(bytes, 0, bytes.length)).toMatchObject({
      serverName: 'leak.example',
      alpn: ['h2', 'dot'],
      complete: true,
    });
  });

  it('reads a hello in one record', () => {
    const bytes = bytesOf(record(usual), record([2]));
    expect(clientHelloInRecords(bytes, 0, bytes.length)).toEqual(expected);
  });

  test.each([1, 4, 5, 50, 90])('reads a hello whose first record has %i octets', (first) => {
    const bytes = bytesOf(
      record(usual.slice(0, first)),
      record(usual.slice(first, 95)),
      record(usual.slice(95)),
    );
    expect(clientHelloInRecords(bytes, 0, bytes.length)).toEqual(expected);
  });

  it('needs more at every cut and is sure only of the whole', () => {
    const bytes = bytesOf(record(usual.slice(0, 60)), record(usual.slice(60)));
    for (let end = 0; end < bytes.length; end += 1)
      expect(clientHelloInRecords(bytes, 0, end)).toBe('need-more');
    expect(clientHelloInRecords(bytes, 0, bytes.length)).toEqual(expected);
  });

  it('gives what it can of a hello that will not go on', () => {
    const bytes = bytesOf(record(usual));
    const cut = clientHelloInRecords(bytes, 0, bytes.length - 20, true);
    expect(cut).toMatchObject({ serverName: 'bank.example', complete: false });
  });

  test.each([
    ['nothing, at the end', [], true],
    ['application data', [23, 3, 3, 0, 5, 1, 2, 3, 4, 5], false],
    ['a ServerHello', record([2, 0, 0, 4, 3, 3, 0, 0]), false],
    ['SSH', ascii('SSH-2.0-x'), false],
    ['a data record inside', [...record(usual.slice(0, 60)), 23, 3, 3, 0, 1, 0], false],
    ['a length no record has', [22, 3, 1, 0xff, 0xff, 1], false],
    [
      'a session identifier too long',
      record([1, 0, 0, 40, 3, 3, ...new Array<number>(32).fill(0), 33, 1, 1, 1, 1, 1]),
      false,
    ],
  ])('%s is not TLS', (_, octets, final) => {
    const bytes = bytesOf(octets);
    expect(clientHelloInRecords(bytes, 0, bytes.length, final)).toBe('not-tls');
  });

  it('reads the SSL 2 form', () => {
    const body = [1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f, ...new Array<number>(16).fill(9)];
    const bytes = bytesOf([0x80, body.length], body);
    expect(clientHelloInRecords(bytes, 0, bytes.length)).toMatchObject({
      legacyVersion: 0x0301,
      complete: true,
    });
    expect(clientHelloInRecords(bytes, 0, 12)).toBe('need-more');
    expect(ssl2ClientHello(bytesOf([0x80, 0x20], body), 0, bytes.length)).toBeUndefined();
  });

  it('is bounded', () => {
    const split = bytesOf(record(usual.slice(0, 60)), record(usual.slice(60)));
    expectBounded(
      (bytes, start, end) => clientHelloInRecords(bytes, start, end),
      [bytesOf(record(usual)), split],
    );
    expectBounded((bytes, start, end) => clientHelloInRecords(bytes, start, end, true), [split]);
    expectBounded(clientHello, [bytesOf(usual)]);
    expectBounded(isClientHelloStart, [bytesOf(record(usual))]);
    expectBounded(isTlsRecordStart, [bytesOf(record(usual))]);
  });
});

describe('clientHello', () => {
  test.each([
    [0xfe0d, 'ech'],
    [0xffce, 'esni'],
  ])('extension %i hides the inner name', (type, encryptedHello) => {
    const bytes = bytesOf(hello([...serverName('outer.example'), ...extension(type, [0, 1, 2])]));
    expect(clientHello(bytes, 0, bytes.length)).toMatchObject({
      serverName: 'outer.example',
      encryptedHello,
    });
  });

  it('has no name without the extension, nor with an empty one', () => {
    for (const extensions of [[], extension(0, []), extension(0, sized(2, [0, 0, 0]))]) {
      const bytes = bytesOf(hello(extensions));
      const read = clientHello(bytes, 0, bytes.length);
      expect(read?.complete).toBe(true);
      expect(read?.serverName).toBeUndefined();
    }
  });
});

test('a hello in records of any size that comes in pieces says after each what it says when it is read at once', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 60, maxLength: 200 });
  const breaks = fc.option(fc.integer({ min: 0, max: 30 }), { freq: 8, nil: undefined });
  fc.assert(
    fc.property(sizes, sizes, breaks, (records, steps, broken) => {
      const pieces: number[] = [];
      let at = 0;
      for (const [n, size] of records.entries()) {
        if (at >= usual.length) break;
        const one = record(usual.slice(at, at + size));
        if (n === broken) one[0] = 23;
        pieces.push(...one);
        at += size;
      }
      const bytes = bytesOf([9, 9], pieces, [23, 3, 3]);
      const kept = new HelloRecords();
      let to = 2;
      for (const step of steps) {
        to = Math.min(bytes.length, to + step);
        for (const final of [false, true])
          expect(clientHelloInRecords(bytes, 2, to, final, kept)).toEqual(
            clientHelloInRecords(bytes, 2, to, final),
          );
      }
    }),
    { numRuns: 500 },
  );
});
