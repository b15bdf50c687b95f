// VXLAN headers by RFC 7348 section 5, with a group policy, and of the generic extension.
import { describe, expect, it } from 'vitest';
import { vxlanGpeInner, vxlanPacket } from '../../../src/wire/vpn/vxlan.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const packet = hex('08 000000 00002a 00', '5a*14');

describe('vxlanPacket', () => {
  it('reads the network and where the frame begins', () => {
    const inner = { etherType: 0x6558, offset: 8, end: 22 };
    expect(vxlanPacket(packet, 0, 22)).toEqual({ network: 42, inner });
  });
  it('reads a group policy as well', () => {
    expect(vxlanPacket(hex('88 480005 00002a 00', '5a*14'), 0, 22)?.network).toBe(42);
  });
  it('refuses other flags, reserved octets and a frame without room for a header', () => {
    for (const at of [0, 1, 3, 7]) {
      expect(vxlanPacket(packet.slice().fill(0x80, at, at + 1), 0, 22)).toBeUndefined();
    }
    for (const text of ['88 210005 00002a 00', '88 000005 00002a 01']) {
      expect(vxlanPacket(hex(text, '5a*14'), 0, 22)).toBeUndefined();
    }
    expect(vxlanPacket(packet, 0, 21)).toBeUndefined();
    expectBounded(vxlanPacket, [packet]);
  });
});

describe('vxlanGpeInner', () => {
  it.each([
    [1, 0x0800],
    [2, 0x86dd],
    [3, 0x6558],
  ])('next protocol %d is EtherType %d', (next, etherType) => {
    const bytes = hex('0c 0000', `0${next}`, '00002a 00', '45*20');
    expect(vxlanGpeInner(bytes, 0, bytes.length)).toEqual({ etherType, offset: 8, end: 28 });
  });
  it.each(['0c 010001 00002a 00', '4d ffff01 00002a ff', '8c 000001 00002a 00'])(
    'ignores what is reserved: %s',
    (text) => {
      const bytes = hex(text, '45*20');
      expect(vxlanGpeInner(bytes, 0, bytes.length)).toMatchObject({ offset: 8 });
    },
  );
  it('refuses what is none', () => {
    for (const text of [
      '3c 000001 00002a 00',
      '0c 000009 00002a 00',
      '08 000001 00002a 00',
      '0c 000001 00002a',
    ]) {
      const bytes = hex(text);
      expect(vxlanGpeInner(bytes, 0, bytes.length)).toBeUndefined();
    }
    expectBounded(
      (b, start, end) => vxlanGpeInner(b, start, end)?.etherType,
      [hex('0c 000001 00002a 00', '45*20')],
    );
  });
});
