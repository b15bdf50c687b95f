// The encodings in which people's configurations come. Holds src/policy/import/text-encoding.ts to Unicode.

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { decodedText } from '../../../src/policy/import/text-encoding.ts';

const TEXT =
  '[Interface]\r\nAddress = 10.2.0.2/32\r\n\r\n[Peer]\r\nEndpoint = 198.51.100.7:51820\r\n# Ende\r\n';

function encoded(text: string, width: 1 | 2 | 4, little: boolean): Uint8Array {
  if (width === 1) return Buffer.from(text, 'utf8');
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  return Uint8Array.from(
    codes.flatMap((code) => {
      const bytes = Array.from({ length: width }, (_, at) => (code >>> (8 * at)) & 255);
      return little ? bytes : bytes.reverse();
    }),
  );
}

const WAYS = ([1, 2, 4] as const).flatMap((width) =>
  [true, false].flatMap((little) => ['', '\ufeff'].map((mark) => ({ width, little, mark }))),
);

describe.each(WAYS)('%o', ({ width, little, mark }) => {
  it.each(['\r\n', '\n', '\r'])('is read, whatever ends its lines: %j', (end) => {
    const bytes = encoded(mark + TEXT.replaceAll('\r\n', end), width, little);
    expect(decodedText(bytes)).toBe(TEXT.replaceAll('\r\n', end));
    expect(importConfig(bytes)?.tunnels[0]?.endpoints.map(formatEndpoint)).toEqual([
      'udp:198.51.100.7:51820',
    ]);
  });

  it('is read from the middle of a larger buffer', () => {
    const bytes = encoded(mark + TEXT, width, little);
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect(decodedText(larger.subarray(3, 3 + bytes.length))).toBe(TEXT);
  });
});

it('letters beyond ASCII stay: UTF-8, UTF-16 with pairs, UTF-32, and what is none of them byte by byte', () => {
  expect(decodedText(Buffer.from('# Müller 🔑\n[Peer]'))).toBe('# Müller 🔑\n[Peer]');
  expect(decodedText(Buffer.from('\ufeff# Müller 🔑\n', 'utf16le'))).toBe('# Müller 🔑\n');
  expect(decodedText(encoded('\ufeff# 🔑\n', 4, true))).toBe('# 🔑\n');
  expect(decodedText(Buffer.from('# M\u00fcller\n', 'latin1'))).toBe('# Müller\n');
});

it('nothing comes of nothing', () => {
  for (const bytes of [
    [],
    [0],
    [0xff],
    [0xff, 0xfe],
    [0, 0, 0xfe, 0xff],
    [0xef, 0xbb, 0xbf],
    [0, 0, 0, 0],
    [0xff, 0xfe, 1],
  ])
    expect(() => importConfig(Uint8Array.from(bytes))).not.toThrow();
});
