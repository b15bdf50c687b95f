// Label stacks by RFC 3032 section 2.1, control words by RFC 4385 section 3.
import { describe, expect, it } from 'vitest';
import { mplsStack } from '../../../src/wire/link/mpls.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const two = hex('00010040 000201ff', '45', '00*19');
const wire = hex('000201ff 00000000', '02*12', '0800');
const read = (bytes: Uint8Array) => mplsStack(bytes, 0, bytes.length);

describe('mplsStack', () => {
  it('counts labels and finds IP behind them', () => {
    expect(read(two)).toEqual({
      labels: 2,
      bottom: 0x20,
      inner: { etherType: 0x0800, offset: 8, end: 28 },
    });
    expect(read(hex('000201ff 60', '00*39'))?.inner?.etherType).toBe(0x86dd);
  });
  it('finds an Ethernet frame behind a control word or without one', () => {
    const bare = hex('000201ff', '02*12', '86dd', '60*9');
    expect(read(bare)?.inner).toMatchObject({ etherType: 0x6558, offset: 4 });
    expect(read(hex('000201ff', '02*12', '1234'))?.inner).toBeUndefined();
    expect(read(wire)?.inner).toEqual({ etherType: 0x6558, offset: 8, end: 22 });
    expect(read(hex('000201ff', '90*30'))).toMatchObject({ labels: 1, inner: undefined });
  });
  it('refuses a stack without bottom', () => {
    expect(read(hex('00010040 00010040'))).toBeUndefined();
    expect(read(hex('00010040*17 000201ff'))).toBeUndefined();
    expectBounded(mplsStack, [two, wire]);
  });
});
