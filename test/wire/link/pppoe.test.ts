// PPPoE frames by RFC 2516 sections 4 and 5.
import { describe, expect, it } from 'vitest';
import { pppoeFrame } from '../../../src/wire/link/pppoe.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const data = hex('11 00 0001 0004 0021 4500 0000');
const padi = hex('11 09 0000 0004 0101 0000');

describe('pppoeFrame', () => {
  it('reads session data without the padding behind it', () => {
    expect(pppoeFrame(data, 0, data.length)).toEqual({
      code: 0,
      session: 1,
      ppp: { protocol: 0x0021, compressed: false, inner: { etherType: 0x0800, offset: 8, end: 10 } },
    });
  });
  it('reads discovery', () => {
    expect(pppoeFrame(padi, 0, padi.length)).toEqual({ code: 9, session: 0, ppp: undefined });
  });
  it('refuses another version and a length beyond the end', () => {
    expect(pppoeFrame(data.slice().fill(0x21, 0, 1), 0, data.length)).toBeUndefined();
    expect(pppoeFrame(data, 0, 9)).toBeUndefined();
    expectBounded(pppoeFrame, [data, padi]);
  });
});
