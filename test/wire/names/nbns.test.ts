// NetBIOS name service messages as captured machines send them. Follows RFC 1001 section 14.1, whose own example (FRED) is in the table.

import { describe, expect, it, test } from 'vitest';
import { isNetbiosShape, netbiosName, readNetbiosQuestions } from '../../../src/wire/names/nbns.ts';
import { expectBounded } from '../bounded.ts';

const ascii = (value: string): number[] => [...new TextEncoder().encode(value)];

function question(encoded: string, scope: readonly number[] = [], flags = 0x0110, type = 0x20): Uint8Array {
  const header = [0x12, 0x34, flags >>> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, 32, ...ascii(encoded), ...scope, 0, 0, type, 0, 1]);
}

/** First-level encoding, written the other way round than the decoder: over hexadecimal text. */
function encode(name: string, suffix: number, padding = ' '): string {
  const octets = [...ascii(name.padEnd(15, padding)), suffix];
  const hex = octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
  return hex.replace(/./g, (digit) => String.fromCharCode(0x41 + parseInt(digit, 16)));
}

function emitted(bytes: Uint8Array, start = 0, end = bytes.length): unknown[] {
  const found: unknown[] = [];
  found.push(readNetbiosQuestions(bytes, start, end, (...of) => found.push(of)));
  return found;
}

const FRED = 'EGFCEFEECACACACACACACACACACACACA';

describe('readNetbiosQuestions', () => {
  it('reads the example of RFC 1001 section 14.1', () => {
    expect(emitted(question(FRED, [7, ...ascii('NETBIOS'), 3, ...ascii('COM')]))).toEqual([
      ['fred.netbios.com', 0x20, 0x20],
      1,
    ]);
  });

  test.each([
    ['WORKGROUP', 0x1d, 'workgroup'],
    ['MARTIN ROSENAU', 3, 'martin rosenau'],
    ['SC.ARRANCAR.ORG', 0, 'sc.arrancar.org'],
  ])('%s<%i>', (name, suffix, read) => {
    expect(emitted(question(encode(name, suffix)))).toEqual([[read, 0x20, suffix], 1]);
  });

  it('reads the wildcard of a status query', () => {
    expect(emitted(question(encode('*', 0, '\0'), [], 0, 0x21))).toEqual([['*', 0x21, 0], 1]);
  });

  it('leaves out the constant that every browser registers', () => {
    expect(emitted(question(encode('\u0001\u0002__MSBROWSE__\u0002', 1)))).toEqual([0]);
  });

  it('says nothing about responses', () => {
    expect(emitted(question(FRED, [], 0x8500))).toEqual([0]);
  });

  it('refuses letters beyond P', () => {
    const bytes = question(FRED.replace('E', 'Q'));
    expect(emitted(bytes)).toEqual([-1]);
    expect(netbiosName(bytes, 0, bytes.length, 12)).toBeUndefined();
    expect(isNetbiosShape(bytes, 0, bytes.length)).toBe(false);
  });

  it('tells its form', () => {
    const bytes = question(FRED);
    expect(isNetbiosShape(bytes, 0, bytes.length)).toBe(true);
    expect(isNetbiosShape(bytes, 0, bytes.length - 1)).toBe(false);
    expect(isNetbiosShape(question(FRED, [], 0, 1), 0, bytes.length)).toBe(false);
  });

  it('is bounded', () => {
    expectBounded(emitted, [question(FRED)]);
    expectBounded(isNetbiosShape, [question(FRED)]);
  });
});
