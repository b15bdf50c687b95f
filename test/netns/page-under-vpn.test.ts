// Checks that the page opens from a laptop whose whole traffic goes into a tunnel, by the box's own address and by the fixed one when the
// box's own is not on the laptop's link; that nothing of the fixed address is seen on wan; and that ssh, where the policy wants it, is let
// in from the laptop alone.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { LAN, NET } from '../../appliance/lab/plan.ts';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { FIXED_ADDRESS } from '../../src/policy/policy.ts';
import { address4, mac, u16 } from '../policy/frames.ts';
import { ask } from './ask.ts';
import { labForTests, seenByUplink } from './harness.ts';

const SEND = fileURLToPath(new URL('./send-frame.mjs', import.meta.url));
const PORT = 1194;
const OWN = `http://${LAN.box}/`;
const FIXED = `http://${FIXED_ADDRESS}/`;
const lab = labForTests({ filling: 'guard' });
let page: Running;

beforeAll(async () => {
  const { plan, network } = lab();
  await putPolicy(withOvpn(labPolicy(plan)));
  // As on a box: one socket for all of its addresses; what may reach it is the firewall's doing.
  page = await network.box.start(
    programArgv(
      'web/main',
      ...['--api', plan.files.api, '--host', '0.0.0.0', '--port', '80', '--state-dir', `${plan.dir}/page`],
    ),
  );
  await page.line(/shows/);
  await lab().guard.block(true);
  // The hole that the lab's laptop has for its scenarios: a full tunnel has none.
  await network.laptop.ip(`rule del from ${LAN.prefix4} table main priority 1000`);
});
afterAll(() => page.stop());

const withOvpn = (policy: string): string =>
  policy.replace(
    'bridge:',
    `  - {name: ovpn, protocol: openvpn, endpoints: ["udp:${NET.tunnelServer4}:${String(PORT)}"]}\nbridge:`,
  );

async function putPolicy(text: string): Promise<void> {
  const { status } = await ask(lab().plan.files.api, 'PUT', '/v1/policy', { text });
  if (status !== 200) throw new Error(`the policy was refused: ${String(status)}`);
}

/** HTTP status of the page as the laptop's browser gets it; 0 when it gets none. */
async function opened(url: string): Promise<number> {
  const quiet = ['--silent', '--max-time', '5', '--output', '/dev/null', '--write-out', '%{http_code}'];
  const { stdout } = await lab().network.laptop.run(['curl', ...quiet, url]);
  return Number(stdout);
}

/** ARP that says, to whoever, that `address` is at `from`; in hexadecimal. */
function claim(from: string, to: string, address: string, operation: number): string {
  const link = [...mac(to), ...mac(from), ...u16(0x0806)];
  const head = [...u16(1), ...u16(0x0800), 6, 4, ...u16(operation)];
  const body = [...mac(from), ...address4(address), ...mac(to), ...address4(LAN.box)];
  return Buffer.from([...link, ...head, ...body]).toString('hex');
}

/** Which link of the laptop a packet to that address takes. */
async function linkTo(address: string): Promise<string> {
  const { stdout } = await lab().network.laptop.must(['ip', '-4', 'route', 'get', address]);
  return /\bdev (\S+)/.exec(stdout)?.[1] ?? '';
}

interface Party {
  readonly options: readonly string[];
  readonly fingerprint: string;
}

async function party(name: 'server' | 'client'): Promise<Party> {
  const { uplink } = lab().network;
  const [key, certificate] = [`${lab().plan.dir}/${name}.key`, `${lab().plan.dir}/${name}.crt`];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await uplink.must([
    'openssl',
    'req',
    '-x509',
    ...curve,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  const asked = ['x509', '-noout', '-sha256', '-fingerprint', '-in', certificate] as const;
  const { stdout } = await uplink.must(['openssl', ...asked]);
  return { options: ['--cert', certificate, '--key', key], fingerprint: stdout.trim().split('=')[1] ?? '' };
}

async function openvpn(): Promise<readonly Running[]> {
  const { laptop, uplink } = lab().network;
  const [server, client] = await Promise.all([party('server'), party('client')]);
  const common = ['--dev', 'ovpn', '--dev-type', 'tun', '--proto', 'udp', '--dh', 'none', '--ping', '2'];
  const started = [
    await uplink.start([
      ...(['openvpn', ...common, ...server.options, '--peer-fingerprint', client.fingerprint] as const),
      ...[
        '--tls-server',
        '--local',
        NET.tunnelServer4,
        '--port',
        String(PORT),
        '--ifconfig',
        '10.8.0.1',
        '10.8.0.2',
      ],
    ]),
    await laptop.start([
      ...(['openvpn', ...common, ...client.options, '--peer-fingerprint', server.fingerprint] as const),
      ...['--tls-client', '--remote', NET.tunnelServer4, String(PORT), '--nobind'],
      ...['--ifconfig', '10.8.0.2', '10.8.0.1', '--redirect-gateway', 'def1'],
    ]),
  ];
  await Promise.all(started.map((running) => running.line(/Initialization Sequence Completed/, 30_000)));
  return started;
}

/** The page as a full tunnel's laptop finds it, while the tunnel carries everything else. */
async function expectReached(url: string, tunnel: string): Promise<void> {
  expect(await linkTo(NET.web4)).toBe(tunnel);
  expect(await opened(url)).toBe(200);
}

describe('the page opens from a laptop', () => {
  it('with a full tunnel of WireGuard, at the box’s own address', async () => {
    expect(await linkTo(LAN.box)).toBe('eth0');
    await expectReached(OWN, lab().plan.wireguard.laptop);
    await lab().guard.waitFor('verified rules', ({ health }) => health.ruleset.verified, 10_000);
  });

  it('also while the uplink tells the box that the laptop is elsewhere', async () => {
    const { box, uplink } = lab().network;
    const client = LAN.laptop4;
    const bridge = (await box.must(['cat', '/sys/class/net/br0/address'])).stdout.trim();
    expect(await opened(OWN)).toBe(200);
    const lies = [LAN.routerMac, '02:de:ad:00:00:01'].flatMap((from) =>
      [bridge, 'ff:ff:ff:ff:ff:ff'].flatMap((to) =>
        [1, 2].map((operation) => claim(from, to, client, operation)),
      ),
    );
    for (const lie of lies) {
      // The kernel keeps a neighbour that was heard of within a second.
      await sleep(1_100);
      await uplink.must([process.execPath, SEND, 'eth0', lie]);
    }
    const neighbours = await box.must(['ip', 'neigh', 'show', client, 'dev', 'br0']);
    expect(neighbours.stdout).toContain(LAN.laptopMac);
    expect(await opened(OWN)).toBe(200);
  }, 30_000);

  it('also where the box’s own address is none of the laptop’s network, at the fixed one', async () => {
    const { plan, network } = lab();
    await putPolicy(withOvpn(labPolicy(plan).replace(`${LAN.box}/24`, '10.99.0.2/24')));
    await network.box.ip(`addr del ${LAN.box}/24 dev br0`);
    expect(await opened(OWN)).toBe(0);
    // macOS has this route by itself; on Linux and Windows README names the command.
    await network.laptop.ip('route add 169.254.0.0/16 dev eth0');
    // A bridge that was down has lost its way back: it is given again.
    await network.box.ip('link set br0 down', 'link set br0 up');
    await expect.poll(() => opened(FIXED), { timeout: 20_000, interval: 200 }).toBe(200);
    const seen = await seenByUplink(lab(), `arp host ${FIXED_ADDRESS} or host ${FIXED_ADDRESS}`, () =>
      expectReached(FIXED, plan.wireguard.laptop),
    );
    expect(seen).toEqual([]);
  });

  it('with a full tunnel of OpenVPN, at both', async () => {
    const { plan, network } = lab();
    await network.laptop.ip(`rule del not fwmark 51820 table 51820 priority 32765`);
    await network.laptop.ip('rule del table main suppress_prefixlength 0 priority 32764');
    const started = await openvpn();
    try {
      await expectReached(FIXED, 'ovpn');
      await putPolicy(withOvpn(labPolicy(plan)));
      await expectReached(OWN, 'ovpn');
    } finally {
      await Promise.all(started.map((running) => running.stop()));
    }
  });

  it('and from nowhere else: on wan nobody answers at the fixed address, nor may anyone say it is theirs', async () => {
    const { laptop, uplink } = lab().network;
    await uplink.ip('route add 169.254.0.0/16 dev eth0');
    const argv = ['curl', '--silent', '--max-time', '2', '--output', '/dev/null', FIXED] as const;
    expect((await uplink.run(argv)).code).not.toBe(0);
    await uplink.ip(`addr add ${FIXED_ADDRESS}/32 dev eth0`);
    await laptop.ip(`neigh flush dev eth0`);
    expect(await opened(FIXED)).toBe(200);
    const { stdout } = await laptop.must(['ip', 'neigh', 'show', FIXED_ADDRESS]);
    expect(stdout).not.toContain(LAN.routerMac);
  });

  it('and no port of the box answers the uplink, though nmap asks every one', async () => {
    const { box, uplink, laptop } = lab().network;
    const mac = (await box.must(['cat', '/sys/class/net/br0/address'])).stdout.trim();
    // The box need not say where it is: whoever has seen one of its frames knows.
    await uplink.ip(`neigh replace ${LAN.box} lladdr ${mac} dev eth0`);
    const scan = ['-n', '-Pn', '--disable-arp-ping', '--max-retries', '0', '--min-rate', '10000', '-oG', '-'];
    const nmap = (...direction: readonly string[]) =>
      ['nmap', ...scan, ...direction, LAN.box] as [string, ...string[]];
    for (const direction of [
      ['-sS', '-p-'],
      ['-sU', '--top-ports', '1000'],
      ['-sA', '-p', '1-1024'],
    ]) {
      const { stdout } = await uplink.must(nmap(...direction));
      expect(stdout, direction.join(' ')).toContain('Status: Up');
      // "Closed" is an answer too: a box that is not there gives none.
      expect(stdout, direction.join(' ')).not.toMatch(
        /\/(open|closed|unfiltered)\/|Ignored State: (closed|unfiltered)/,
      );
    }
    expect((await laptop.must(nmap('-sS', '-p', '80'))).stdout).toContain('80/open/tcp');
  });
});

describe('ssh', () => {
  it('comes to the box when the policy says so, from the laptop alone', async () => {
    const { plan, network } = lab();
    const { box, laptop, uplink } = network;
    const mac = (await box.must(['cat', '/sys/class/net/br0/address'])).stdout.trim();
    await uplink.ip(`neigh replace ${LAN.box} lladdr ${mac} dev eth0`);
    // The banner of RFC 4253 section 4.2: whoever reads it has an open connection.
    const server = await box.start([
      process.execPath,
      '--eval',
      `require('node:net').createServer((one) => one.end('SSH-2.0-box\\r\\n')).listen(22, () => console.log('listens'))`,
    ]);
    const banner = async (from: Namespace): Promise<string> => {
      const words = ['--silent', '--max-time', '2', '--http0.9', `http://${LAN.box}:22/`];
      return (await from.run(['curl', ...words])).stdout.trim();
    };
    const answered = async (): Promise<readonly string[]> => [await banner(laptop), await banner(uplink)];
    try {
      await server.line(/listens/);
      const shut = withOvpn(labPolicy(plan));
      await putPolicy(shut);
      expect(await answered()).toEqual(['', '']);
      await putPolicy(shut.replace(/(?<=management: \{.*)\}/, ', ssh: true}'));
      expect(await answered()).toEqual(['SSH-2.0-box', '']);
      const scan = ['-n', '-Pn', '--disable-arp-ping', '--max-retries', '1', '-sS', '-p', '22', '-oG', '-'];
      expect((await uplink.must(['nmap', ...scan, LAN.box])).stdout).toContain('22/filtered/tcp');
      await lab().guard.waitFor('verified rules', ({ health }) => health.ruleset.verified, 10_000);
      await putPolicy(shut);
      expect(await answered()).toEqual(['', '']);
    } finally {
      await server.stop();
    }
  });
});
