// How long ERSPAN's headers are, by draft-foschiano-erspan sections 4.1 to 4.3.

import { expect, it, test } from 'vitest';
import { ERSPAN, ERSPAN_III, erspanInner } from '../../../src/wire/vpn/erspan.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const third = (last: string): Uint8Array => hex('2000 0000 00000000 0000 00', last, '5a*20');

test.each([
  ['type I has no header', ERSPAN, false, hex('5a*20'), 0],
  ['type II has eight octets', ERSPAN, true, hex('1000000000000000', '5a*20'), 8],
  ['type III has twelve', ERSPAN_III, true, third('00'), 12],
  ['type III with its sub-header has twenty', ERSPAN_III, true, third('01'), 20],
])('%s', (_, etherType, sequenced, bytes, offset) => {
  const end = bytes.length;
  expect(erspanInner(bytes, { etherType, offset: 0, end }, sequenced)).toEqual({
    etherType: 0x6558,
    offset,
    end,
  });
});

it('refuses what is shorter', () => {
  const inner = { etherType: ERSPAN, offset: 0, end: 7 };
  expect(erspanInner(new Uint8Array(7), inner, true)).toBeUndefined();
  expectBounded(
    (bytes, offset, end) => erspanInner(bytes, { etherType: ERSPAN_III, offset, end }, true)?.etherType,
    [third('01')],
  );
});
