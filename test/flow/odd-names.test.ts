// Names that stand on the wire in ways that readers miss: cut anywhere, twice, before others, inside others. Each kind is gone through:
// every place of a border, every bit that is reserved. Follows RFC 9112, 9113, 7541, 8446, 7348, 8926, 8086.

import { describe, expect, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { LinkType } from '../../src/wire/link/link-types.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';

const SYN = 2;
const PUSH = 0x18;

interface Look {
  readonly names: string[];
  readonly kinds: string[];
}

function look(frames: readonly Bytes[], wireLength = 0): Look {
  const dissector = new Dissector();
  const packet = new ParsedPacket();
  const names: string[] = [];
  const kinds: string[] = [];
  for (const [at, frame] of frames.entries()) {
    const bytes = Uint8Array.from(frame);
    dissector.headers(bytes, 0, bytes.length, Math.max(wireLength, bytes.length), LinkType.ETHERNET, packet);
    dissector.application(bytes, packet, at);
    kinds.push(packet.kind);
    for (const { via, name } of packet.findings.names) names.push(`${via} ${name}`);
  }
  return { names, kinds };
}

interface Segment {
  readonly sequence: number;
  readonly payload?: Bytes;
  readonly flags?: number;
  readonly fromServer?: boolean;
}

function segment(port: number, { sequence, payload = [], flags = PUSH, fromServer }: Segment): Bytes {
  const ports = fromServer === true ? [port, 40_000] : [40_000, port];
  const [from, to] = fromServer === true ? ['192.0.2.9', '192.0.2.1'] : ['192.0.2.1', '192.0.2.9'];
  const header = ports.flatMap((number) => [...made.u16(number)]);
  const numbers = [...made.u32(sequence), ...made.u32(0), 0x50, flags, ...made.u16(1000), 0, 0, 0, 0];
  return [...made.ethernet(0x0800, made.ipv4(6, [...header, ...numbers, ...payload], { from, to }))];
}

function stream(port: number, segments: readonly Segment[]): Look {
  return look([{ sequence: 99, flags: SYN }, ...segments].map((one) => segment(port, one)));
}

/** What a client says, cut into pieces at these places. */
function cut(bytes: Bytes, ...places: readonly number[]): Segment[] {
  const borders = [0, ...places, bytes.length];
  return borders.slice(1).flatMap((end, at) => {
    const from = borders[at] ?? 0;
    return end > from ? [{ sequence: 100 + from, payload: bytes.slice(from, end) }] : [];
  });
}

describe('requests one behind the other', () => {
  const get = (host: string, before = ''): string =>
    `GET / HTTP/1.1\r\n${before}Host: ${host}\r\nAccept: */*\r\n\r\n`;
  const post = (host: string, fields: string, body: string): string =>
    `POST / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n\r\n${body}`;
  const chunks = '4\r\nWiki\r\nb;x=y\r\nGET /\r\nHost\r\n0\r\nTrailer: a\r\n\r\n';
  test.each([
    ['without bodies', get('a.example') + get('b.example') + get('c.example')],
    [
      'with much in front of the name',
      get('a.example') + get('b.example', 'Cookie: x\r\n') + get('c.example'),
    ],
    ['with a length', get('a.example') + post('b.example', 'Content-Length: 5', 'GET /') + get('c.example')],
    [
      'with a length full of zeros',
      get('a.example') +
        post('b.example', 'Content-Length: 000000000000000000005', 'hello') +
        get('c.example'),
    ],
    [
      'in chunks',
      get('a.example') + post('b.example', 'Transfer-Encoding: chunked', chunks) + get('c.example'),
    ],
    [
      'in chunks behind another coding',
      get('a.example') +
        post('b.example', 'Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked', chunks) +
        get('c.example'),
    ],
    [
      'with both, where the chunks count',
      get('a.example') +
        post('b.example', 'Content-Length: 3\r\nTransfer-Encoding: chunked', chunks) +
        get('c.example'),
    ],
    [
      'with blank lines between them',
      `${get('a.example')}\r\n${get('b.example')}\r\n\r\n${get('c.example')}`,
    ],
  ])('%s are read, wherever the segments end', (_case, text) => {
    const bytes = made.text(text);
    const wanted = ['http a.example', 'http b.example', 'http c.example'];
    for (let place = 0; place < bytes.length; place += 1) {
      expect(stream(80, cut(bytes, place)).names, `cut at ${place}`).toEqual(wanted);
      const second = place + 1 + ((place * 7) % 40);
      if (second < bytes.length)
        expect(stream(80, cut(bytes, place, second)).names, `cut at ${place} and ${second}`).toEqual(wanted);
    }
    expect(stream(80, cut(bytes, ...bytes.keys())).names).toEqual(wanted);
  });

  test('a body that was announced and not sent hides nothing', () => {
    const announced = made.text(post('a.example', 'Expect: 100-continue\r\nContent-Length: 5000', ''));
    const next = made.text(get('b.example'));
    const segments = [
      { sequence: 100, payload: announced },
      { sequence: 100 + announced.length, payload: next },
    ];
    expect(stream(80, segments).names).toEqual(['http a.example', 'http b.example']);
  });

  test('a target and a Host field that differ are both read', () => {
    const payload = made.text('GET http://target.example/ HTTP/1.1\r\nHost: field.example\r\n\r\n');
    // The target beats the field (RFC 9112 section 3.2.2).
    expect(stream(80, [{ sequence: 100, payload }]).names).toEqual([
      'http target.example',
      'http field.example',
    ]);
  });

  test.each([
    ['a page', 'Referer: https://www.bank.example/account?id=1', ['referer www.bank.example']],
    [
      'a page with all that an address may hold',
      'rEFERER : HTTP://me:pw@Bank.Example.:8443#x',
      ['referer bank.example'],
    ],
    ['an origin', 'Origin: https://bank.example', ['referer bank.example']],
    [
      'both alike',
      'Origin: https://bank.example\r\nReferer: https://bank.example/x',
      ['referer bank.example'],
    ],
    [
      'both',
      'Origin: https://a.bank.example\r\nReferer: https://bank.example/x',
      ['referer a.bank.example', 'referer bank.example'],
    ],
    ['the site itself', 'Referer: http://a.example/other', []],
    ['a path', 'Referer: /other', []],
    ['an origin that is not to be known', 'Origin: null', []],
    [
      'letters that are not ASCII',
      'Referer: https://www.b\u00c3\u00bccher.example/',
      ['referer www.bücher.example'],
    ],
  ])('%s that a request comes from is read, wherever the segments end', (_case, fields, pages) => {
    const bytes = made.text(`GET / HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n${fields}\r\n\r\n`);
    const wanted = ['http a.example', ...pages].sort();
    for (let place = 0; place < bytes.length; place += 1)
      expect(stream(80, cut(bytes, place)).names.sort(), `cut at ${place}`).toEqual(wanted);
    expect(stream(80, cut(bytes, ...bytes.keys())).names.sort()).toEqual(wanted);
  });
});

test('of the pages of one connection few are remembered, however many it says', () => {
  const requests = Array.from(
    { length: 60 },
    (_, at) => `GET / HTTP/1.1\r\nHost: a.example\r\nReferer: http://p${String(at % 30)}.example/\r\n\r\n`,
  );
  const { names } = stream(80, cut(made.text(requests.join(''))));
  // Each request is told for itself.
  expect(names.filter((name) => name.startsWith('referer'))).toHaveLength(60);
});

describe('questions that stand where none are expected', () => {
  const datagram = (payload: readonly number[]): Look =>
    look([[...made.ethernet(0x0800, made.ipv4(17, made.udp(40_000, 53, payload)))]]);
  const record = (name: string): Bytes => [
    ...made.dnsName(name),
    ...made.u16(1),
    ...made.u16(1),
    ...made.u32(60),
    ...made.u16(4),
    192,
    0,
    2,
    1,
  ];
  const message = (flags: number, counts: readonly number[], body: Bytes): Bytes => [
    ...made.u16(0x1a2b),
    ...made.u16(flags),
    ...counts.flatMap((count) => [...made.u16(count)]),
    ...body,
  ];
  const zone = [...made.dnsName('zone.example'), ...made.u16(6), ...made.u16(1)];
  test.each([
    ['an answer section', message(0x0100, [0, 1, 0, 0], record('a.example')), ['a.example']],
    ['an authority section', message(0x0100, [0, 0, 1, 0], record('a.example')), ['a.example']],
    [
      'additional records',
      message(0x0100, [1, 0, 0, 1], [...zone, ...record('a.example')]),
      ['zone.example', 'a.example'],
    ],
    [
      'an update (RFC 2136)',
      message(0x2800, [1, 0, 1, 0], [...zone, ...record('laptop.zone.example')]),
      ['zone.example', 'laptop.zone.example'],
    ],
    [
      'the name of the question again',
      message(0x0100, [1, 0, 0, 1], [...zone, ...record('zone.example')]),
      ['zone.example'],
    ],
    [
      'EDNS',
      message(
        0x0100,
        [1, 0, 0, 1],
        [...zone, 0, ...made.u16(41), ...made.u16(1232), ...made.u32(0), ...made.u16(0)],
      ),
      ['zone.example'],
    ],
  ])('%s', (_where, payload, names) => {
    expect(datagram(payload).names).toEqual(names.map((name) => `dns ${name}`));
  });
});

describe('HTTP/2 that begins in the clear', () => {
  const PREFACE = made.text('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const frame = (type: number, flags: number, id: number, payload: Bytes): Bytes => [
    ...made.u32(payload.length).slice(1),
    type,
    flags,
    ...made.u32(id),
    ...payload,
  ];
  const plain = (text: string): Bytes => [text.length, ...made.text(text)];
  const SETTINGS = frame(4, 0, 0, [0, 3, 0, 0, 0, 100]);
  /** :method GET, :path /, and :authority, kept in the table. */
  const named = (name: string): Bytes => [0x82, 0x84, 0x41, ...plain(name)];
  // RFC 7541 appendix C.4.1.
  const CODED = [
    0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
  ];
  const DNS = made.dnsQuery('asked.example');
  const base64 = Buffer.from(DNS).toString('base64url');

  test.each<[string, Bytes, readonly string[]]>([
    ['a name as it is', frame(1, 5, 1, named('a.example')), ['http a.example']],
    ['a name with a port', frame(1, 5, 1, named('a.example:8080')), ['http a.example']],
    ['a name in Huffman code', frame(1, 5, 1, CODED), ['http www.example.com']],
    [
      'one that the table keeps',
      [...frame(1, 5, 1, named('a.example')), ...frame(1, 5, 3, [0x82, 0x84, 0xbe])],
      ['http a.example', 'http a.example'],
    ],
    [
      'padding and priority',
      frame(1, 0x2d, 1, [3, 0, 0, 0, 0, 9, ...named('a.example'), 0, 0, 0]),
      ['http a.example'],
    ],
    [
      'a block that goes on',
      [
        ...frame(1, 1, 1, named('a.example').slice(0, 5)),
        ...frame(9, 0, 1, []),
        ...frame(9, 4, 1, named('a.example').slice(5)),
      ],
      ['http a.example'],
    ],
    ['a host instead', frame(1, 5, 1, [0x82, 0x84, 0x66, ...plain('h.example')]), ['http h.example']],
    [
      'several hosts',
      frame(1, 5, 1, [
        0x82,
        0x84,
        0x66,
        ...plain('h.example'),
        0x41,
        ...plain('a.example'),
        0x66,
        ...plain('i.example'),
      ]),
      ['http a.example', 'http h.example', 'http i.example'],
    ],
    [
      'a question in the path',
      frame(1, 5, 1, [
        ...named('d.example').slice(0, 1),
        0x44,
        ...plain(`/dns-query?dns=${base64}`),
        ...named('d.example').slice(2),
      ]),
      ['dns asked.example', 'http d.example'],
    ],
    [
      'a question in the body',
      [
        ...frame(1, 4, 1, [...named('d.example'), 0x5f, ...plain('application/dns-message')]),
        ...frame(0, 0, 1, DNS.slice(0, 9)),
        ...frame(0, 9, 1, [2, ...DNS.slice(9), 0, 0]),
      ],
      ['http d.example', 'dns asked.example'],
    ],
    [
      'a large body',
      [
        ...frame(1, 4, 1, named('a.example')),
        ...frame(0, 1, 1, made.fill(700)),
        ...frame(1, 5, 3, named('b.example')),
      ],
      ['http a.example', 'http b.example'],
    ],
  ])('%s is read, wherever the segments end', (_case, frames, wanted) => {
    const bytes = [...PREFACE, ...SETTINGS, ...frames];
    for (let place = 0; place < bytes.length; place += 3) {
      const { names, kinds } = stream(8080, cut(bytes, place, Math.min(bytes.length, place + 11)));
      expect([...names].sort(), `cut at ${place}`).toEqual([...wanted].sort());
      expect(kinds.at(-1)).toBe('http');
    }
  });

  test('after an upgrade it is read too', () => {
    const upgrade = made.text('GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n');
    const bytes = [...upgrade, ...PREFACE, ...SETTINGS, ...frame(1, 5, 3, named('b.example'))];
    expect(stream(80, cut(bytes, upgrade.length)).names).toEqual(['http a.example', 'http b.example']);
  });

  test('blocks that are none end the reading and nothing else', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const bytes = [
        ...PREFACE,
        ...frame(1, 5, 1, made.fill(30, octet)),
        ...frame(1, 5, 3, named('b.example')),
      ];
      expect(() => stream(8080, cut(bytes))).not.toThrow();
    }
  });
});

describe('hellos', () => {
  const first = clientHello('first.example');
  const second = clientHello('second.example');
  const CHANGE = [20, 3, 3, 0, 1, 1];
  const FINISHED = [23, 3, 3, 0, 40, ...made.fill(40)];
  const serverHello = (random: Bytes): Bytes => {
    const body = [3, 3, ...random, 0, 0x13, 1, 0];
    return [22, 3, 3, ...made.u16(body.length + 4), 2, 0, ...made.u16(body.length), ...body];
  };
  const RETRY = serverHello([0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, ...made.fill(24)]);
  const ACCEPTS = serverHello(made.fill(32));

  test.each<[string, Bytes, Bytes | undefined]>([
    ['behind a change of ciphers', [...CHANGE, ...second], RETRY],
    ['by itself', second, RETRY],
    ['where the answer is not in the capture', [...CHANGE, ...second], undefined],
  ])('the second, after the server asked for one, is read %s', (_case, more, answer) => {
    for (let place = 0; place < more.length; place += 5) {
      const behind = first.length + place;
      const segments = [
        ...cut([...first, ...more], first.length, behind),
        ...(answer === undefined ? [] : [{ sequence: 500, payload: answer, fromServer: true }]),
      ];
      // The answer comes between the two.
      if (answer !== undefined) segments.splice(1, 0, ...segments.splice(-1));
      expect(stream(443, segments).names).toEqual(['sni first.example', 'sni second.example']);
    }
  });

  test.each([
    ['the server has accepted', [{ sequence: 500, payload: ACCEPTS, fromServer: true }]],
    ['the client goes on', [{ sequence: 100 + first.length, payload: FINISHED }]],
  ])('none is waited for when %s', (_case, between) => {
    const { names, kinds } = stream(443, [...cut(first), ...between, { sequence: 2000, payload: second }]);
    expect(names).toEqual(['sni first.example']);
    expect(kinds.at(-1)).toBe('tls');
  });

  test('the same name again is told once', () => {
    expect(stream(443, cut([...first, ...first], first.length)).names).toEqual(['sni first.example']);
  });

  test('a name that a proxy was asked for is told as the server name too', () => {
    const connect = made.text('CONNECT first.example:443 HTTP/1.1\r\nHost: first.example:443\r\n\r\n');
    const segments = cut([...connect, ...first], connect.length);
    expect(stream(8080, segments).names).toEqual(['http first.example', 'sni first.example']);
  });

  test.each<[string, Bytes]>([
    ["RDP's connection request", [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0]],
    [
      "RDP's, with a cookie",
      [3, 0, 0, 35, 30, 0xe0, 0, 0, 0, 0, 0, ...made.text('Cookie: mstshash=user\r\n\r\n').slice(0, 24)],
    ],
    ["PostgreSQL's request", [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]],
    ["MySQL's request", [32, 0, 0, 1, 0x85, 0xae, 0, 0, ...made.fill(28, 0)]],
  ])('one behind %s in the same segment is read', (_case, before) => {
    expect(stream(3389, cut([...before, ...first])).names).toEqual(['sni first.example']);
    expect(stream(3389, cut([...before, ...first], before.length)).names).toEqual(['sni first.example']);
  });

  test("one inside TDS's packets is read", () => {
    const tds = [0x12, 1, ...made.u16(first.length + 8), 0, 0, 0, 0, ...first];
    expect(stream(1433, cut(tds)).names).toEqual(['sni first.example']);
  });

  test('one in the form of SSL 2 makes the connection TLS', () => {
    const body = [1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f, ...made.fill(16)];
    expect(stream(443, cut([0x80, body.length, ...body])).kinds.at(-1)).toBe('tls');
    expect(stream(4433, cut([0x80, body.length, ...body])).kinds.at(-1)).toBe('tls');
  });
});

describe('a beginning that is sent twice, and differs', () => {
  const request = (host: string): Bytes => made.text(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const pairs: readonly (readonly [string, Bytes, Bytes, readonly string[]])[] = [
    [
      'TLS',
      clientHello('decoy.example'),
      clientHello('real.example'),
      ['sni decoy.example', 'sni real.example'],
    ],
    ['HTTP', request('decoy.example'), request('real.example'), ['http decoy.example', 'http real.example']],
    [
      'both',
      request('decoy.example'),
      clientHello('real.example'),
      ['http decoy.example', 'sni real.example'],
    ],
    ['garbage first', made.fill(300), clientHello('real.example'), ['sni real.example']],
  ];
  test.each(pairs)('%s: both names are read, the real one in pieces too', (_case, decoy, real, wanted) => {
    const other = { sequence: 100, payload: decoy };
    expect(stream(443, [other, ...cut(real)]).names).toEqual(wanted);
    for (const place of [7, 20, real.length - 5])
      expect(stream(443, [other, ...cut(real, place)]).names, `cut at ${place}`).toEqual(wanted);
  });

  test('also where the decoy lies before the beginning, or comes later', () => {
    const [decoy, real] = [clientHello('decoy.example'), clientHello('real.example')];
    expect(stream(443, [...cut(real), { sequence: 100 - 9000, payload: decoy }]).names).toEqual([
      'sni real.example',
      'sni decoy.example',
    ]);
    expect(stream(443, [...cut(real), { sequence: 100, payload: decoy }]).names).toEqual([
      'sni real.example',
      'sni decoy.example',
    ]);
  });

  test('what is sent again as it was is told once, also when it is longer', () => {
    const real = clientHello('real.example');
    expect(stream(443, [...cut(real.slice(0, 60)), ...cut(real), ...cut(real)]).names).toEqual([
      'sni real.example',
    ]);
    const one = request('a.example');
    expect(stream(80, [...cut(one), ...cut(one), ...cut([...one, ...request('b.example')])]).names).toEqual([
      'http a.example',
      'http b.example',
    ]);
  });
});

describe('a packet inside another', () => {
  const QUERY = made.udp(40_000, 53, made.dnsQuery('inner.example'));
  const PACKET = made.ipv4(17, QUERY);
  const FRAME = [...made.ethernet(0x0800, PACKET)];
  const WLAN = [8, 1, 0, 0, ...made.fill(18, 2), 0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...PACKET];
  const SWAPPED = [1, 8, ...WLAN.slice(2)];
  const outer = (payload: Bytes, protocol = 17): Bytes => [
    ...made.ethernet(0x0800, made.ipv4(protocol, payload)),
  ];
  const over = (port: number, payload: Bytes): Bytes => outer(made.udp(50_000, port, payload));
  const sixth = made.ipv6(17, QUERY, { from: '2001::1' });
  const chunk = (data: Bytes): Bytes => [
    0,
    3,
    ...made.u16(16 + data.length),
    ...made.u32(1),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...data,
  ];
  const sctp = (port: number, data: Bytes): Bytes => [
    ...made.u16(40_000),
    ...made.u16(port),
    ...made.fill(8, 0),
    ...chunk(data),
  ];
  const question = made.dnsQuery('inner.example');
  /** A header checksum that is right. */
  const summed = [...PACKET];
  const total = Array.from({ length: 10 }, (_, word) =>
    word === 5 ? 0 : ((summed[2 * word] ?? 0) << 8) | (summed[2 * word + 1] ?? 0),
  );
  const sum = total.reduce((a, b) => a + b, 0);
  summed.splice(10, 2, ...made.u16(~((sum & 0xffff) + (sum >>> 16)) & 0xffff));

  test.each<[string, Bytes]>([
    ['GRE in UDP', over(4754, [0, 0, 8, 0, ...PACKET])],
    ['GRE in UDP with a key', over(4754, [0x20, 0, 8, 0, 0, 0, 0, 9, ...PACKET])],
    ["Aruba's GRE of 802.11", outer([0, 0, 0x82, 0, ...WLAN], 47)],
    ["Aruba's GRE of 802.11, control swapped", outer([0, 0, 0x83, 0x20, ...SWAPPED], 47)],
    ["Aruba's GRE of Ethernet", outer([0, 0, 0x90, 0, ...FRAME], 47)],
    ["MikroTik's Ethernet over IP", outer([0x20, 1, 0x64, 0, ...made.u16(FRAME.length), 1, 0, ...FRAME], 47)],
    ['WCCP', outer([0, 0, 0x88, 0x3e, ...PACKET], 47)],
    ['WCCP version 2', outer([0, 0, 0x88, 0x3e, 0, 0, 0, 0, ...PACKET], 47)],
    [
      'AYIYA',
      over(5072, [0x41, 0x52, 0x11, 41, ...made.fill(4), ...made.fill(16), ...made.fill(20), ...sixth]),
    ],
    [
      'CAPWAP of 802.11',
      over(
        5247,
        [0, 0x10, 0x23, 0, 0, 0, 0, 0, ...WLAN].map((octet, at) => (at === 2 ? 3 : octet)),
      ),
    ],
    ['CAPWAP, control swapped', over(5247, [0, 0x10, 3, 0, 0, 0, 0, 0, ...SWAPPED])],
    ['CAPWAP with a longer header', over(5247, [0, 0x20, 3, 0, 0, 0, 0, 0, ...made.fill(8, 0), ...WLAN])],
    ['CAPWAP of Ethernet', over(5247, [0, 0x10, 2, 0, 0, 0, 0, 0, ...FRAME])],
    ['LISP', over(4341, [...made.fill(8, 0), ...PACKET])],
    ['TZSP', over(37_008, [1, 0, 0, 1, 0, 10, 1, 9, 1, ...FRAME])],
    ['TZSP of 802.11', over(37_008, [1, 0, 0, 18, 1, ...WLAN])],
    ['GUE', over(6080, [0, 4, 0, 0, ...PACKET])],
    ['GUE without a header', over(6080, PACKET)],
    ['GTP version 0', over(3386, [0x1e, 0xff, 0, 0, ...made.fill(16), ...PACKET])],
    ['a packet on any port', over(5555, summed)],
    ['VXLAN on any port', over(5556, [8, 0, 0, 0, 0, 0, 9, 0, ...made.ethernet(0x0800, summed)])],
    ['Teredo with a trailer', over(3544, [...sixth, 1, 4, 9, 9, 9, 9])],
    ['Teredo with trailers', over(3544, [...sixth, 4, 0, 3, 2, 1, 1])],
    ["PIM's register", outer([0x21, 0, 0, 0, 0, 0, 0, 0, ...PACKET], 103)],
    ['SCTP', outer(sctp(53, question), 132)],
    ['SCTP in UDP', over(9899, sctp(53, question))],
    ['two chunks of SCTP', outer([...sctp(53, made.fill(4)), ...chunk(question)], 132)],
    ["Cisco's metadata", [...made.ethernet(0x8909, [1, 1, 0, 1, 0, 15, 8, 0, ...PACKET])]],
    [
      'MACsec that only protects',
      [...made.ethernet(0x88e5, [0, 0, 0, 0, 0, 1, 8, 0, ...PACKET, ...made.fill(16)])],
    ],
    [
      'MACsec that names the sender',
      [...made.ethernet(0x88e5, [0x20, 0, 0, 0, 0, 1, ...made.fill(8), 8, 0, ...PACKET, ...made.fill(16)])],
    ],
    ['VN-Tag', [...made.ethernet(0x8926, [0, 1, 0, 2, 8, 0, ...PACKET])]],
    ['802.1BR', [...made.ethernet(0x893f, [0, 0, 0, 1, 0, 0, 8, 0, ...PACKET])]],
    ['a provider backbone', [...made.ethernet(0x88e7, [0, 0, 0, 1, ...FRAME])]],
    ['the network service header', [...made.ethernet(0x894f, [0, 2, 1, 1, 0, 0, 1, 255, ...PACKET])]],
    ['TRILL', [...made.ethernet(0x22f3, [0, 1, 0, 2, 0, 3, ...FRAME])]],
  ])('%s is read', (_case, frame) => {
    expect(look([frame]).names).toEqual(['dns inner.example']);
  });

  test.each(Array.from({ length: 24 }, (_, bit) => bit))('VXLAN with reserved bit %d set is read', (bit) => {
    const header = [8, 0, 0, 0, 0, 0, 9, 0];
    const at = bit < 16 ? 1 + Math.floor(bit / 8) : 7;
    header[at] = 1 << (bit & 7);
    expect(look([over(4789, [...header, ...FRAME])])).toEqual({
      names: ['dns inner.example'],
      kinds: ['vxlan'],
    });
  });

  test.each(Array.from({ length: 128 }, (_, flags) => flags))(
    'VXLAN with flags %d is one if the I bit is set',
    (flags) => {
      const { names } = look([over(4789, [flags, 0, 0, 1, 0, 0, 9, 5, ...FRAME])]);
      expect(names).toEqual((flags & 8) === 0 ? [] : ['dns inner.example']);
    },
  );

  test.each(Array.from({ length: 14 }, (_, bit) => bit))('Geneve with reserved bit %d set is read', (bit) => {
    const header = [0, 0, 0x65, 0x58, 0, 0, 9, 0];
    header[bit < 6 ? 1 : 7] = bit < 6 ? 1 << bit : 1 << (bit - 6);
    expect(look([over(6081, [...header, ...FRAME])]).names).toEqual(['dns inner.example']);
  });

  const LONG_QUERY = made.udp(40_000, 53, [...made.dnsQuery('inner.example'), ...made.fill(30, 0)]);
  const LONG = made.ipv4(17, LONG_QUERY);
  const LONG_FRAME = [...made.ethernet(0x0800, LONG)];
  const LONG_SIX = made.ipv6(17, LONG_QUERY, { from: '2001::1' });

  test.each<[string, Bytes]>([
    ['VXLAN', over(4789, [8, 0, 0, 0, 0, 0, 9, 0, ...LONG_FRAME])],
    ['GRE', outer([0, 0, 8, 0, ...LONG], 47)],
    ['GTP', over(2152, [0x30, 0xff, ...made.u16(LONG.length), 0, 0, 0, 1, ...LONG])],
    ['L2TP', over(1701, [0x40, 2, ...made.u16(LONG.length + 12), 0, 1, 0, 1, 0xff, 3, 0, 0x21, ...LONG])],
    ['Teredo', over(3544, LONG_SIX)],
    ['PPPoE', [...made.ethernet(0x8864, [0x11, 0, 0, 1, ...made.u16(LONG.length + 2), 0, 0x21, ...LONG])]],
    ['EoIP', outer([0x20, 1, 0x64, 0, ...made.u16(LONG_FRAME.length), 1, 0, ...LONG_FRAME], 47)],
    ['two of them', over(4789, [8, 0, 0, 0, 0, 0, 9, 0, ...outer([0, 0, 8, 0, ...LONG], 47)])],
  ])('a question in %s that the capture cut behind the name is read', (_case, frame) => {
    for (const missing of [1, 2, 29, 30]) {
      const short = frame.slice(0, frame.length - missing);
      expect(look([short], frame.length).names, `${missing} missing`).toEqual(['dns inner.example']);
    }
  });
});
