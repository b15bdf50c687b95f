// Knows: the VXLAN header by RFC 7348 section 5. Must not know: the decoder.
import { describe, expect, it } from 'vitest';
import { vxlanPacket } from '../../src/wire/vxlan.ts';
import { expectBounded } from './bounded.ts';
import { hex } from './hex.ts';

const packet = hex('08 000000 00002a 00', '5a*14');

describe('vxlanPacket', () => {
  it('reads the network and where the frame begins', () => {
    const inner = { etherType: 0x6558, offset: 8, end: 22 };
    expect(vxlanPacket(packet, 0, 22)).toEqual({ network: 42, inner });
  });
  it('refuses other flags, reserved octets and a frame without room for a header', () => {
    for (const at of [0, 1, 3, 7]) {
      expect(vxlanPacket(packet.slice().fill(0x80, at, at + 1), 0, 22)).toBeUndefined();
    }
    expect(vxlanPacket(packet, 0, 21)).toBeUndefined();
    expectBounded(vxlanPacket, [packet]);
  });
});
