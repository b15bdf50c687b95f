// Teredo packets by RFC 4380 section 5.1.1.
import { describe, expect, it } from 'vitest';
import { teredoPacket } from '../../../src/wire/vpn/teredo.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const bubble = hex('60000000 0000 3b 15 20010000', '5a*12', 'fe80', '00*14');
const foreign = hex('60000000 0000 3b 15 20010db8', '5a*12', '20010db8', '5a*12');
const origin = hex('0000 1234 fefdfcfb');
const auth = hex('0001 00 00 1122334455667788 00');
const read = (bytes: Uint8Array) => teredoPacket(bytes, 0, bytes.length);

describe('teredoPacket', () => {
  it('finds the packet behind both indications', () => {
    expect(read(bubble)).toMatchObject({ certain: true, inner: { etherType: 0x86dd, offset: 0, end: 40 } });
    expect(read(hex(origin, bubble))).toMatchObject({ origin: true, inner: { offset: 8 } });
    expect(read(hex(auth, origin, bubble))).toMatchObject({
      authentication: true,
      origin: true,
      inner: { offset: 21 },
    });
    expect(read(hex('0001 02 03', '5a*5', '00*9', bubble))?.inner.offset).toBe(18);
  });
  it('is not certain of IPv6 between other addresses', () => {
    expect(read(foreign)?.certain).toBe(false);
  });
  it('refuses IPv4 and a length that does not add up', () => {
    expect(read(bubble.slice().fill(0x45, 0, 1))).toBeUndefined();
    expect(read(hex(bubble, '00'))).toBeUndefined();
    expect(read(bubble.slice(0, 39))).toBeUndefined();
    expectBounded(teredoPacket, [bubble, hex(origin, bubble), hex(auth, origin, bubble)]);
  });
});
