// What the analysis of a capture says, from frames to the object of `analyze --json`.

import { describe, expect, it, test } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { Analysis } from '../../src/analysis/analysis.ts';
import type { OwnAddresses } from '../../src/analysis/analysis.ts';
import type { AnalysisReport } from '../../src/analysis/analysis.ts';
import { LearningJudge } from '../../src/analysis/analysis-learn.ts';
import { Redaction } from '../../src/guard/history/privacy.ts';
import { barePolicy } from '../../src/policy/schema/bare-policy.ts';
import { parseEndpoint } from '../../src/policy/schema/endpoint.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { TunnelProtocol } from '../../src/flow/kinds.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parseMac } from '../../src/wire/ip/address.ts';
import * as made from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { policyOf } from '../policy/policies.ts';
import { clientHello } from '../policy/tls-hello.ts';

const SERVER = '198.51.100.7';

function policyWith(endpoints: readonly string[], protocol: TunnelProtocol = 'wireguard'): Policy {
  const parsed = endpoints.flatMap((text) => parseEndpoint(text) ?? []);
  const tunnels = parsed.map((endpoint) => ({ name: 'home', protocol, endpoints: [endpoint] }));
  return { ...barePolicy(), tunnels };
}

function judgeOf(policy: Policy, learns = false): LearningJudge {
  return new LearningJudge((learned, exposed) => {
    const more = policyWith(learned.map(({ endpoint }) => endpoint)).tunnels;
    return compileJudge(
      { ...policy, tunnels: [...policy.tunnels, ...more] },
      { ...NOTHING_LEARNED, exposed },
    );
  }, learns);
}

interface Options {
  readonly policy?: Policy;
  readonly learns?: boolean;
  readonly client?: number;
  readonly own?: OwnAddresses;
  readonly maxIncidents?: number;
  readonly maxNames?: number;
}

function analyse(
  frames: readonly Uint8Array[],
  options: Options = {},
  redaction?: Redaction,
): AnalysisReport {
  const { policy = policyWith([`udp:${SERVER}:51820`]), learns = false, ...limits } = options;
  const analysis = new Analysis({ dissector: new Dissector(), judge: judgeOf(policy, learns), ...limits });
  for (const [at, frame] of frames.entries()) {
    analysis.packet(frame, 0, frame.length, frame.length, 1, 1_700_000_000_000_000 + at * 1000);
  }
  return analysis.report('test', 1, redaction);
}

function udp(to: string, port: number, payload: Bytes, from = 4000): Uint8Array {
  return made.ethernet(0x0800, made.ipv4(17, made.udp(from, port, payload), { to }));
}

function tcp(from: number, to: number, sequence: number, payload: Bytes, flags: number): Uint8Array {
  const ports = [...made.u16(from), ...made.u16(to)];
  const numbers = [...made.u32(sequence), ...made.u32(0)];
  return made.ethernet(
    0x0800,
    made.ipv4(6, [...ports, ...numbers, 0x50, flags, 4, 0, 0, 0, 0, 0, ...payload]),
  );
}

/** The same datagram the other way. */
function answer(from: string, port: number, payload: Bytes, to = 4000): Uint8Array {
  const ip = made.ipv4(17, made.udp(port, to, payload), { from, to: '192.168.1.50' });
  return made.ethernet(0x0800, ip, { from: made.ROUTER, to: made.CLIENT });
}

const TUNNEL = udp(SERVER, 51820, made.wireguard(4));
const QUESTION = udp('203.0.113.53', 53, made.dnsQuery('leak.example'));
const REPLY = answer('203.0.113.53', 53, made.dnsAnswer('leak.example', '203.0.113.80'));

describe('a foreign stream to the endpoint of a tunnel', () => {
  const hello = clientHello('bank.example', 'h2');
  const say = (at: number, bytes: Bytes, flags = 0x18): Uint8Array => {
    const header = [...made.u16(40_000), ...made.u16(443), ...made.u32(at), ...made.u32(1), 0x50, flags];
    return made.ethernet(0x0800, made.ipv4(6, [...header, ...made.fill(6, 0), ...bytes], { to: SERVER }));
  };

  test.each([
    ['its beginning first', [0, 30]],
    ['its end first', [30, 0]],
  ])('is no tunnel, %s', (_, starts) => {
    const pieces = starts.map((at) => say(100 + at, at === 0 ? hello.slice(0, 30) : hello.slice(30)));
    const policy = policyWith([`tcp:${SERVER}:443`], 'openvpn');
    const report = analyse([say(99, [], 2), ...pieces], { policy, client: parseMac(made.CLIENT) ?? 0 });
    // The handshake of TCP itself says nothing of whose it is.
    expect([report.verdicts.leak, report.verdicts.tunnel, report.rules.F]).toEqual([2, 1, 2]);
    expect(report.incidents.reduce((sum, { escaped }) => sum + escaped, 0)).toBe(2);
    expect(report.incidents.some(({ exposure }) => exposure === 'bank.example')).toBe(true);
  });
});

describe('counts', () => {
  test('every frame once, in verdicts and in kinds', () => {
    const arp = made.ethernet(0x0806, made.arp(1));
    const report = analyse([TUNNEL, TUNNEL, QUESTION, arp, made.ethernet(0x0800, [1, 2, 3])]);
    expect(report.packets).toBe(5);
    expect(report.verdicts).toEqual({ tunnel: 2, essential: 1, allowed: 0, leak: 2 });
    expect(report.kinds).toEqual({ tunnel: 2, arp: 1, dns: 1, malformed: 1 });
    expect(report.rules).toEqual({ A: 1, E: 1 });
    expect(report.malformed).toBe(1);
    expect(report.tunnels).toEqual([
      { protocol: 'wireguard', endpoint: `udp:${SERVER}:51820`, packets: 2, learned: false },
    ]);
    expect(report.seconds).toBeCloseTo(0.004);
  });

  test('an empty capture has no time', () => {
    expect(analyse([])).toMatchObject({ packets: 0, seconds: 0, incidents: [] });
  });
});

describe('incidents', () => {
  test('question and answer are one, of the client who asked', () => {
    const { incidents, names } = analyse([QUESTION, REPLY]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({
      rule: 'A',
      kind: 'dns',
      severity: 'red',
      client: made.CLIENT,
      exposure: 'leak.example',
      destination: '203.0.113.53',
      escaped: 1,
      attempted: 0,
      blocked: 0,
      first: '2023-11-14T22:13:20.000Z',
      last: '2023-11-14T22:13:20.001Z',
    });
    expect(names).toEqual([{ name: 'leak.example', via: 'dns', count: 1 }]);
  });

  test('what only answers hold stands apart from what was asked, in any order', () => {
    const asked = [{ name: 'leak.example', via: 'dns', count: 1 }];
    expect(analyse([REPLY, REPLY])).toMatchObject({
      names: [],
      answered: [{ name: 'leak.example', via: 'dns', count: 2, asked: false }],
    });
    expect(analyse([REPLY, QUESTION, REPLY])).toMatchObject({ names: asked, answered: [] });
    expect(analyse([QUESTION, REPLY])).toMatchObject({ names: asked, answered: [] });
  });

  test('a connection is one, with the name that it shows later', () => {
    const segment = (at: number, payload: Bytes, flags: number): Uint8Array =>
      tcp(40000, 80, at, payload, flags);
    const request = made.text('GET / HTTP/1.1\r\nHost: visited.example\r\n\r\n');
    const { incidents } = analyse([
      segment(9, [], 2),
      segment(10, request, 0x18),
      segment(10 + request.length, [], 0x10),
    ]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ kind: 'http', rule: 'E', exposure: 'visited.example', escaped: 3 });
  });

  test('a connection that proves to be encrypted DNS is one, and so are several to the same name', () => {
    const hello = clientHello('dns.google');
    const connection = (port: number): Uint8Array[] => [
      tcp(port, 443, 9, [], 2),
      tcp(port, 443, 10, hello, 0x18),
      tcp(port, 443, 10 + hello.length, [23, 3, 3, 0, 1, 7], 0x18),
    ];
    const { incidents, rules } = analyse([...connection(40000), ...connection(40001)]);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ kind: 'doh', rule: 'C', exposure: 'dns.google', escaped: 6 });
    expect(rules).toEqual({ C: 4, E: 2 });
  });

  test('a connection in the shape of encrypted DNS stays what it is, and its incident says so', () => {
    const segment = (at: number, octets: number): Uint8Array => tcp(40000, 443, at, made.fill(octets), 0x18);
    const back = (at: number, octets: number): Uint8Array => {
      const header = [...made.u16(443), ...made.u16(40000), ...made.u32(at), ...made.u32(0)];
      const answered = [...header, 0x50, 0x18, 4, 0, 0, 0, 0, 0, ...made.fill(octets)];
      const ip = made.ipv4(6, answered, { from: '203.0.113.53', to: '192.168.1.50' });
      return made.ethernet(0x0800, ip, { from: made.ROUTER, to: made.CLIENT });
    };
    const frames = [tcp(40000, 443, 10, clientHello('www.example'), 0x18)];
    for (let at = 0; at < 30; at += 1) frames.push(segment(1000 + 80 * at, 80), back(1000 + 200 * at, 200));
    const { incidents, kinds } = analyse(frames);
    expect(kinds).toEqual({ tls: 61 });
    expect(incidents).toHaveLength(1);
    expect(incidents[0]?.why).toMatch(
      /www\.example .*looks like DNS over HTTPS by its sizes, confidence 0\.6/,
    );
  });

  test('a visit to what was answered in the clear is rule D', () => {
    const visit = udp('203.0.113.80', 9999, [1, 2, 3]);
    expect(analyse([visit, QUESTION, REPLY, visit]).rules).toEqual({ A: 2, D: 1, E: 1 });
  });

  test('beyond the limit nothing is kept and every frame is counted', () => {
    const frames = Array.from({ length: 10 }, (_, at) =>
      udp('203.0.113.53', 53, made.dnsQuery(`n${at}.example`), 5000 + at),
    );
    const report = analyse(frames, { maxIncidents: 4, maxNames: 3 });
    expect(report.incidents).toHaveLength(4);
    expect(report.names).toHaveLength(3);
    expect(report.limits).toMatchObject({ incidentsDropped: 6, namesDropped: 7 });
    expect(report.verdicts.leak).toBe(10);
  });
});

describe('with a client named', () => {
  const client = parseMac(made.CLIENT) ?? 0;
  test('what it sends goes up, what it gets comes down', () => {
    const report = analyse([QUESTION, REPLY, TUNNEL, answer(SERVER, 51820, made.wireguard(4))], { client });
    expect(report.verdicts.tunnel).toBe(2);
    expect(report.incidents).toHaveLength(1);
    expect(report.incidents[0]).toMatchObject({ client: made.CLIENT, escaped: 1 });
    expect(report.verdicts).toEqual({ tunnel: 2, essential: 0, allowed: 0, leak: 1, others: 1 });
  });
});

describe('whose leak it is', () => {
  const SECOND = '02:00:00:00:00:0d';
  const HERE = { [made.CLIENT]: '192.168.1.50', [SECOND]: '192.168.1.51' };
  const ask = (who: keyof typeof HERE, name: string): Uint8Array =>
    made.ethernet(
      0x0800,
      made.ipv4(17, made.udp(4000, 53, made.dnsQuery(name)), { from: HERE[who], to: '203.0.113.53' }),
      { from: who, to: made.ROUTER },
    );
  const told = (who: keyof typeof HERE, name: string): Uint8Array =>
    made.ethernet(
      0x0800,
      made.ipv4(17, made.udp(53, 4000, made.dnsAnswer(name, '203.0.113.80')), {
        from: '203.0.113.53',
        to: HERE[who],
      }),
      { from: made.ROUTER, to: who },
    );
  const both = [
    ...[ask(made.CLIENT, 'one.example'), told(made.CLIENT, 'one.example')],
    ...[ask(SECOND, 'two.example'), told(SECOND, 'two.example'), told(SECOND, 'two.example')],
  ];
  const FIRST = ['one.example', made.CLIENT, 1];
  const OTHER = ['two.example', SECOND, 1];
  const GATEWAY = [
    ['one.example', made.ROUTER, 1],
    ['two.example', made.ROUTER, 2],
  ];
  const own = (mac: string | undefined, ...addresses: string[]): Options => ({
    own: { mac: mac === undefined ? undefined : parseMac(mac), addresses: new Set(addresses) },
  });

  test.each<[string, readonly Uint8Array[], Options, unknown[], unknown, unknown]>([
    ['nobody is named', both, {}, [FIRST, OTHER], 5, undefined],
    ['answers alone', [told(made.CLIENT, 'one.example')], {}, [FIRST], 1, undefined],
    ['answers first', [told(made.CLIENT, 'one.example'), both[0] ?? TUNNEL], {}, [FIRST], 2, undefined],
    ['the first is named', both, { client: parseMac(made.CLIENT) ?? 0 }, [FIRST], 1, 4],
    ['the second is named', both, { client: parseMac(SECOND) ?? 0 }, [OTHER], 1, 4],
    // What it sends are answers, and it is the one who is asked about.
    ['the gateway is named', both, { client: parseMac(made.ROUTER) ?? 0 }, GATEWAY, 3, 2],
    ['a stranger is named', both, { client: 0x020000000099 }, [], 0, 5],
    ['by its own MAC address', both, own(made.CLIENT), [FIRST, OTHER], 4, 1],
    ['by its own IP address alone', both, own(undefined, '192.168.1.50'), [FIRST, OTHER], 4, 1],
    ['both are its own', both, own(undefined, '192.168.1.50', '192.168.1.51'), [FIRST, OTHER], 2, 3],
  ])('%s', (_, frames, options, incidents, leak, others) => {
    const report = analyse(frames, options);
    expect(report.incidents.map(({ exposure, client, escaped }) => [exposure, client, escaped])).toEqual(
      incidents,
    );
    expect([report.verdicts.leak, report.verdicts.others]).toEqual([leak, others]);
    const { tunnel, essential, allowed } = report.verdicts;
    expect(tunnel + essential + allowed + report.verdicts.leak + (report.verdicts.others ?? 0)).toBe(
      frames.length,
    );
    if (options.client !== undefined && incidents !== GATEWAY)
      expect(report.names.map(({ name }) => name)).toEqual(incidents.map((one) => (one as string[])[0]));
  });
});

describe('learning', () => {
  const initiation = udp(SERVER, 1234, [...made.wireguard(1).slice(0, 132), ...made.fill(16, 0)]);
  const data = udp(SERVER, 1234, made.wireguard(4));

  const response = answer(SERVER, 1234, made.wireguard(2));

  test('a handshake that is answered makes the endpoint a tunnel, from the answer on', () => {
    const report = analyse([initiation, response, data, data], { policy: policyWith([]), learns: true });
    expect(report.verdicts.tunnel).toBe(3);
    expect(report.tunnels).toEqual([
      { protocol: 'wireguard', endpoint: `udp:${SERVER}:1234`, packets: 3, learned: true },
    ]);
  });

  const client = parseMac(made.CLIENT) ?? 0;
  /** Somebody far away begins, and the laptop answers. */
  const inbound = [answer(SERVER, 999, made.wireguard(1), 51820), udp(SERVER, 999, made.wireguard(2), 51820)];
  const ike = (first: boolean, flags: number): Bytes => [
    ...made.fill(8, 0x11),
    ...made.fill(8, first ? 0 : 0x22),
    ...[33, 0x20, 34, flags, 0, 0, 0, 0],
    ...made.u32(60),
    ...made.fill(32),
  ];
  const openvpn = (opcode: number, session: number, acks: Bytes): Bytes => [
    opcode << 3,
    ...made.fill(8, session),
    ...acks,
    ...made.u32(0),
  ];
  /** Data with growing counters, as a capture shows it that began later; the laptop has the lower port. */
  const midway = (ways: readonly ('up' | 'down')[]): Uint8Array[] =>
    [1, 2, 3, 4].flatMap((counter) =>
      ways.map((direction, at) => {
        const key = direction === 'up' ? 1 : 2;
        const count = counter * ways.length + at;
        const message = [4, 0, 0, 0, key, 0, 0, 0, count, ...made.fill(7, 0), ...made.fill(80)];
        return direction === 'up' ? udp(SERVER, 51820, message, 4000) : answer(SERVER, 51820, message, 4000);
      }),
    );
  const acknowledged = [1, ...made.u32(0), ...made.fill(8, 0x11)];

  test.each<[string, readonly Uint8Array[], number | undefined, string | undefined]>([
    ['an initiation without an answer', [initiation, initiation, data], undefined, undefined],
    ['an answer that nobody asked for', [response, data], undefined, undefined],
    [
      'an answer to another question',
      [initiation, answer(SERVER, 1234, made.fill(92, 2))],
      undefined,
      undefined,
    ],
    ['what came in from outside, though it was answered', inbound, undefined, undefined],
    ['the same where the laptop is known', inbound, client, undefined],
    ['an exchange of somebody else', [initiation, response], client + 1, undefined],
    ['its own', [initiation, response], client, `udp:${SERVER}:1234`],
    [
      'IKE between equal ports',
      [udp(SERVER, 500, ike(true, 8), 500), answer(SERVER, 500, ike(false, 0x20), 500)],
      undefined,
      `udp:${SERVER}:500`,
    ],
    ['IKE without an answer', [udp(SERVER, 500, ike(true, 8), 500)], undefined, undefined],
    [
      'OpenVPN',
      [udp(SERVER, 1194, openvpn(7, 0x11, [0])), answer(SERVER, 1194, openvpn(8, 0x22, acknowledged))],
      undefined,
      `udp:${SERVER}:1194`,
    ],
    [
      'data of both ends, where the far one is the server',
      midway(['up', 'down']),
      undefined,
      `udp:${SERVER}:51820`,
    ],
    ['data of one end', midway(['down', 'down']), undefined, undefined],
    ['OpenVPN without an answer', [udp(SERVER, 1194, openvpn(7, 0x11, [0]))], undefined, undefined],
  ])('%s', (_case, frames, own, endpoint) => {
    const judge = new LearningJudge(
      (learned, exposed) =>
        compileJudge(policyWith(learned.map((one) => one.endpoint)), { ...NOTHING_LEARNED, exposed }),
      true,
      own,
    );
    const analysis = new Analysis({ dissector: new Dissector(), judge });
    for (const [at, frame] of frames.entries()) analysis.packet(frame, 0, frame.length, frame.length, 1, at);
    expect(analysis.report('test', 1).tunnels.map((tunnel) => tunnel.endpoint)).toEqual(
      endpoint === undefined ? [] : [endpoint],
    );
  });

  test('without learning it is a leak of a kind that says so', () => {
    const report = analyse([initiation, data], { policy: policyWith([]) });
    expect(report.kinds).toEqual({ wireguard: 2 });
    expect(report.verdicts.leak).toBe(2);
  });

  test('data alone teaches nothing', () => {
    expect(analyse([data, data], { policy: policyWith([]), learns: true }).tunnels).toEqual([]);
  });
});

test('an endpoint without protocol is named by the shape of its first frames', () => {
  const opaque = policyWith([`udp:${SERVER}:51820`], 'opaque');
  expect(analyse([TUNNEL], { policy: opaque }).tunnels[0]?.protocol).toBe('wireguard');
  expect(analyse([TUNNEL, udp(SERVER, 51820, [9, 9, 9])], { policy: opaque }).tunnels[0]?.protocol).toBe(
    'opaque',
  );
});

describe('rule T', () => {
  const steered = (routes: Bytes): Uint8Array => {
    const options = [
      53,
      1,
      5,
      54,
      4,
      192,
      168,
      1,
      1,
      1,
      4,
      255,
      255,
      255,
      0,
      121,
      routes.length,
      ...routes,
      255,
    ];
    const fixed = [
      2,
      1,
      6,
      0,
      ...made.fill(12, 0),
      192,
      168,
      1,
      50,
      ...made.fill(8, 0),
      ...made.mac(made.CLIENT),
    ];
    const bootp = [...fixed, ...made.fill(202, 0), 0x63, 0x82, 0x53, 0x63, ...options];
    const packet = made.ipv4(17, made.udp(67, 68, bootp), { from: '192.168.1.1', to: '192.168.1.50' });
    return made.ethernet(0x0800, packet, { from: made.ROUTER, to: made.CLIENT });
  };
  const OFFER = steered([1, 0, 192, 168, 1, 66]);
  const policy = policyWith([`udp:${SERVER}:51820`]);

  function told(frames: readonly Uint8Array[], client?: number): AnalysisReport {
    const parts = { dissector: new Dissector(), judge: judgeOf(policy), policy };
    const analysis = new Analysis({ ...parts, ...(client === undefined ? {} : { client }) });
    for (const [at, frame] of frames.entries()) analysis.packet(frame, 0, frame.length, frame.length, 1, at);
    return analysis.report('test', 1);
  }

  test.each([undefined, parseMac(made.CLIENT)])(
    'routes that pull traffic out of the tunnel are told: client %s',
    (client) => {
      const { incidents, rules, verdicts } = told([OFFER, OFFER], client);
      expect([rules, verdicts.leak]).toEqual([{ T: 2 }, 0]);
      expect(incidents).toMatchObject([
        {
          rule: 'T',
          kind: 'dhcp',
          severity: 'amber',
          client: made.CLIENT,
          destination: '192.168.1.1',
          escaped: 2,
        },
      ]);
    },
  );

  test('what escapes that way makes the warning red, and nothing else does', () => {
    const severity = (frames: readonly Uint8Array[]) =>
      told(frames).incidents.find(({ rule }) => rule === 'T')?.severity;
    expect(severity([OFFER, udp('9.9.9.9', 4000, [1])])).toBe('red');
    expect(severity([OFFER, udp('203.0.113.9', 4000, [1])])).toBe('amber');
    expect(severity([udp('9.9.9.9', 4000, [1]), OFFER])).toBe('amber');
  });
});

describe('privacy', () => {
  const hash = (text: string): string => Buffer.from(text).toString('hex').padEnd(12, '0');

  test('minimal tells that something leaked, and nothing of what', () => {
    const report = analyse([QUESTION, REPLY], {}, new Redaction('minimal', hash));
    expect(report.names).toEqual([{ name: '(hidden)', via: 'dns', count: 1 }]);
    expect(report.incidents).toHaveLength(1);
    expect(report.incidents[0]).toMatchObject({
      ...{ rule: 'A', kind: 'dns', client: '', exposure: '(hidden)', destination: '', escaped: 1 },
      ...{ first: '2023-11-14T22:00:00.000Z', last: '2023-11-14T22:00:00.000Z' },
    });
    expect(JSON.stringify(report)).not.toMatch(/leak\.example|203\.0\.113/);
  });

  test('redacted keeps what can be compared, the suffix and the network', () => {
    const report = analyse([QUESTION], {}, new Redaction('redacted', hash));
    const name = `h-${hash('leak.example').slice(0, 20)}.example`;
    expect(report.names).toEqual([{ name, via: 'dns', count: 1 }]);
    expect(report.incidents[0]).toMatchObject({ exposure: name, destination: '203.0.113.0/24' });
    expect(report.incidents[0]?.client).toMatch(/^h-/);
    expect(JSON.stringify(report)).not.toMatch(/leak\.example|203\.0\.113\.53/);
  });
});

describe('a capture under split, direct: answered', () => {
  const policy = policyOf('version: 1\nprofile: split\ndirect: answered\nmustTunnel: [bank.example]\n');
  const CLIENT = 0x02_00_00_00_00_0c;
  const visit = (to: string): Uint8Array => udp(to, 4433, made.fill(20));
  const answered = (name: string, address: string): Uint8Array[] => [
    made.ethernet(0x0800, made.ipv4(17, made.udp(4000, 53, made.dnsQuery(name)), { to: '192.168.1.1' })),
    made.ethernet(
      0x0800,
      made.ipv4(17, made.udp(53, 4000, made.dnsAnswer(name, address)), {
        from: '192.168.1.1',
        to: '192.168.1.50',
      }),
      {
        ...{ from: made.ROUTER, to: made.CLIENT },
      },
    ),
  ];
  const frames = [
    ...answered('www.shop.example', '203.0.113.7'),
    ...answered('www.bank.example', '203.0.113.8'),
    ...['203.0.113.7', '203.0.113.8', '203.0.113.9'].map(visit),
  ];

  it.each([undefined, CLIENT])('goes by the answers in it, whose client is %s', (client) => {
    const analysis = new Analysis({
      ...{ dissector: new Dissector(), judge: judgeOf(policy), answersBy: policy },
      ...(client === undefined ? {} : { client }),
    });
    for (const [at, frame] of frames.entries())
      analysis.packet(frame, 0, frame.length, frame.length, 1, 1_700_000_000_000_000 + at * 1000);
    const visits = analysis.report('test', 1).incidents.map(({ destination }) => destination);
    expect(visits.filter((to) => to.startsWith('203.'))).toEqual(['203.0.113.8', '203.0.113.9']);
  });
});
