// What SOCKS clients say first. Follows RFC 1928 sections 3 and 4 and the SOCKS 4 and 4a memoranda.

import { describe, expect, it, test } from 'vitest';
import { socks5GreetingLength, socks5Request, socksOpening } from '../../../src/wire/application/socks.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];
const opening = (octets: readonly number[]): unknown =>
  socksOpening(Uint8Array.from(octets), 0, octets.length);
const request = (octets: readonly number[]): unknown =>
  socks5Request(Uint8Array.from(octets), 0, octets.length);

const SOCKS4 = [4, 1, 0, 80, 192, 0, 2, 1, ...ascii('me'), 0];
const SOCKS4A = [4, 1, 1, 0xbb, 0, 0, 0, 1, 0, ...ascii('Leak.Example'), 0];
const SOCKS5_NAME = [5, 1, 0, 3, 12, ...ascii('leak.example'), 1, 0xbb];

describe('socksOpening', () => {
  it('reads SOCKS 4', () => {
    const expected = { version: 4, command: 'connect', host: '192.0.2.1', port: 80, named: false, end: 11 };
    expect(opening(SOCKS4)).toEqual(expected);
  });

  it('reads the name of SOCKS 4a', () => {
    expect(opening(SOCKS4A)).toMatchObject({ host: 'leak.example', port: 443, named: true });
  });

  it('knows the greeting of SOCKS 5', () => {
    expect(opening([5, 2, 0, 2])).toBe('greeting');
    expect(socks5GreetingLength(Uint8Array.of(5, 2, 0, 2, 5), 0, 5)).toBe(4);
  });

  test.each([SOCKS4, SOCKS4A, [5, 2, 0, 2]])('needs more at every cut', (...octets) => {
    for (let end = 0; end < octets.length; end += 1) expect(opening(octets.slice(0, end))).toBe('need-more');
  });

  test.each([
    [[4, 7, 0, 80]],
    [[5, 0]],
    [[5, 1, 0xff]],
    [[5, 1, 0x0b]],
    [ascii('GET /')],
    [[4, 1, 0, 80, 192, 0, 2, 1, ...new Array<number>(300).fill(65)]],
  ])('%j is none', (octets) => {
    expect(opening(octets)).toBe('not-socks');
  });
});

describe('socks5Request', () => {
  test.each([
    [[5, 1, 0, 1, 192, 0, 2, 1, 0, 80], { command: 'connect', host: '192.0.2.1', port: 80, named: false }],
    [SOCKS5_NAME, { command: 'connect', host: 'leak.example', port: 443, named: true }],
    [[5, 3, 0, 4, ...new Array<number>(15).fill(0), 1, 0, 53], { command: 'udp', host: '::1', port: 53 }],
  ])('%j', (octets, expected) => {
    expect(request(octets)).toMatchObject({ version: 5, end: octets.length, ...expected });
  });

  it('needs more at every cut', () => {
    for (let end = 0; end < SOCKS5_NAME.length; end += 1)
      expect(request(SOCKS5_NAME.slice(0, end))).toBe('need-more');
  });

  test.each([
    [[5, 4, 0, 1, 1]],
    [[5, 1, 1, 1, 1]],
    [[5, 1, 0, 2, 1]],
    [[5, 1, 0, 3, 0, 0, 0]],
    [[4, 1, 0, 1, 1]],
  ])('%j is none', (octets) => {
    expect(request(octets)).toBe('not-socks');
  });
});

it('is bounded', () => {
  const relative = (outcome: ReturnType<typeof socksOpening>, start: number): unknown =>
    typeof outcome === 'string' ? outcome : { ...outcome, end: outcome.end - start };
  const seeds = [SOCKS4, SOCKS4A, SOCKS5_NAME].map((octets) => Uint8Array.from(octets));
  expectBounded((bytes, start, end) => relative(socksOpening(bytes, start, end), start), seeds);
  expectBounded((bytes, start, end) => relative(socks5Request(bytes, start, end), start), seeds);
});
