// STUN headers by RFC 8489 section 5, the request of RFC 5769 section 2.1, classic messages by RFC 3489 section 11.1.
import { describe, expect, it } from 'vitest';
import { isTurnChannelData, stunMessage } from '../../../src/wire/application/stun.ts';
import { expectBounded } from '../bounded.ts';
import { ascii, hex } from '../hex.ts';

/** RFC 5769 section 2.1, sample request with short-term authentication. */
const sample = hex(
  '00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010',
  ascii('STUN test client'),
  '00240004 6e0001ff 80290008 932ff9b151263b36 00060009',
  ascii('evtj:h6vY'),
  '202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf',
);
const classic = hex('0001 0008 11223344556677889900aabbccddeeff 0003 0004 00000006');
const read = (bytes: Uint8Array) => stunMessage(bytes, 0, bytes.length);

describe('stunMessage', () => {
  it('reads the sample request of RFC 5769', () => {
    expect(read(sample)).toEqual({ form: 'cookie', method: 1, kind: 'request', end: 108 });
  });
  it.each([
    ['0101', 1, 'success'],
    ['0111', 1, 'error'],
    ['0016', 6, 'indication'],
    ['0103', 3, 'success'],
    ['0003', 3, 'request'],
  ])('reads type %s', (type, method, kind) => {
    expect(read(hex(type, '0000 2112a442 5a*12'))).toMatchObject({ method, kind });
  });
  it('reads classic messages when every length adds up', () => {
    expect(read(classic)).toEqual({ form: 'classic', method: 1, kind: 'request', end: 28 });
    expect(read(hex('0001 0000 5a*16'))?.form).toBe('classic');
  });
  it('reads lengths without padding, as WhatsApp writes them', () => {
    expect(read(hex('0003 0006 2112a442 5a*12 4000 0002 0102'))?.method).toBe(3);
  });
  it.each([
    ['a TFTP request', hex('0001', ascii('pxelinux.cfg/default'), '00', ascii('octet'), '00')],
    ['the two top bits', hex('c001 0000 2112a442 5a*12')],
    ['a classic message with octets left over', hex(classic, '00')],
    ['classic attributes that do not add up', hex('0001 0008 5a*16 0003 0005 00000006')],
    ['another classic type', hex('0003 0000 5a*16')],
    ['a classic answer without attributes', hex('0101 0000 5a*16')],
    ['an odd length with octets behind', hex('0001 0002 2112a442 5a*12 0000 00')],
    ['19 octets', sample.slice(0, 19)],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(stunMessage, [sample, classic]);
  });
});

describe('isTurnChannelData', () => {
  const is = (bytes: Uint8Array) => isTurnChannelData(bytes, 0, bytes.length);
  it('takes channels 0x4000 to 0x4fff with at most three octets of padding', () => {
    expect(is(hex('4000 0003 5a*4'))).toBe(true);
    expect(is(hex('4fff 0004 5a*4'))).toBe(true);
    expect(is(hex('4000 0003 5a*7'))).toBe(false);
    expect(is(hex('4000 0005 5a*4'))).toBe(false);
    expect(is(hex('5000 0004 5a*4'))).toBe(false);
    expectBounded(isTurnChannelData, [hex('4000 0003 5a*4')]);
  });
});
