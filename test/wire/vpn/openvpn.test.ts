// OpenVPN control packets written from draft-bernardv-openvpn and the layouts of tls-auth, tls-crypt and tls-crypt-v2.
import { describe, expect, it } from 'vitest';
import { isReset, openvpnControl, openvpnOpcode, openvpnOverTcp } from '../../../src/wire/vpn/openvpn.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const CLIENT = '11 22 33 44 55 66 77 88';
const SERVER = 'a1 a2 a3 a4 a5 a6 a7 a8';
const TIME = '63 cf 4f f5';

const plainReset = hex('38', CLIENT, '00', '00*4');
const plainAnswer = hex('40', SERVER, '01 00000000', CLIENT, '00*4');
const authReset = (hmac: number) => hex('38', CLIENT, `9c*${hmac}`, '00000001', TIME, '00', '00*4');
const cryptReset = hex('38', CLIENT, '00000001', TIME, 'd7*32', 'e3*5');
const cryptAnswer = hex('40', SERVER, '00000001', TIME, 'd7*32', 'e3*17');
const wrappedKey = hex('c5*297 012b');
const cryptV2Reset = hex('50', CLIENT, '0f000001', TIME, 'd7*32', 'e3*5', wrappedKey);
const ack = hex('28', CLIENT, '01 00000003', SERVER);
const control = hex('20', CLIENT, '00 00000001 16 03 01 00 05 01 00 00 01 00');

const read = (bytes: Uint8Array) => openvpnControl(bytes, 0, bytes.length);

describe('openvpnOpcode', () => {
  it('knows opcodes 1 to 11, and resets with key 0 only', () => {
    expect(openvpnOpcode(0x38)).toEqual({ opcode: 7, keyId: 0 });
    expect(openvpnOpcode(0x22)).toEqual({ opcode: 4, keyId: 2 });
    expect([0x00, 0x07, 0x39, 0x41, 0x60, 0xff].map((octet) => openvpnOpcode(octet))).toEqual(
      new Array(6).fill(undefined),
    );
    expect([1, 2, 7, 8, 10].every((opcode) => isReset(opcode))).toBe(true);
    expect(isReset(4)).toBe(false);
  });
});

describe('openvpnControl', () => {
  it('reads a plain reset and its answer', () => {
    expect(read(plainReset)).toEqual({
      opcode: 7,
      keyId: 0,
      wrapping: 'plain',
      session: '1122334455667788',
      remoteSession: undefined,
      tls: false,
    });
    expect(read(plainAnswer)).toMatchObject({
      opcode: 8,
      session: 'a1a2a3a4a5a6a7a8',
      remoteSession: '1122334455667788',
    });
  });

  it.each([16, 20, 28, 32, 48, 64])('reads tls-auth with an HMAC of %i octets', (hmac) => {
    expect(read(authReset(hmac))).toMatchObject({ opcode: 7, wrapping: 'tls-auth' });
  });

  it('reads tls-crypt and tls-crypt-v2', () => {
    expect(read(cryptReset)?.wrapping).toBe('tls-crypt');
    expect(read(cryptAnswer)).toMatchObject({ opcode: 8, wrapping: 'tls-crypt' });
    expect(read(cryptV2Reset)).toMatchObject({ opcode: 10, wrapping: 'tls-crypt-v2' });
  });

  it('reads acknowledgements and TLS records', () => {
    expect(read(ack)).toMatchObject({ opcode: 5, remoteSession: 'a1a2a3a4a5a6a7a8', tls: false });
    expect(read(control)).toMatchObject({ opcode: 4, tls: true });
  });

  it.each([
    ['an empty session id', plainReset.slice().fill(0, 1, 9)],
    ['an octet too many', hex(plainReset, '00')],
    ['an octet too few', plainReset.slice(0, 13)],
    ['a reset that is not packet 0', hex('38', CLIENT, '00 00000005')],
    ['a client that acknowledges before it began', hex('38', CLIENT, '01 00000000', SERVER, '00000000')],
    ['an HMAC of no known length', authReset(21)],
    ['a time before 2001', hex('38', CLIENT, '9c*20 00000001 00000001 00 00000000')],
    ['tls-crypt of another length', hex(cryptReset, 'e3')],
    ['a wrapped key that is as long as it does not say', hex(cryptV2Reset.slice(0, -1), '2c')],
    ['data', hex('48 00 00 01', '5a*80')],
    ['nine acknowledgements', hex('28', CLIENT, '09', '00*36', SERVER)],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });

  it('is bounded', () => {
    expectBounded(openvpnControl, [
      plainReset,
      plainAnswer,
      authReset(20),
      cryptReset,
      cryptV2Reset,
      ack,
      control,
    ]);
  });
});

describe('openvpnOverTcp', () => {
  const framed = (packet: Uint8Array) => hex([packet.length >> 8, packet.length & 255], packet);
  it('reads behind the length, also with more packets behind', () => {
    const bytes = hex(framed(plainReset), framed(control));
    expect(openvpnOverTcp(bytes, 0, bytes.length)).toMatchObject({ opcode: 7, wrapping: 'plain' });
  });
  it('refuses a length beyond the segment', () => {
    const bytes = framed(plainReset).fill(15, 1, 2);
    expect(openvpnOverTcp(bytes, 0, bytes.length)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(openvpnOverTcp, [framed(plainReset), framed(cryptReset)]);
  });
});
