// Opening messages of tunnels, and what must never pass for one. The messages are written from the specifications that test/wire names for
// each protocol.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECOGNISED, recogniseTcp, recogniseUdp } from '../../../src/flow/datagrams/recognise.ts';
import { expectBounded } from '../../wire/bounded.ts';
import { ascii, hex } from '../../wire/hex.ts';

const udp = (bytes: Uint8Array, from = 40000, to = 40001) => recogniseUdp(bytes, 0, bytes.length, from, to);

const initiation = hex('01000000 01020304', 'ab*124', '00*16');
const reset = hex('38 1122334455667788 00 00000000');
const ike = hex('9385 18f1 63fd aa57', '00*8', '21202208 00000000 0000001c');
const dtls = hex(
  '16 feff 0000 000000000000 0036 01 00002a 0000 000000 00002a feff',
  '5a*32',
  '00 00 0002 002f 01 00',
);

describe('recogniseUdp', () => {
  it.each([
    ['wireguard', initiation],
    ['wireguard', hex('02000000 05060708 01020304', 'cd*64', '00*16')],
    ['wireguard', hex('5453f09f92ac', '5a*80')],
    ['openvpn', reset],
    ['ipsec', ike],
    ['ipsec', hex('00000000', ike)],
    ['dtls', dtls],
  ])('recognises %s on any port', (protocol, bytes) => {
    const found = udp(bytes);
    expect(found?.protocol).toBe(protocol);
    expect(found?.confidence).toBeGreaterThanOrEqual(RECOGNISED);
    expect(found?.why).not.toBe('');
  });

  it('says which end is the server', () => {
    expect(udp(initiation)?.server).toBe('destination');
    expect(udp(hex('02000000 05060708 01020304', 'cd*64', '00*16'))?.server).toBe('source');
    expect(udp(hex('40 a1a2a3a4a5a6a7a8 01 00000000 1122334455667788 00000000'))?.server).toBe('source');
  });

  it('names the variants of WireGuard, and asks more of them', () => {
    const warp = hex('01c0ffee 01020304', 'ab*124');
    expect(udp(hex(warp, '00*16'))?.variant).toContain('WARP');
    expect(udp(hex(warp, 'ab*16'))).toBeUndefined();
    expect(udp(hex('5453f09f92ac', '5a*80'))?.variant).toBe('tailscale');
  });

  it.each([
    ['WireGuard data', hex('04000000 01020304 0700000000000000', '5a*32'), 51820],
    ['ESP', hex('c0ffee01 00000007 5a*40'), 4500],
    ['an OpenVPN acknowledgement', hex('28 1122334455667788 01 00000003 a1a2a3a4a5a6a7a8'), 1194],
  ])('stays in doubt about a single packet of %s', (_what, bytes, port) => {
    const found = udp(bytes, 40000, port);
    expect(found).toBeDefined();
    expect(found?.confidence).toBeLessThan(RECOGNISED);
  });

  it.each([
    ['DNS', hex('1234 0100 0001 0000 0000 0000 03', ascii('www'), '07', ascii('example'), '00 0001 0001')],
    ['STUN', hex('0001 0000 2112a442', '5a*12')],
    ['classic STUN', hex('0001 0000', '5a*16')],
    ['RTP', hex('80 00 0001 00000001 5a5a5a5a', '7f*160')],
    ['QUIC version 1', hex('c3 00000001 08', '5a*8', '00 00 44 9e', '5a*1178')],
    ['QUIC version 2', hex('d3 6b3343cf 08', '5a*1190')],
    ['a Google QUIC hello', hex('0d 5a*8', ascii('Q039'), '01', 'a0*1200')],
    ['TFTP', hex('0001', ascii('boot.img'), '00', ascii('octet'), '00')],
    ['TFTP data', hex('0003 0001', '5a*512')],
    ['SIP', ascii('INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n')],
    [
      'a DTLS hello with the keys of a call',
      hex(
        '16 feff 0000 000000000000 0041 01 000035 0000 000000 000035 feff',
        '5a*32',
        '00 00 0002 002f 01 00 0009 000e 0005 0002 0001 00',
      ),
    ],
    ['Source engine', hex('ffffffff 54', ascii('Source Engine Query'), '00')],
    ['Zoom', hex('04000000 035cfb11 3c004f83 7901011a', '5a*93')],
    ['nothing', hex('')],
  ])('does not take %s for a tunnel', (_what, bytes) => {
    expect(udp(bytes)).toBeUndefined();
  });

  it.each([53, 5353, 5355, 137])('never looks for a tunnel on port %i', (port) => {
    expect(udp(initiation, 40000, port)).toBeUndefined();
    expect(udp(initiation, port, 40000)).toBeUndefined();
  });

  it('takes no random payload for a tunnel', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(udp(bytes)?.confidence ?? 0).toBeLessThan(RECOGNISED);
      }),
      { numRuns: 5000 },
    );
  });

  it('is bounded', () => {
    expectBounded((b, s, e) => recogniseUdp(b, s, e, 4500, 4500), [initiation, reset, ike, dtls]);
  });
});

describe('recogniseTcp', () => {
  const tcp = (bytes: Uint8Array, sender: 'client' | 'server' = 'client') =>
    recogniseTcp(bytes, 0, bytes.length, sender);
  it('recognises banners, requests and framed resets', () => {
    expect(tcp(ascii('SSH-2.0-OpenSSH_9.2\r\n'), 'server')).toMatchObject({
      protocol: 'ssh',
      server: 'source',
    });
    expect(tcp(hex('000e', reset))).toMatchObject({ protocol: 'openvpn', server: 'destination' });
    const sstp = ascii('SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n');
    expect(tcp(sstp)?.protocol).toBe('sstp');
    expect(tcp(hex(ascii('IKETCP'), '0022 00000000', ike))).toMatchObject({ protocol: 'ipsec' });
  });
  it.each([
    ['TLS', hex('16 0301 0100 01 0000fc 0303', '5a*240')],
    ['HTTP', ascii('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n')],
    [
      'DNS',
      hex('001d 1234 0100 0001 0000 0000 0000 03', ascii('www'), '07', ascii('example'), '00 0001 0001'),
    ],
    ['nothing', hex('')],
  ])('does not take %s for a tunnel', (_what, bytes) => {
    expect(tcp(bytes)).toBeUndefined();
  });
  it('is bounded', () => {
    expectBounded(
      (b, s, e) => recogniseTcp(b, s, e, 'client'),
      [hex('000e', reset), hex(ascii('IKETCP'), '0020 00000000', ike), ascii('SSH-2.0-x\r\n')],
    );
  });
});
