// Checks that an answer for a tunnel's name opens the tunnel and nothing else: what is said there that is not the tunnel's is a leak with
// its name, and closes an address that nothing has proven. Programs are real: curl and openssl's server, OpenVPN at both ends. What crossed
// is what tcpdump sees on the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink, a web server at the address that it answers for the tunnel's name

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import type { IncidentView } from '../../src/api/status.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { incidentsOf } from './rule-watch.ts';

const SPLIT = fileURLToPath(new URL('./split-hello.mjs', import.meta.url));
const BULK = fileURLToPath(new URL('./bulk.mjs', import.meta.url));
const SERVER = NET.tunnelServer4;
const NAME = NET.tunnelName;
const PORT = '8443';
const OTHER = 'www.bank.example';
/** What the laptop says there, and that it has data. */
const SAID = `src host ${LAN.laptop4} and dst host ${SERVER} and tcp dst port ${PORT}`;
const WITH_DATA = `${SAID} and ip[2:2] > 20 + (tcp[12] >> 4) * 4`;

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let web: Running;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  // What its own tunnel says, every five seconds, to this server under a policy without it would be a visit there, and the address refused
  // for it where that comes between policy and answer.
  await lab().network.laptop.ip(`link del ${lab().plan.wireguard.laptop}`);
  // What was stopped is not said again when its program is gone: it would be a visit of the next test (tcp(7)).
  await lab().network.laptop.sysctl('net/ipv4/tcp_orphan_retries', '1');
  const { uplink } = lab().network;
  const file = (name: string): string => `${lab().plan.dir}/${name}`;
  await uplink.must([
    'openssl',
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=web', '-keyout', file('web.key'), '-out', file('web.crt')],
  ]);
  await startWeb();
});
afterAll(async () => {
  await web.stop();
  await daemon.stop();
});

async function startWeb(): Promise<void> {
  const { uplink } = lab().network;
  const file = (name: string): string => `${lab().plan.dir}/${name}`;
  web = await uplink.start([
    'openssl',
    ...['s_server', '-accept', `${SERVER}:${PORT}`, '-www'],
    ...['-cert', file('web.crt'), '-key', file('web.key')],
  ]);
  await web.line(/ACCEPT/, 10_000);
}

/** Past the tunnel, and without a byte of data: curl's telnet says what its input says, which is nothing. */
async function connects(): Promise<boolean> {
  const words = [
    '-s',
    '--interface',
    'eth0',
    '-m',
    '1',
    '-w',
    '%{time_connect}',
    `telnet://${SERVER}:${PORT}`,
  ];
  return Number((await lab().network.laptop.run(['curl', ...words])).stdout) > 0;
}

/** A tunnel of this protocol at that name, whose address an answer has just brought to a daemon that knows nothing else. */
async function answered(protocol: string, block: boolean): Promise<void> {
  // It serves one client at a time, and what a client that was stopped has begun there never ends.
  await web.stop();
  await startWeb();
  await lab().guard.block(block);
  // What the kernel still says for a program that is gone would be a visit there, and the address refused for it.
  const rest = async (): Promise<string> =>
    (
      await lab().network.laptop.must([
        'ss',
        '-Htan',
        'exclude',
        'time-wait',
        'exclude',
        'fin-wait-2',
        'dst',
        SERVER,
      ])
    ).stdout;
  await expect.poll(rest, { timeout: 30_000 }).toBe('');
  const tunnel = `  - {name: answered, protocol: ${protocol}, endpoints: ["tcp:${NAME}:${PORT}"]}\n`;
  const policy = labPolicy(lab().plan).replace(/tunnels:\n( .*\n)+/, `tunnels:\n${tunnel}`);
  expect(policy).toContain(tunnel);
  expect(await daemon.putPolicy(labPolicy(lab().plan))).toBe(200);
  daemon.kill('daemon');
  await daemon.watching();
  expect(await daemon.putPolicy(policy)).toBe(200);
  await daemon.watching();
  // A client asks again when nothing answers: the first question may come before the taps have their orders.
  const isOpen = async (): Promise<string> => {
    const question = ['+tries=1', '+time=2', '-b', LAN.laptop4, '@203.0.113.53', NAME];
    const answer = await lab().network.laptop.run(['dig', ...question]);
    return (await connects()) ? 'open' : `${answer.stdout}\n${await evidence()}`;
  };
  await expect.poll(isOpen, { timeout: 30_000 }).toBe('open');
  await lab().guard.acknowledge();
}

/** What the box says and the kernel holds, for whoever reads why an address did not open. */
async function evidence(): Promise<string> {
  const { health } = await lab().guard.status();
  const { stdout } = await lab().network.box.run(['nft', 'list', 'ruleset']);
  return [...health.warnings, JSON.stringify(await incidentsOf(lab())), stdout].join('\n');
}

/** The incident of rule F that tells of this name or address, once it is there. */
async function foreign(...exposures: readonly string[]): Promise<IncidentView> {
  const found = async (): Promise<IncidentView | undefined> =>
    (await incidentsOf(lab())).find(
      (one) => one.rule === 'F' && exposures.includes(one.exposure) && !one.acknowledged,
    );
  const isThere = async (): Promise<string> => ((await found()) === undefined ? await evidence() : 'there');
  await expect.poll(isThere, { timeout: 20_000 }).toBe('there');
  const incident = await found();
  if (incident === undefined) throw new Error('the incident is gone');
  return incident;
}

const curl = (url: string): Promise<unknown> =>
  lab().network.laptop.run([
    'curl',
    ...['-sSk', '--interface', 'eth0', '--max-time', '2'],
    ...['--resolve', `${OTHER}:${PORT}:${SERVER}`, url],
  ]);
const visit = (): Promise<unknown> => curl(`https://${OTHER}:${PORT}/`);
const warns = async (): Promise<boolean> =>
  (await lab().guard.status()).health.warnings.some((text) => text.includes(SERVER) && text.includes(NAME));

describe.each([
  ['block mode', true],
  ['watch mode', false],
])('in %s', (_mode, block) => {
  it.each(block ? ['opaque', 'tor'] : ['opaque'])(
    'a browser at the address of a tunnel (%s) is red with its name, and closes it',
    async (protocol) => {
      await answered(protocol, block);
      // The kernel cannot compare the name: the hello crosses, and is called what it is.
      expect((await seenByUplink(lab(), WITH_DATA, visit)).length).toBeGreaterThan(0);
      expect(await foreign(OTHER)).toMatchObject({ severity: 'red', kind: 'tls', destination: SERVER });
      await expect.poll(warns, { timeout: 5_000 }).toBe(true);
      if (block) {
        await expect.poll(connects, { timeout: 5_000 }).toBe(false);
        expect(await seenByUplink(lab(), SAID, visit)).toEqual([]);
      }
    },
  );

  it.each(block ? ['opaque', 'openvpn'] : ['opaque'])(
    'a readable request at the address of a tunnel (%s)',
    async (protocol) => {
      await answered(protocol, block);
      const crossed = await seenByUplink(lab(), WITH_DATA, () => curl(`http://${OTHER}:${PORT}/`));
      expect(crossed.length > 0).toBe(!block);
      expect(await foreign(OTHER)).toMatchObject({ severity: 'red', kind: 'http', escaped: crossed.length });
    },
  );

  it.each(block ? [1, 11] : [3])('a hello in pieces of %i bytes does not get by', async (piece) => {
    await answered('opaque', block);
    await lab().network.laptop.must([
      'timeout',
      '20',
      process.execPath,
      ...[SPLIT, LAN.laptop4, SERVER, PORT, OTHER, String(piece)],
    ]);
    // In the smallest pieces the name stands behind as many segments as anybody waits for.
    expect(await foreign(OTHER, SERVER)).toMatchObject({ severity: 'red' });
  });
});

describe('in block mode', () => {
  it('the tunnel itself comes up over TCP, is proven by what it carries, and nothing of it is foreign', async () => {
    await answered('openvpn', true);
    const { laptop, uplink } = lab().network;
    await web.stop();
    const [server, client] = await Promise.all([party(uplink, 'server'), party(laptop, 'client')]);
    const common = ['--dev-type', 'tun', '--verb', '3', '--dh', 'none', '--ping', '2'];
    const started: Running[] = [
      await uplink.start([
        ...(['openvpn', '--dev', 'ovs', ...common, ...id(server, client), '--tls-server'] as const),
        ...['--proto', 'tcp-server', '--local', SERVER, '--port', PORT, '--ifconfig', '10.8.9.1', '10.8.9.2'],
      ]),
      await laptop.start([
        ...(['openvpn', '--dev', 'ovc', ...common, ...id(client, server), '--tls-client'] as const),
        ...['--proto', 'tcp-client', '--remote', SERVER, PORT, '--local', LAN.laptop4, '--lport', '0'],
        ...['--ifconfig', '10.8.9.2', '10.8.9.1'],
      ]),
    ];
    try {
      await Promise.all(started.map((running) => running.line(/Initialization Sequence Completed/, 30_000)));
      const echo = await uplink.start([process.execPath, BULK, 'serve', '5001']);
      await echo.line(/ready/, 10_000);
      await laptop.must([process.execPath, BULK, 'send', '10.8.9.1', '5001', '2000000']);
      await echo.stop();
      const proven = async (): Promise<boolean> =>
        (await lab().guard.status()).tunnels.some(({ name, proven: is }) => name === 'answered' && is);
      await expect.poll(proven, { timeout: 10_000 }).toBe(true);
      expect(
        (await incidentsOf(lab())).filter(({ acknowledged, rule }) => !acknowledged && rule === 'F'),
      ).toEqual([]);
      await laptop.must(['ping', '-c', '1', '-w', '5', '10.8.9.1']);
    } finally {
      await Promise.all(started.map((running) => running.stop()));
      await startWeb();
    }
  });

  it('no byte of a hello reaches the address of OpenVPN', async () => {
    await answered('openvpn', true);
    expect(await seenByUplink(lab(), WITH_DATA, visit)).toEqual([]);
    expect(await foreign(OTHER)).toMatchObject({ severity: 'red', kind: 'tls', escaped: 0 });
    await expect.poll(connects, { timeout: 5_000 }).toBe(false);
  });
});

interface Party {
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint: string;
}

const id = (own: Party, peer: Party): string[] => [
  ...['--cert', own.certificate, '--key', own.key, '--peer-fingerprint', peer.fingerprint],
];

async function party(space: Namespace, name: string): Promise<Party> {
  const [key, certificate] = [`${lab().plan.dir}/${name}.key`, `${lab().plan.dir}/${name}.crt`];
  await space.must([
    'openssl',
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate],
  ]);
  const shown = await space.must([
    'openssl',
    'x509',
    '-noout',
    '-sha256',
    '-fingerprint',
    '-in',
    certificate,
  ]);
  return { certificate, key, fingerprint: shown.stdout.trim().split('=')[1] ?? '' };
}
