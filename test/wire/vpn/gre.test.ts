// GRE headers by RFC 2784 section 2, RFC 2890 section 2 and RFC 2637 section 4.1.
import { describe, expect, it } from 'vitest';
import { grePacket } from '../../../src/wire/vpn/gre.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const plain = hex('0000 0800', '45*20');
const keyed = hex('b000 6558 abcd 0000 000000ff 00000001', '5a*14');
const pptp = hex('3081 880b 0004 0007 00000002 00000001 ff03 0021');
const read = (bytes: Uint8Array) => grePacket(bytes, 0, bytes.length);

describe('grePacket', () => {
  it('finds the payload behind whatever options stand in front', () => {
    expect(read(plain)).toEqual({
      version: 0,
      key: -1,
      sequenced: false,
      inner: { etherType: 0x0800, offset: 4, end: 24 },
    });
    expect(read(keyed)).toEqual({
      version: 0,
      key: 255,
      sequenced: true,
      inner: { etherType: 0x6558, offset: 16, end: 30 },
    });
    expect(read(hex('2000 86dd 00000009', '60*40'))).toMatchObject({ key: 9, inner: { offset: 8 } });
  });
  it('reads the version of PPTP by its own length', () => {
    expect(read(hex(pptp, '00*6'))).toEqual({
      version: 1,
      key: 7,
      sequenced: true,
      inner: { etherType: 0x880b, offset: 16, end: 20 },
    });
    expect(read(hex('2081 880b 0000 0007 00000001'))?.inner).toMatchObject({ offset: 12, end: 12 });
  });
  it.each([
    ['version 2', hex('0002 0800', '45*20')],
    ['source routes', hex('4000 0800', '45*20')],
    ['options beyond the end', hex('b000 0800 0000')],
    ['PPTP without a key', hex('1001 880b 0000 0007 00000001')],
    ['PPTP with another protocol', hex('2001 0800 0000 0007')],
    ['PPTP longer than the packet', pptp.slice(0, -1)],
    ['three octets', hex('0000 08')],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(grePacket, [plain, keyed, pptp]);
  });
});
