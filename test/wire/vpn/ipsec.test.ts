// IKE headers by RFC 2408 section 3.1 and RFC 7296 section 3.1, ESP and AH by RFC 4303 and 4302, NAT-T by RFC 3948.
import { describe, expect, it } from 'vitest';
import {
  ahHeader,
  espInUdp,
  ikeMessage,
  isNatKeepalive,
  markedIkeMessage,
} from '../../../src/wire/vpn/ipsec.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const SPI_I = '93 85 18 f1 63 fd aa 57';
const SPI_R = '01 02 03 04 05 06 07 08';
const init = hex(SPI_I, '00*8', '21 20 22 08 00000000 00000024', '00*8');
const answer = hex(SPI_I, SPI_R, '21 20 22 20 00000000 00000020', '00*4');
const main = hex(SPI_I, '00*8', '01 10 02 00 00000000 00000020', '00*4');
const quick = hex(SPI_I, SPI_R, '08 10 20 01 12345678 00000024', '00*8');

const read = (bytes: Uint8Array) => ikeMessage(bytes, 0, bytes.length);
const change = (bytes: Uint8Array, at: number, value: number) => bytes.slice().fill(value, at, at + 1);

describe('ikeMessage', () => {
  it('reads the opening message of version 2', () => {
    expect(read(init)).toEqual({
      version: 2,
      exchange: 34,
      initiatorSpi: '938518f163fdaa57',
      responderSpi: '0000000000000000',
      first: true,
      fromInitiator: true,
      response: false,
      truncated: false,
      marked: false,
    });
  });
  it('reads an answer, main mode and quick mode', () => {
    expect(read(answer)).toMatchObject({ response: true, first: false, responderSpi: '0102030405060708' });
    expect(read(main)).toMatchObject({ version: 1, exchange: 2, first: true });
    expect(read(quick)).toMatchObject({ version: 1, exchange: 32, first: false });
  });
  it('says when the message is longer than what is here', () => {
    expect(read(change(init, 27, 0x80))?.truncated).toBe(true);
  });
  it.each([
    ['no initiator SPI', init.slice().fill(0, 0, 8)],
    ['version 3', change(init, 17, 0x30)],
    ['a minor version', change(init, 17, 0x21)],
    ['an unknown exchange', change(init, 18, 99)],
    ['reserved flags', change(init, 19, 0xff)],
    ['a next payload of version 1', change(init, 16, 1)],
    ['a shorter length than what is here', change(init, 27, 0x20)],
    ['a first message that is not number 0', change(init, 23, 1)],
    ['a first message of another exchange', change(init, 18, 37)],
    ['27 octets', init.slice(0, 27)],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(ikeMessage, [init, answer, main, quick]);
  });
});

describe('on port 4500', () => {
  const marked = hex('00*4', init);
  const esp = hex('c0 ff ee 01 00000007', '5a*40');
  it('tells IKE by its marker', () => {
    expect(markedIkeMessage(marked, 0, marked.length)).toMatchObject({ version: 2, marked: true });
    expect(markedIkeMessage(init, 0, init.length)).toBeUndefined();
  });
  it('reads ESP', () => {
    expect(espInUdp(esp, 0, esp.length)).toEqual({ spi: 0xc0ffee01, sequence: 7 });
  });
  it.each([
    ['the marker', hex('00*4 00000007', '5a*40')],
    ['a reserved SPI', hex('000000ff 00000007', '5a*40')],
    ['sequence 0', hex('c0ffee01 00000000', '5a*40')],
    ['an odd length', hex('c0ffee01 00000007', '5a*41')],
  ])('refuses %s as ESP', (_what, bytes) => {
    expect(espInUdp(bytes, 0, bytes.length)).toBeUndefined();
  });
  it('knows the keepalive', () => {
    expect(isNatKeepalive(hex('ff'), 0, 1)).toBe(true);
    expect(isNatKeepalive(hex('ff ff'), 0, 2)).toBe(false);
    expect(isNatKeepalive(hex('fe'), 0, 1)).toBe(false);
  });
  it('is bounded', () => {
    expectBounded(markedIkeMessage, [marked]);
    expectBounded(espInUdp, [esp]);
    expectBounded(isNatKeepalive, [hex('ff')]);
  });
});

describe('ahHeader', () => {
  const ah = hex('04 04 0000 00000100 00000002', '5a*12', '45');
  it('reads SPI, sequence, next protocol and where it begins', () => {
    expect(ahHeader(ah, 0, ah.length)).toEqual({ spi: 256, sequence: 2, nextProtocol: 4, innerOffset: 24 });
  });
  it('refuses a length beyond the end', () => {
    expect(ahHeader(ah, 0, 23)).toBeUndefined();
    expectBounded(ahHeader, [ah]);
  });
});
