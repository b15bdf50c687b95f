// NTP headers by RFC 5905 section 7.3 and RFC 9327 section 2.
import { describe, expect, it } from 'vitest';
import { ntpPacket } from '../../../src/wire/application/ntp.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const client = hex('23 00 06 ec', '00*36', 'e5 12 34 56 78 9a bc de');
const server = hex('24 02 06 e9 00000123 00000456 c0000201', '5a*32');
const read = (bytes: Uint8Array) => ntpPacket(bytes, 0, bytes.length);

describe('ntpPacket', () => {
  it('reads client, server and control packets', () => {
    expect(read(client)).toEqual({ version: 4, mode: 3, stratum: 0 });
    expect(read(server)).toEqual({ version: 4, mode: 4, stratum: 2 });
    expect(read(hex(server, '00000001', '5a*16'))?.mode).toBe(4);
    expect(read(hex('16 02 0001 0000 0000 0000 0000'))).toEqual({ version: 2, mode: 6, stratum: -1 });
    expect(read(hex('17 00 03 2a 00 00 00 00'))).toMatchObject({ version: 2, mode: 7 });
  });
  it.each([
    ['version 0', client.slice().fill(0x03, 0, 1)],
    ['version 5', client.slice().fill(0x2b, 0, 1)],
    ['mode 0', client.slice().fill(0x20, 0, 1)],
    ['stratum 17', client.slice().fill(17, 1, 2)],
    ['a poll of 2^18 seconds', client.slice().fill(18, 2, 3)],
    ['a precision of 2^32 seconds', client.slice().fill(32, 3, 4)],
    ['47 octets', client.slice(0, 47)],
    ['a control packet shorter than it says', hex('16 02 0001 0000 0000 0000 0004 00')],
    ['a QUIC Initial of version 1', hex('cf 00000001 08 0102030405060708 00', '5a*1185')],
    ['nothing', hex('')],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(ntpPacket, [client, server]);
  });
});
