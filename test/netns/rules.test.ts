// Each rule raised by a real event on a real wire, and by nothing else; each profile silent about what it allows.
// Holds README.md, Rules and remedies. Clients are dig, curl and openssl; QUIC, which none of them speaks, is one sealed Initial.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink     (names and addresses: appliance/lab/plan.ts)

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Argv } from '../../appliance/lab/processes/process.ts';
import type { IncidentView } from '../../src/api/status.ts';
import { labForTests } from './harness.ts';
import { curl, dig, raisedBy, useProfile } from './rule-watch.ts';
import { quicInitialFor } from './quic-packet.ts';

const lab = labForTests({ filling: 'guard' });

const raised = (...acts: readonly Argv[]): Promise<readonly IncidentView[]> =>
  raisedBy(lab(), async () => {
    for (const argv of acts) await lab().network.laptop.run(argv);
  });
const rulesOf = (incidents: readonly IncidentView[]): string[] =>
  [...new Set(incidents.map(({ rule, severity }) => `${rule} ${severity}`))].sort();

/** One datagram from the laptop's own address, past the tunnel. */
const datagram = (to: string, port: number, hex: string): Argv => [
  process.execPath,
  '-e',
  `const s=require('node:dgram').createSocket('${to.includes(':') ? 'udp6' : 'udp4'}');` +
    `s.bind(0,'${to.includes(':') ? LAN.laptop6 : LAN.laptop4}',()=>s.send(Buffer.from('${hex}','hex'),${port},'${to}',()=>s.close()))`,
];
const quic = (to: string, name: string): Argv => datagram(to, 443, quicInitialFor(name));
const tls = (to: string, name: string): Argv => curl(`https://${name}/`, '--resolve', `${name}:443:${to}`);
const web = (to: string, name: string): Argv => curl(`http://${name}/`, '--resolve', `${name}:80:${to}`);
/** DNS over TLS as a stub resolver begins it. */
const dot = (to: string): Argv => [
  'openssl',
  ...[
    's_client',
    '-connect',
    `${to}:853`,
    '-bind',
    `${LAN.laptop4}:0`,
    '-alpn',
    'dot',
    '-servername',
    'www.example',
  ],
];

/** A server to which no name of these tests leads: what goes there is no visit after an answer. */
const OTHER = NET.resolver4;

describe('full-tunnel', () => {
  beforeAll(() => useProfile(lab(), labPolicy(lab().plan), ['profile: full-tunnel']));

  it('A: a name asked in the clear', async () => {
    const incidents = await raised(dig(NET.resolver4, 'a.example'));
    expect(incidents).toMatchObject([
      { rule: 'A', kind: 'dns', exposure: 'a.example', attempted: 1, escaped: 1 },
    ]);
    expect(incidents[0]?.why).toContain('DNS question for a.example');
  });

  it("A: also at the tunnel server's own address", async () => {
    expect(rulesOf(await raised(dig(NET.tunnelServer4, 'a2.example')))).toEqual(['A red']);
  });

  it('C: DNS over TLS', async () => {
    expect(rulesOf(await raised(dot(NET.web4)))).toEqual(['C red']);
  });

  it.each([
    ['IPv4', NET.resolver4, 'A', NET.web4],
    ['IPv6', NET.resolver6, 'AAAA', NET.web6],
  ])('D: the visit after the answer, TCP and QUIC, %s', async (_family, resolver, type, address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    for (const visit of [curl(`https://${host}/`), quic(address, 'sealed.example')]) {
      const incidents = await raised(dig(resolver, 'd.example', type), visit);
      expect(rulesOf(incidents)).toEqual(['A red', 'D red']);
      const [question, joined] = incidents;
      expect(joined).toMatchObject({ rule: 'D', destination: address });
      expect(joined?.related).toContain(question?.id);
      expect(joined?.candidates).toContain('d.example');
      expect(question).toMatchObject({ rule: 'A', exposure: 'd.example' });
      expect(question?.related).toContain(joined?.id);
    }
  });

  it('E: everything else outside the tunnel', async () => {
    const ping: Argv = ['ping', '-c', '1', '-W', '1', '-I', 'eth0', NET.tunnelServer4];
    expect(await raised(ping)).toMatchObject([{ rule: 'E', kind: 'icmp', severity: 'red', attempted: 1 }]);
  });

  it("F: something readable at the tunnel's own address and port", async () => {
    const incidents = await raised(dig(NET.tunnelServer4, 'f.example', '-p', String(NET.tunnelPort)));
    expect(rulesOf(incidents)).toEqual(['F red']);
    expect(incidents[0]?.why).toContain('at the tunnel endpoint');
  });

  it('nothing: the same inside the tunnel, a resolver of the tunnel included', async () => {
    const inside: Argv[] = [
      ['dig', '+tries=1', '+time=2', `@${TUNNEL.server4}`, 'bank.example'],
      ['dig', '+tries=1', '+time=2', `@${NET.resolver4}`, 'bank.example'],
      ['curl', '-sSk', '--max-time', '5', `https://${NET.web4}/`],
    ];
    expect(await raised(...inside)).toEqual([]);
  });
});

describe('split', () => {
  // An address stays closed for a day to who has shown a protected name there, and the lab has one web server: another profile lets go
  // of it, and each begins with nothing shown.
  beforeEach(async () => {
    await useProfile(lab(), labPolicy(lab().plan), ['profile: full-tunnel']);
    await useProfile(lab(), labPolicy(lab().plan), ['profile: split', 'mustTunnel: ["bank.example"]']);
  });

  it.each([
    ['DNS', dig(NET.resolver4, 'www.bank.example', 'TXT'), 'dns'],
    ['SNI', tls(NET.web4, 'bank.example'), 'tls'],
    ['HTTP', web(NET.web4, 'bank.example'), 'http'],
    ['QUIC', quic(NET.web4, 'bank.example'), 'quic'],
  ])('B: a must-tunnel name in %s', async (_via, argv, kind) => {
    const incidents = await raised(argv);
    expect(rulesOf(incidents)).toEqual(['B red']);
    expect(incidents.map((incident) => incident.kind)).toEqual([kind]);
    expect(incidents[0]?.exposure).toMatch(/bank\.example$/);
  });

  it('silent for other names in all four', async () => {
    const other = 'news.example';
    expect(
      await raised(
        dig(NET.resolver4, other),
        tls(NET.web4, other),
        web(NET.web4, other),
        quic(NET.web4, other),
      ),
    ).toEqual([]);
  });

  it('D: the visit to an answer of a must-tunnel name, which the kernel then stops in block mode', async () => {
    const visit = curl(`https://[${NET.web6}]/`);
    const incidents = await raised(dig(NET.resolver6, 'bank.example', 'AAAA'), visit);
    expect(rulesOf(incidents)).toEqual(['B red', 'D red']);
    expect(incidents.find(({ rule }) => rule === 'D')).toMatchObject({ exposure: 'bank.example' });
    await lab().guard.block(true);
    try {
      const { code } = await lab().network.laptop.run(visit);
      expect(code).not.toBe(0);
      expect((await lab().network.laptop.run(curl(`http://${NET.web4}/`))).code).toBe(0);
    } finally {
      await lab().guard.block(false);
    }
  });
});

describe('proxy-stub', () => {
  beforeAll(() =>
    useProfile(lab(), labPolicy(lab().plan), [
      'profile: proxy-stub',
      `resolvers: ["dot:${NET.resolver4}:853"]`,
    ]),
  );

  it('accepts the designated resolver and direct traffic', async () => {
    expect(await raised(dot(NET.resolver4), web(NET.resolver4, 'news.example'))).toEqual([]);
  });

  it('C: another resolver', async () => {
    expect(rulesOf(await raised(dot(NET.tunnelServer4)))).toEqual(['C red']);
  });

  it('A: DNS in the clear, and D: the visit after it', async () => {
    const incidents = await raised(dig(NET.resolver4, 'stub.example'), curl(`https://${NET.web4}/`));
    expect(rulesOf(incidents)).toEqual(['A red', 'D red']);
  });

  it('E: a name told to a proxy that the policy does not name', async () => {
    const told = curl('https://news.example/', '-p', '-x', `http://${OTHER}:80`);
    const incidents = await raised(told);
    expect(rulesOf(incidents), JSON.stringify(incidents)).toEqual(['E red']);
    expect(incidents).toMatchObject([{ kind: 'http-proxy', exposure: 'news.example' }]);
  });

  it('lists what goes direct, by name and place, with as many connections as there were', async () => {
    const names = ['one.example', 'two.example', 'one.example', 'one.example'];
    expect(await raised(...names.map((name) => tls(OTHER, name)))).toEqual([]);
    const { allowed, why } = await lab().guard.status();
    const rowOf = (name: string): unknown => allowed?.rows.find((row) => row.name === name);
    const place = { client: LAN.laptopMac, destination: OTHER, transport: 'tcp', port: 443, kind: 'tls' };
    expect(rowOf('one.example')).toMatchObject({ ...place, connections: 3 });
    expect(rowOf('two.example')).toMatchObject({ ...place, connections: 1 });
    expect(why).not.toMatch(/nothing escape(?!.*except what the profile allows to go direct)/i);
  });
});

describe('proxy-stub, resolvers by address and name', () => {
  const use = (name: string): Promise<void> =>
    useProfile(lab(), labPolicy(lab().plan), [
      'profile: proxy-stub',
      `resolvers: ["dot:${NET.resolver4}:853/${name}"]`,
    ]);

  it('accepts the pair', async () => {
    await use('www.example');
    expect(await raised(dot(NET.resolver4))).toEqual([]);
  });

  it('C: another name at that address, and that name at another', async () => {
    await use('dns.example');
    expect(rulesOf(await raised(dot(NET.resolver4)))).toEqual(['C red']);
    expect(rulesOf(await raised(tls(OTHER, 'dns.example')))).toEqual(['C red']);
  });
});

describe('proxy-stub with a proxy, and nothing said of other traffic', () => {
  beforeAll(() =>
    useProfile(lab(), labPolicy(lab().plan), ['profile: proxy-stub', `proxies: ["tcp:${OTHER}:80"]`]),
  );

  const direct = curl(`https://${OTHER}/`);
  const proxied = curl('http://news.example/', '-x', `http://${OTHER}:80`);

  it('E: what goes elsewhere than to the proxy', async () => {
    expect(await raised(proxied)).toEqual([]);
    expect(rulesOf(await raised(direct))).toEqual(['E red']);
  });

  it('is held in block mode, and the proxy is reached', async () => {
    await lab().guard.block(true);
    try {
      const run = async (argv: Argv): Promise<number | null> => (await lab().network.laptop.run(argv)).code;
      expect([await run(direct), await run(proxied)]).toEqual([28, 0]);
    } finally {
      await lab().guard.block(false);
    }
  });

  it('says where other traffic goes when the policy does', async () => {
    await useProfile(lab(), labPolicy(lab().plan), [
      'profile: proxy-stub',
      `proxies: ["tcp:${OTHER}:80"]`,
      'direct: any',
    ]);
    expect(await raised(direct)).toEqual([]);
    expect((await lab().guard.status()).direct).toBe('any');
  });
});
