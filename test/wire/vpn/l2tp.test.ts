// L2TP headers by RFC 2661 sections 3.1 and 4.4, RFC 3931 sections 3.2.1 and 4.1.
import { describe, expect, it } from 'vitest';
import { l2tpOverIp, l2tpPacket } from '../../../src/wire/vpn/l2tp.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
const zlb = hex('c802 000c 0005 0000 0001 0002');
const data = hex('0002 0005 0006 ff03 0021 45');
const full = hex('4a02 0012 0005 0006 0001 0002 0002 0000 0021 45 00 00');
const sccrq3 = hex('c803 0014 00000007 0000 0000 8008 0000 0000 0001');
const read = (bytes: Uint8Array) => l2tpPacket(bytes, 0, bytes.length);

describe('l2tpPacket', () => {
  it('reads control messages and empty acknowledgements', () => {
    expect(read(sccrq)).toEqual({
      version: 2,
      control: true,
      tunnel: 0,
      session: 0,
      messageType: 1,
      dataOffset: 12,
    });
    expect(read(zlb)).toMatchObject({ tunnel: 5, messageType: 0 });
    expect(read(sccrq3)).toMatchObject({ version: 3, tunnel: 7, messageType: 1 });
  });
  it('finds the data behind length, sequence and offset', () => {
    expect(read(data)).toMatchObject({ control: false, tunnel: 5, session: 6, dataOffset: 6 });
    expect(read(full)).toMatchObject({ control: false, session: 6, dataOffset: 16 });
    expect(read(hex('0003 0000 00000009 5a*20'))).toMatchObject({ version: 3, session: 9, dataOffset: 8 });
  });
  it.each([
    ['reserved bits', sccrq.slice().fill(0xe8, 0, 1)],
    ['control without sequence', sccrq.slice().fill(0xc0, 0, 1)],
    ['version 1', sccrq.slice().fill(1, 1, 2)],
    ['a first AVP that is no message type', sccrq.slice().fill(3, 17, 18)],
    ['a length beyond the end', sccrq.slice(0, 19)],
    ['data of tunnel 0', hex('0002 0000 0006 0021 45')],
    ['an offset beyond the end', hex('0202 0005 0006 00ff 0021 45')],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(l2tpPacket, [sccrq, zlb, data, full, sccrq3]);
  });
});

describe('l2tpOverIp', () => {
  it('tells control by session 0', () => {
    expect(l2tpOverIp(hex('00*4', sccrq3), 0, 24)).toMatchObject({ control: true, dataOffset: 16 });
    expect(l2tpOverIp(hex('00000011 5a*20'), 0, 24)).toMatchObject({ session: 17, dataOffset: 4 });
    expect(l2tpOverIp(hex('00*4', sccrq), 0, 24)).toBeUndefined();
    expectBounded(l2tpOverIp, [hex('00*4', sccrq3)]);
  });
});
