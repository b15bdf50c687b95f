// Which first bytes of a stream to a tunnel's endpoint are its own, kind by kind and piece by piece.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { TunnelProtocol } from '../../../src/flow/kinds.ts';
import { ethernet, fill, ipv4, ipv6, text, u16, u32, dnsQuery } from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { clientHello } from '../../policy/tls-hello.ts';

const SYN = 2;
const DATA = 0x18;

/** A client's segments to one endpoint, as a tap reads them. */
class Client {
  readonly #dissector = new Dissector();
  readonly #protocol: TunnelProtocol;
  readonly #host: string | undefined;
  readonly #six: boolean;
  readonly packet = new ParsedPacket();
  readonly names = new Set<string>();

  constructor(protocol: TunnelProtocol, host: string | undefined, six = false) {
    this.#protocol = protocol;
    this.#host = host;
    this.#six = six;
  }

  /** `offset` counts from the first byte; true when the segment is foreign. */
  says(bytes: Bytes, offset: number, flags = DATA, acknowledged = 1): boolean {
    const sequence = (0xfffffff0 + offset + (flags === SYN ? 0 : 1)) >>> 0;
    const header = [...u16(40_000), ...u16(443), ...u32(sequence), ...u32(acknowledged), 0x50, flags];
    const segment = [...header, ...fill(6, 0), ...bytes];
    const frame = Uint8Array.from(
      this.#six ? ethernet(0x86dd, ipv6(6, segment)) : ethernet(0x0800, ipv4(6, segment)),
    );
    this.#dissector.headers(frame, 0, frame.length, frame.length, 1, this.packet);
    this.#dissector.stream(frame, this.packet, this.#protocol, this.#host);
    for (const { name } of this.packet.findings.names) this.names.add(name);
    return this.packet.foreign;
  }

  opens(): void {
    this.says([], 0, SYN);
  }

  get carries(): boolean {
    return this.#dissector.carriesData;
  }
}

const HOST = 'vpn.example';
const OTHER = 'www.bank.example';
const RESET = [0, 14, 0x38, ...fill(13, 0x9c)];
const QUERY = dnsQuery(OTHER);
const IKE = [...fill(8, 0x11), ...fill(8, 0), 0x21, 0x20, 0x22, 8, ...fill(4, 0), ...u32(80), ...fill(52)];
const IKE_TCP = [...text('IKETCP'), ...u16(2 + 4 + IKE.length), ...u32(0), ...IKE];
const SAID: Readonly<Record<string, Bytes>> = {
  'a hello with another name': clientHello(OTHER, 'h2'),
  "a hello with the tunnel's name": clientHello(HOST, 'h2'),
  'a hello as Tor makes it': clientHello('www.xq3zjvkw5b7.com'),
  'a hello with such a name, and protocols': clientHello('www.google.com', 'h2'),
  'a request': text(`GET / HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`),
  'a request to a proxy': text(`CONNECT ${OTHER}:443 HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`),
  'an SSH banner': text('SSH-2.0-OpenSSH_9.2p1\r\n'),
  'a DNS query': [...u16(QUERY.length), ...QUERY],
  'an OpenVPN reset': RESET,
  'an OpenVPN reset with a wrapped key': [1, 100, 0x50, ...fill(356, 0x9c)],
  'an OpenVPN packet that begins nothing': [0, 14, 0x48, ...fill(13, 0x9c)],
  'IKE over TCP': IKE_TCP,
  'IKE over TCP that goes on with ESP': [...text('IKETCP'), ...u16(82), ...u32(0xc0ffee01), ...fill(76)],
  'IKE over TCP with nothing whole behind its prefix': [
    ...text('IKETCP'),
    ...u16(20),
    ...u32(0),
    ...fill(14),
  ],
  'IKE over TCP with a reserved index': [...text('IKETCP'), ...u16(82), ...u32(17), ...fill(76)],
  'what begins almost as IKE over TCP': [...text('IKETCQ'), ...IKE_TCP.slice(6)],
  'IKE over TCP without its prefix': IKE_TCP.slice(6),
  'random bytes': [0xa3, 0x5e, 0x91, 0x07, ...fill(60, 0xc4)],
};

/** Who may begin so: the protocol, `named` where the endpoint is a name. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  'a hello with another name': ['opaque'],
  "a hello with the tunnel's name": ['opaque', 'opaque named'],
  'a hello as Tor makes it': ['opaque', 'tor', 'tor named'],
  'a hello with such a name, and protocols': ['opaque'],
  'a request': [],
  'a request to a proxy': [],
  'an SSH banner': ['opaque', 'opaque named'],
  'a DNS query': [],
  'an OpenVPN reset': ['openvpn', 'openvpn named', 'tor', 'tor named', 'opaque', 'opaque named'],
  'an OpenVPN reset with a wrapped key': [
    ...['openvpn', 'openvpn named', 'tor', 'tor named', 'opaque', 'opaque named'],
  ],
  'an OpenVPN packet that begins nothing': ['tor', 'tor named', 'opaque', 'opaque named'],
  'IKE over TCP': ['ipsec', 'ipsec named', 'tor', 'tor named', 'opaque', 'opaque named'],
  'IKE over TCP that goes on with ESP': [
    ...['ipsec', 'ipsec named', 'tor', 'tor named', 'opaque', 'opaque named'],
  ],
  'IKE over TCP with nothing whole behind its prefix': ['tor', 'tor named', 'opaque', 'opaque named'],
  'IKE over TCP with a reserved index': ['tor', 'tor named', 'opaque', 'opaque named'],
  'what begins almost as IKE over TCP': ['tor', 'tor named', 'opaque', 'opaque named'],
  'IKE over TCP without its prefix': ['tor', 'tor named', 'opaque', 'opaque named'],
  'random bytes': ['tor', 'tor named', 'opaque', 'opaque named'],
};

const TUNNELS = [
  'ipsec',
  'ipsec named',
  'openvpn',
  'openvpn named',
  'tor',
  'tor named',
  'opaque',
  'opaque named',
] as const;
const clientOf = (tunnel: (typeof TUNNELS)[number], six = false): Client => {
  const [protocol] = tunnel.split(' ') as [TunnelProtocol];
  return new Client(protocol, tunnel.endsWith('named') ? HOST : undefined, six);
};

const cases = Object.keys(SAID).flatMap((said) => TUNNELS.map((tunnel) => [said, tunnel] as const));

describe('the first bytes of a stream', () => {
  it.each(cases)('%s, to %s', (said, tunnel) => {
    const bytes = SAID[said] ?? [];
    const isOwn = OWN[said]?.includes(tunnel) === true;
    for (const six of [false, true]) {
      const client = clientOf(tunnel, six);
      client.opens();
      expect(client.says(bytes, 0)).toBe(!isOwn);
      // The connection stays what it began as, and another one begins anew.
      expect(client.says(fill(100, 0x41), bytes.length)).toBe(!isOwn);
    }
  });

  it.each(cases)('%s, to %s, in pieces of any length', (said, tunnel) => {
    const bytes = SAID[said] ?? [];
    const isOwn = OWN[said]?.includes(tunnel) === true;
    const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pieces, (lengths) => {
        const client = clientOf(tunnel);
        client.opens();
        const ends: boolean[] = [];
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const length = turn < 20 ? (lengths[turn % lengths.length] ?? 1) : 400;
          ends.push(client.says(bytes.slice(at, at + length), at));
          at += length;
        }
        expect(ends.includes(true)).toBe(!isOwn);
        if (isOwn) return;
        expect(ends.at(-1)).toBe(true);
        if (/hello|request/.test(said)) expect([...client.names].length).toBe(1);
      }),
      { numRuns: 30 },
    );
  });

  it('that could become readable and never end are foreign', () => {
    const client = clientOf('opaque named');
    client.opens();
    const hello = [
      22,
      3,
      1,
      0x40,
      0,
      1,
      0,
      0x3f,
      0xfc,
      3,
      3,
      ...fill(32, 7),
      0,
      0,
      2,
      0x13,
      1,
      1,
      0,
      0x3f,
      0,
    ];
    expect(client.says(hello, 0)).toBe(false);
    const more = Array.from({ length: 60 }, (_, at) => client.says([0], hello.length + at));
    expect(more.at(-1)).toBe(true);
  });

  it('count for one connection: another one between the same ports begins anew', () => {
    const client = clientOf('openvpn');
    client.opens();
    expect(client.says(clientHello(OTHER), 0)).toBe(true);
    client.says([], 1_000_000, SYN);
    expect(client.says(RESET, 1_000_000)).toBe(false);
  });

  it('nobody looked at leave the stream what it seems', () => {
    const client = clientOf('openvpn');
    expect(client.says(fill(200, 0xc4), 50_000)).toBe(false);
    const other = clientOf('opaque named');
    expect(other.says(clientHello(OTHER), 50_000)).toBe(true);
  });

  it('prove the server once more than a handshake was carried both ways, and only if they were its own', () => {
    for (const [bytes, proves] of [
      [RESET, true],
      [clientHello(OTHER), false],
    ] as const) {
      const client = clientOf('openvpn');
      client.opens();
      client.says(bytes, 0, DATA, 500);
      const proven: boolean[] = [];
      for (const [offset, acknowledged] of [
        [20_000, 600],
        [30, 40_000],
        [20_100, 40_000],
        [20_200, 50_000],
      ] as const) {
        client.says(fill(50, 0xc4), offset, DATA, acknowledged);
        proven.push(client.carries);
      }
      expect(proven).toEqual([false, false, proves, false]);
    }
  });
});
