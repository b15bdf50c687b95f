// The Geneve header by RFC 8926 section 3.4.

import { describe, expect, it, test } from 'vitest';
import { geneveInner } from '../../../src/wire/vpn/geneve.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

describe('geneveInner', () => {
  test.each([
    ['a frame', hex('00 00 6558 00002a 00', '5a*14'), { etherType: 0x6558, offset: 8, end: 22 }],
    [
      'IPv4 behind options',
      hex('02 40 0800 00002a 00', '00*8', '45*20'),
      { etherType: 0x0800, offset: 16, end: 36 },
    ],
  ])('finds %s', (_, bytes, inner) => {
    expect(geneveInner(bytes, 0, bytes.length)).toEqual(inner);
  });
  test.each([
    ['version 1', hex('40 00 6558 00002a 00', '5a*14')],
    ['options past the end', hex('3f 00 6558 00002a 00', '5a*14')],
    ['seven octets', hex('00 00 6558 00002a')],
  ])('refuses %s', (_, bytes) => {
    expect(geneveInner(bytes, 0, bytes.length)).toBeUndefined();
  });
  it.each(Array.from({ length: 64 }, (_, bits) => bits))(
    'ignores what is reserved, as receivers have to: %d',
    (bits) => {
      const bytes = hex('00 00 6558 00002a 00', '5a*14');
      bytes[1] = bits;
      bytes[7] = (bits * 37) & 255;
      expect(geneveInner(bytes, 0, bytes.length)).toMatchObject({ offset: 8 });
    },
  );
  it('is bounded', () => {
    expectBounded(
      (b, start, end) => geneveInner(b, start, end)?.etherType,
      [hex('02 40 0800 00002a 00', '00*8')],
    );
  });
});
