// The shapes of configurations that VPN services hand out, each from its file into force and used by its own client. Every file is made
// here; keys are of this run. Clients that Debian has not (AmneziaWG, WARP) are imported, and their packets sent as frames; this kernel has
// no IPsec, so strongSwan brings its own.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { must } from '../../appliance/lab/processes/process.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { newKeyPair } from '../../appliance/lab/machines/wireguard.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
/** What the lab has its WireGuard client do. */
let shown = '';
const keyIn = (word: string): string => new RegExp(`^${word} = (.*)$`, 'm').exec(shown)?.[1] ?? '';

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  await lab().guard.block(true);
  // The lab's own client falls silent, and nothing is trusted but what a file brings.
  const { laptop } = lab().network;
  const device = lab().plan.wireguard.laptop;
  shown = (await laptop.must(['wg', 'showconf', device])).stdout;
  await laptop.must(['wg', 'set', device, 'peer', keyIn('PublicKey'), 'remove']);
  const policy = labPolicy(lab().plan).replace(/tunnels:\n(?: {2}.*\n)+/, 'tunnels: []\n');
  expect(policy).toContain('tunnels: []');
  expect(await daemon.putPolicy(policy)).toBe(200);
  await daemon.watching();
});
afterAll(() => daemon.stop());

const KEY = 'aW52ZW50ZWQta2V5LWludmVudGVkLWtleS1pbnZlbnRlMDE=';
/** A stream that has no beginning anybody knows, as Shadowsocks makes it: the salt comes first. */
const SERVER = `require('net').createServer((c)=>c.once('data',()=>c.end('00ff'.repeat(100)))).listen(+process.argv[2],process.argv[1],()=>console.log('ready'))`;
/** One datagram. */
const SEND = `const s=require('dgram').createSocket('udp4');s.bind(0,process.argv[3],()=>s.send(Buffer.from(process.argv[4],'hex'),+process.argv[2],process.argv[1],()=>s.close()))`;
const CLIENT = `const c=require('net').connect({host:process.argv[1],port:+process.argv[2],localAddress:process.argv[3]},()=>c.write(require('crypto').randomBytes(600)));c.pipe(process.stdout)`;

async function cli(...args: readonly string[]): Promise<unknown> {
  const { files } = lab().plan;
  const [node, ...rest] = programArgv('cli/main', 'tunnels', ...args, '--json', '--api', files.api);
  return JSON.parse((await must([node, ...rest])).stdout) as unknown;
}

/** Has a file imported and its client used; what was imported, whether it carried, and what got out past it. */
async function used(
  name: string,
  text: string,
  client: (
    file: string,
  ) => Promise<{ readonly ping: string; readonly running: readonly { stop(): Promise<unknown> }[] }>,
): Promise<{
  readonly protocol: string;
  readonly endpoints: readonly string[];
  readonly escaped: readonly unknown[];
}> {
  const file = join(lab().plan.dir, name);
  await writeFile(file, text, { mode: 0o600 });
  const tunnel = name.replace(/\..*/, '');
  const before = new Set((await lab().guard.status()).incidents.map(({ id }) => id));
  const { proposal } = (await cli('import', file, '--name', tunnel, '--yes')) as {
    readonly proposal: { readonly protocol: string; readonly endpoints: readonly string[] };
  };
  const { ping, running } = await client(file);
  try {
    const carried = await lab().network.laptop.run(['ping', '-c', '2', '-i', '0.1', '-w', '20', ping]);
    if (carried.code !== 0) expect.fail(`${carried.stdout}\n${await evidence()}`);
    const { incidents } = await lab().guard.status();
    const escaped = incidents.filter((incident) => !before.has(incident.id) && incident.escaped > 0);
    return { protocol: proposal.protocol, endpoints: proposal.endpoints, escaped };
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await cli('remove', tunnel);
  }
}

/** Where the packets of a tunnel that does not carry have gone. */
async function evidence(): Promise<string> {
  const { laptop, uplink, box } = lab().network;
  const said = await Promise.all([
    ...[laptop, uplink].flatMap((space) =>
      [['wg'], ['ip', 'neighbour'], ['ip', '-6', 'route'], ['ip', '-s', 'link', 'show', 'eth0']].map((argv) =>
        space.run(argv as [string, ...string[]]),
      ),
    ),
    box.run(['nft', 'list', 'ruleset']),
  ]);
  const { incidents, ...rest } = await lab().guard.status();
  return [
    ...said.map(({ stdout }) => stdout),
    JSON.stringify({ ...rest, incidents: incidents.slice(0, 5) }),
  ].join('\n\n');
}

const none = { escaped: [] };

describe('WireGuard', () => {
  const peer = (key: string, endpoint: string, allowed: string): string =>
    `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${allowed}\nEndpoint = ${endpoint}\nPersistentKeepalive = 25\n`;
  const all = '0.0.0.0/0, ::/0';
  const four = `${NET.tunnelServer4}:${NET.tunnelPort}`;
  const rows: readonly [string, (key: string, other: string) => string, readonly string[]][] = [
    ['wg-plain', (key) => peer(key, four, all), [`udp:${four}`]],
    [
      'wg-six',
      (key) => peer(key, `[${NET.tunnelServer6}]:${NET.tunnelPort}`, all),
      [`udp:[${NET.tunnelServer6}]:${NET.tunnelPort}`],
    ],
    [
      'wg-several',
      (key, other) => `${peer(key, four, all)}\n${peer(other, '198.51.100.99:51820', '10.99.0.0/24')}`,
      [`udp:${four}`, 'udp:198.51.100.99:51820'],
    ],
    [
      'wg-name',
      (key) => peer(key, `${NET.tunnelName}:${NET.tunnelPort}`, all),
      [`udp:${NET.tunnelName}:51820`],
    ],
  ];
  it.each(rows)('%s', async (name, peers, endpoints) => {
    const { laptop } = lab().network;
    const device = lab().plan.wireguard.laptop;
    const text = `[Interface]\nPrivateKey = ${keyIn('PrivateKey')}\nAddress = ${TUNNEL.laptop4}/32\nDNS = 10.66.0.53\n\n${peers(keyIn('PublicKey'), (await newKeyPair()).public)}`;
    const found = await used(`${name}.conf`, text, async (file) => {
      // As wg-quick does: what is not wg's own is taken out, and a name is asked for before the tunnel is up.
      const stripped = `${file}.wg`;
      let wg = text
        .replace(/^(?:Address|DNS) = .*\n/gm, '')
        .replace('[Interface]', '[Interface]\nFwMark = 51820');
      if (wg.includes(`${NET.tunnelName}:`)) {
        const asked = await laptop.must([
          'dig',
          '+short',
          '-b',
          LAN.laptop4,
          `@${NET.resolver4}`,
          NET.tunnelName,
        ]);
        wg = wg.replace(NET.tunnelName, asked.stdout.trim());
      }
      await writeFile(stripped, wg, { mode: 0o600 });
      await laptop.must(['wg', 'setconf', device, stripped]);
      const peers = wg.match(/(?<=^PublicKey = ).*$/gm) ?? [];
      const silence = peers.map((one) => ['wg', 'set', device, 'peer', one, 'remove'] as const);
      const stop = async (): Promise<void> => {
        for (const one of silence) await laptop.must(one);
      };
      return { ping: TUNNEL.server4, running: [{ stop }] };
    });
    expect(found).toEqual({ protocol: 'wireguard', endpoints, ...none });
  });
});

interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint: string;
}

async function identity(name: string): Promise<Identity> {
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const [key, certificate] = ['key', 'crt'].map((kind) => join(lab().plan.dir, `${name}.${kind}`));
  const out = ['-subj', `/CN=${name}`, '-keyout', key ?? '', '-out', certificate ?? ''];
  await must(['openssl', 'req', '-x509', ...made, ...out]);
  const told = await must(['openssl', 'x509', '-noout', '-sha256', '-fingerprint', '-in', certificate ?? '']);
  return {
    certificate: (await must(['cat', certificate ?? ''])).stdout,
    key: (await must(['cat', key ?? ''])).stdout,
    fingerprint: told.stdout.trim().split('=')[1] ?? '',
  };
}

const inline = (tag: string, text: string): string => `<${tag}>\n${text.trim()}\n</${tag}>\n`;

describe('OpenVPN', () => {
  const server = NET.tunnelServer4;
  const rows = [
    { name: 'ovpn-udp', net: 21, remotes: [`remote ${server} 1194`], proto: 'udp', extra: '' },
    { name: 'ovpn-tcp', net: 22, remotes: [`remote ${server} 1195`], proto: 'tcp', extra: '' },
    { name: 'ovpn-crypt', net: 23, remotes: [`remote ${server} 1194`], proto: 'udp', extra: 'tls-crypt' },
    { name: 'ovpn-auth', net: 24, remotes: [`remote ${server} 1194`], proto: 'udp', extra: 'tls-auth' },
    {
      ...{ name: 'ovpn-several', net: 25, proto: 'tcp', extra: '' },
      // Nobody listens at the first.
      remotes: [`remote ${server} 1199 tcp`, `remote ${server} 1195 tcp`],
    },
    { name: 'ovpn-static', net: 26, remotes: [`remote ${server} 1196`], proto: 'udp', extra: 'secret' },
  ];

  it.each(rows)('$name', async ({ name, net, remotes, proto, extra }) => {
    const { laptop, uplink } = lab().network;
    const { dir } = lab().plan;
    const [here, there] = await Promise.all([identity(`${name}-s`), identity(`${name}-c`)]);
    const shared = join(dir, `${name}.shared`);
    if (extra !== '') await must(['openvpn', '--genkey', 'secret', shared]);
    const secret = extra === '' ? '' : inline(extra, (await must(['cat', shared])).stdout);
    const port = remotes.at(-1)?.split(' ')[2] ?? '';
    const [mine, theirs] = [`10.8.${net}.2`, `10.8.${net}.1`];
    const isStatic = extra === 'secret';
    const common = `dev-type tun\nverb 3\nping 2\n${isStatic ? 'cipher AES-256-CBC\n' : ''}`;
    const id = (own: Identity, peer: Identity): string =>
      isStatic
        ? ''
        : `${inline('cert', own.certificate)}${inline('key', own.key)}${inline('peer-fingerprint', peer.fingerprint)}`;
    const direction = (one: number): string => (extra === 'tls-auth' ? `key-direction ${one}\n` : '');
    const client = [
      ...(isStatic ? [] : ['client', 'route-nopull', 'connect-retry 1 2']),
      ...[`dev c${net}`, `proto ${proto}`, ...remotes, `local ${LAN.laptop4}`, 'lport 0'],
      ...(isStatic ? [`ifconfig ${mine} ${theirs}`] : []),
    ].join('\n');
    const answers = [
      ...[
        `dev s${net}`,
        `local ${server}`,
        `port ${port}`,
        `proto ${proto === 'tcp' ? 'tcp-server' : 'udp'}`,
      ],
      ...(isStatic
        ? [`ifconfig ${theirs} ${mine}`]
        : [`server 10.8.${net}.0 255.255.255.0`, 'topology subnet', 'dh none']),
    ].join('\n');
    const serverFile = join(dir, `${name}-server.ovpn`);
    await writeFile(serverFile, `${answers}\n${common}${direction(0)}${id(here, there)}${secret}`, {
      mode: 0o600,
    });
    const text = `${client}\n${common}${direction(1)}${id(there, here)}${secret}`;
    const found = await used(`${name}.ovpn`, text, async (file) => {
      const listening = await uplink.start(['openvpn', '--config', serverFile]);
      const dialling = await laptop.start(['openvpn', '--config', file]);
      await dialling.line(/Initialization Sequence Completed/, 30_000);
      return { ping: theirs, running: [dialling, listening] };
    });
    expect(found).toEqual({
      ...{ protocol: isStatic ? 'opaque' : 'openvpn', ...none },
      endpoints: remotes.map((remote) => `${proto}:${server}:${remote.split(' ')[2] ?? ''}`),
    });
  });
});

describe('IKEv2', () => {
  it('swan', async () => {
    const { laptop, uplink } = lab().network;
    const { dir } = lab().plan;
    const [mine, theirs] = ['10.20.0.2', '10.20.0.1'];
    const conf = (
      side: string,
      local: string,
      remote: string,
      own: string,
      peer: string,
    ): string => `connections {
  ${side} {
    version = 2
    local_addrs = ${local}
    remote_addrs = ${remote}
    proposals = aes128-sha1-modp2048
    encap = yes
    local { auth = psk\n id = ${side} }
    remote { auth = psk }
    children {
      net {
        local_ts = ${own}/32
        remote_ts = ${peer}/32
        esp_proposals = aes128-sha1
      }
    }
  }
}
secrets {
  ike-1 { secret = "of this run alone" }
}
`;
    const raise = async (space: Namespace, name: string, file: string): Promise<Running> => {
      const socket = `unix://${join(dir, `${name}.vici`)}`;
      const settings = join(dir, `${name}-strongswan.conf`);
      await writeFile(
        settings,
        `charon-systemd {
  load = random nonce aes sha1 hmac kdf gmp drbg kernel-libipsec kernel-netlink socket-default vici updown
  plugins { vici { socket = ${socket} } }
  journal { default = -1 }
}
`,
      );
      const running = await space.start(['charon-systemd'], {
        env: { STRONGSWAN_CONF: settings },
        log: join(dir, `${name}.log`),
      });
      await expect
        .poll(
          async () => (await space.run(['swanctl', '--load-all', '--file', file, '--uri', socket])).code,
          { timeout: 20_000 },
        )
        .toBe(0);
      return running;
    };
    const serverFile = join(dir, 'swan-server.conf');
    await writeFile(serverFile, conf('server', NET.tunnelServer4, '%any', theirs, mine), { mode: 0o600 });
    await uplink.ip(`addr add ${theirs}/32 dev lo`);
    await laptop.ip(`addr add ${mine}/32 dev lo`);
    const text = conf('client', LAN.laptop4, NET.tunnelServer4, mine, theirs);
    const found = await used('swan.conf', text, async (file) => {
      const listening = await raise(uplink, 'swan-s', serverFile);
      const dialling = await raise(laptop, 'swan-c', file);
      await laptop.must([
        'swanctl',
        '--initiate',
        '--child',
        'net',
        '--uri',
        `unix://${join(dir, 'swan-c.vici')}`,
      ]);
      return { ping: theirs, running: [dialling, listening] };
    });
    expect(found).toEqual({ protocol: 'ipsec', endpoints: [`udp:${NET.tunnelServer4}:500`], ...none });
  });
});

describe('clients that Debian has not', () => {
  const rows = [
    {
      name: 'awg',
      text: `[Interface]\nPrivateKey = ${KEY}\nJc = 4\nJmin = 40\nJmax = 70\nS1 = 20\nS2 = 30\nH1 = 1001\nH2 = 1002\nH3 = 1003\nH4 = 1004\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 198.51.100.40:45678\n`,
      frame: { to: '198.51.100.40', port: 45678, payload: `ec030000${'5a'.repeat(60)}` },
    },
    {
      name: 'warp',
      text: `[Interface]\nPrivateKey = ${KEY}\nReserved = 185, 25, 129\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 198.51.100.41:2408\n`,
      frame: { to: '198.51.100.41', port: 2408, payload: `04b91981${'5a'.repeat(60)}` },
    },
  ];
  it.each(rows)(
    '$name: imported, its packets cross and plain text to its server does not',
    async ({ name, text, frame }) => {
      const file = join(lab().plan.dir, `${name}.conf`);
      await writeFile(file, text);
      await cli('import', file, '--name', name, '--yes');
      const { laptop } = lab().network;
      const sent = (payload: string): Promise<readonly unknown[]> =>
        seenByUplink(lab(), `udp port ${frame.port}`, () =>
          laptop.must([process.execPath, '-e', SEND, frame.to, String(frame.port), LAN.laptop4, payload]),
        );
      expect(await sent(frame.payload)).toHaveLength(1);
      expect(await sent(Buffer.from('GET / HTTP/1.1').toString('hex'))).toHaveLength(0);
      await cli('remove', name);
    },
  );

  it('shadowsocks: a local program is no server, which is said; its own server is trusted as opaque', async () => {
    const file = join(lab().plan.dir, 'shadowsocks.ovpn');
    await writeFile(file, 'client\ndev tun\nproto tcp\nremote vpn.example 443\nsocks-proxy 127.0.0.1 1080\n');
    await expect(cli('import', file, '--name', 'shadowsocks', '--yes')).rejects.toThrow(/socks-proxy/);
    await cli('add', 'shadowsocks', 'opaque', `tcp:${NET.web4}:8388`);
    const { laptop, uplink } = lab().network;
    const server = await uplink.start([process.execPath, '-e', SERVER, NET.web4, '8388']);
    try {
      await server.line(/ready/, 10_000);
      const told = await laptop.must([process.execPath, '-e', CLIENT, NET.web4, '8388', LAN.laptop4]);
      expect(told.stdout.trim()).toBe('00ff'.repeat(100));
    } finally {
      await server.stop();
      await cli('remove', 'shadowsocks');
    }
  });
});
