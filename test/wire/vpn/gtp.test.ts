// GTP-U headers by hand. Follows 3GPP TS 29.281 section 5.1.

import { expect, test } from 'vitest';
import { gtpInner } from '../../../src/wire/vpn/gtp.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const IP = hex('45 00 00 14 00*16');
const PLAIN = hex('30 ff 00 14 00 00 00 01', IP);
const EXTENDED = hex('34 ff 00 20 00 00 00 01', '00 00 00 85', '01 00 00 85 01 00 00 00', IP);

test('the packet behind the header, with and without extension headers', () => {
  expect(gtpInner(PLAIN, 0, PLAIN.length)).toEqual({ etherType: 0x0800, offset: 8, end: 28 });
  expect(gtpInner(EXTENDED, 0, EXTENDED.length)).toEqual({ etherType: 0x0800, offset: 20, end: 40 });
});

test('other messages, other versions and lengths beyond the datagram are none', () => {
  expect(gtpInner(hex('30 01 00 14 00*4', IP), 0, 28)).toBeUndefined();
  expect(gtpInner(hex('48 ff 00 14 00*4', IP), 0, 28)).toBeUndefined();
  expect(gtpInner(PLAIN, 0, PLAIN.length - 1)).toBeUndefined();
  expect(gtpInner(hex('34 ff 00 20 00*4', '00 00 00 85', '00*8', IP), 0, 40)).toBeUndefined();
});

test('nothing outside is read', () => {
  expectBounded((bytes, start, end) => gtpInner(bytes, start, end) !== undefined, [PLAIN, EXTENDED]);
});
