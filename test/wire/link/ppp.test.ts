// PPP frames by RFC 1661 section 2 and RFC 1662 section 3.2.
import { describe, expect, it } from 'vitest';
import { pppFrame } from '../../../src/wire/link/ppp.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const read = (bytes: Uint8Array) => pppFrame(bytes, 0, bytes.length);

describe('pppFrame', () => {
  it.each([
    ['ff03 0021 45', 0x0021, 0x0800, 4],
    ['0021 45', 0x0021, 0x0800, 2],
    ['21 45', 0x0021, 0x0800, 1],
    ['ff03 57 60', 0x0057, 0x86dd, 3],
    ['c021 01', 0xc021, -1, 2],
  ])('reads %s', (text, protocol, etherType, offset) => {
    const bytes = hex(text);
    const inner = { etherType, offset, end: bytes.length };
    expect(read(bytes)).toEqual({ protocol, compressed: false, inner });
  });
  it('says when the payload is compressed or encrypted', () => {
    expect(read(hex('00fd 9012'))?.compressed).toBe(true);
  });
  it('refuses even protocol numbers and empty frames', () => {
    expect([read(hex('0020 45')), read(hex('ff03')), read(hex('')), read(hex('c0'))]).toEqual(
      new Array(4).fill(undefined),
    );
    expectBounded(pppFrame, [hex('ff03 0021 45'), hex('21 45')]);
  });
});
