// Three real tunnels whose servers have names (WireGuard, OpenVPN, IKEv2), the resolver that leads there, and how servers move. This kernel
// has no ESP: strongSwan carries it itself, in UDP (kernel-libipsec).
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//   10.67.0.2 === wg.example ======= 198.51.100.17, then .27 === 10.67.0.1
//   10.68.0.2 === ovpn.example ===== 198.51.100.18, then .28 === 10.68.0.1
//   10.69.0.2 === ike.example ====== 198.51.100.19, then .29 === 10.69.0.1     names: 203.0.113.54

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { LAN, NETNS_CONFIG_DIR, WIREGUARD_DIR } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { newKeyPair } from '../../appliance/lab/machines/wireguard.ts';
import type { KeyPair } from '../../appliance/lab/machines/wireguard.ts';
import { party } from './party.ts';
import { RESOLVER, SecondResolver } from './second-resolver.ts';
import type { Names } from './second-resolver.ts';

const TTL_SECONDS = 30;

export interface NamedTunnel {
  readonly name: string;
  /** As the policy has it. */
  readonly protocol: 'wireguard' | 'openvpn' | 'ipsec';
  readonly host: string;
  readonly port: number;
  /** Where the server is, and where it moves to. */
  readonly servers: readonly [string, string];
  /** The server's address inside. */
  readonly inside: string;
}

export const NAMED: readonly NamedTunnel[] = [
  {
    ...{ name: 'wg', protocol: 'wireguard', host: 'wg.example', port: 51_830 },
    ...{ servers: ['198.51.100.17', '198.51.100.27'], inside: '10.67.0.1' },
  },
  {
    ...{ name: 'ovpn', protocol: 'openvpn', host: 'ovpn.example', port: 1194 },
    ...{ servers: ['198.51.100.18', '198.51.100.28'], inside: '10.68.0.1' },
  },
  {
    ...{ name: 'ike', protocol: 'ipsec', host: 'ike.example', port: 500 },
    ...{ servers: ['198.51.100.19', '198.51.100.29'], inside: '10.69.0.1' },
  },
];
const [WG, OVPN, IKE] = NAMED as readonly [NamedTunnel, NamedTunnel, NamedTunnel];

const PROPOSAL = 'proposals = aes128-sha256-modp2048';
const ESP_PROPOSAL = 'esp_proposals = aes128-sha256';

/** A client that hears nothing looks its server up again after so many seconds, and is not patient with what does not answer. */
const SILENCE_SECONDS = 8;

export class NamedTunnels {
  readonly #lab: Lab;
  readonly #running: Running[] = [];
  readonly #resolver: SecondResolver;
  #keys: { readonly server: KeyPair; readonly laptop: KeyPair } | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#resolver = new SecondResolver(lab);
  }

  /** Servers and resolver answer when this resolves; programs of the laptop ask that resolver from then on. */
  async serve(): Promise<void> {
    const { uplink } = this.#lab.network;
    await uplink.ip(
      ...NAMED.map(({ inside }) => `addr add ${inside}/32 dev lo`).slice(2),
      ...NAMED.map(({ servers }) => `addr add ${servers[0]}/32 dev lo`),
    );
    await Promise.all([this.#serveNames(), this.#serveWireguard(), this.#serveOpenvpn(), this.#serveIke()]);
  }

  /** The three clients look their servers up, as their users configured them; the tunnels carry when this resolves. */
  async connect(): Promise<void> {
    const { laptop } = this.#lab.network;
    // A client that has lost its tunnel must not send what is inside past it: that is its own kill switch.
    await laptop.ip(...NAMED.map(({ inside }) => `route add unreachable ${networkOf(inside)} metric 4000`));
    await Promise.all([this.#connectWireguard(), this.#connectOpenvpn(), this.#connectIke()]);
    for (const { inside } of NAMED) await laptop.must(['ping', '-c', '1', '-w', '30', inside]);
  }

  /** All servers leave their addresses for others, and the names lead there; clients are not told. */
  async move(): Promise<void> {
    const { uplink } = this.#lab.network;
    await uplink.ip(
      ...NAMED.flatMap(({ servers: [from, to] }) => [
        `addr del ${from}/32 dev lo`,
        `addr add ${to}/32 dev lo`,
      ]),
      `route replace ${LAN.prefix4} dev eth0 src ${WG.servers[1]} table ${WG.port}`,
    );
    await this.#resolver.change(leadingTo(1));
  }

  /** WireGuard never asks again by itself: this is what reresolve-dns.sh of wireguard-tools does from time to time. */
  async lookWireguardUp(): Promise<void> {
    const peer = ['peer', this.#keys?.server.public ?? '', 'endpoint', `${WG.host}:${String(WG.port)}`];
    await this.#lab.network.laptop.must(['wg', 'set', this.#wireguard('n'), ...peer]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#resolver, ...this.#running.splice(0)].map((running) => running.stop()));
    for (const end of ['n', 'm'] as const)
      await rm(join(WIREGUARD_DIR, `${this.#wireguard(end)}.sock`), { force: true });
  }

  /** Its sockets share one directory of the whole machine. */
  #wireguard(end: 'n' | 'm'): string {
    return `w${end}-${this.#lab.plan.id}`;
  }

  async #start(space: Namespace, ...words: Parameters<Namespace['start']>): Promise<Running> {
    const [argv, options] = words;
    const running = await space.start(argv, { log: join(this.#lab.plan.dir, 'named.log'), ...options });
    this.#running.push(running);
    return running;
  }

  async #serveNames(): Promise<void> {
    const { plan } = this.#lab;
    await this.#resolver.start(leadingTo(0), [`local-ttl=${String(TTL_SECONDS)}`]);
    const dir = join(NETNS_CONFIG_DIR, plan.namespaces.laptop);
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'resolv.conf'), `nameserver ${RESOLVER}\n`);
  }

  async #wireguardUp(space: Namespace, end: 'n' | 'm', conf: readonly string[]): Promise<void> {
    const name = this.#wireguard(end);
    const running = await this.#start(space, ['wireguard-go', name], {
      env: { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'verbose' },
    });
    await running.line(/UAPI listener started/);
    const file = join(this.#lab.plan.dir, `${name}.conf`);
    await writeFile(file, `${conf.join('\n')}\n`, { mode: 0o600 });
    await space.must(['wg', 'setconf', name, file]);
    await space.ip(`link set ${name} mtu 1420 up`);
  }

  async #serveWireguard(): Promise<void> {
    const { uplink } = this.#lab.network;
    const [server, laptop] = await Promise.all([newKeyPair(), newKeyPair()]);
    this.#keys = { server, laptop };
    await this.#wireguardUp(uplink, 'm', [
      ...['[Interface]', `PrivateKey = ${server.secret}`, `ListenPort = ${String(WG.port)}`],
      ...['[Peer]', `PublicKey = ${laptop.public}`, 'AllowedIPs = 10.67.0.2/32'],
    ]);
    // As in the lab's own tunnel: some versions of wireguard-go answer from the address of the interface.
    await uplink.ip(
      `addr add ${WG.inside}/24 dev ${this.#wireguard('m')}`,
      `route add ${LAN.prefix4} dev eth0 src ${WG.servers[0]} table ${WG.port}`,
      `rule add ipproto udp sport ${String(WG.port)} table ${WG.port} priority 1001`,
    );
  }

  async #connectWireguard(): Promise<void> {
    const { laptop } = this.#lab.network;
    if (this.#keys === undefined) throw new Error('serve first');
    const { server, laptop: own } = this.#keys;
    await this.#wireguardUp(laptop, 'n', [
      ...['[Interface]', `PrivateKey = ${own.secret}`, '[Peer]', `PublicKey = ${server.public}`],
      ...[`AllowedIPs = ${networkOf(WG.inside)}`, 'PersistentKeepalive = 5'],
    ]);
    await laptop.ip(`addr add 10.67.0.2/24 dev ${this.#wireguard('n')}`);
    await this.lookWireguardUp();
  }

  async #serveOpenvpn(): Promise<void> {
    const { plan, network } = this.#lab;
    const [server, client] = await Promise.all([party(plan.dir, 'ovpn-s'), party(plan.dir, 'ovpn-c')]);
    const running = await this.#start(network.uplink, [
      ...(['openvpn', '--dev', 'ovn', '--dev-type', 'tun', '--verb', '3', '--dh', 'none'] as const),
      ...['--server', '10.68.0.0', '255.255.255.0', '--topology', 'subnet', '--proto', 'udp'],
      ...['--port', String(OVPN.port), '--multihome', '--keepalive', '2', String(SILENCE_SECONDS)],
      ...identity(server, client.fingerprint),
    ]);
    await running.line(/Initialization Sequence Completed/, 30_000);
    this.#openvpn = [
      ...(['openvpn', '--client', '--dev', 'ovn', '--dev-type', 'tun', '--verb', '3', '--nobind'] as const),
      ...['--remote', OVPN.host, String(OVPN.port), 'udp', '--persist-tun', '--connect-retry', '1', '2'],
      ...['--hand-window', '10', ...identity(client, server.fingerprint)],
    ];
  }

  #openvpn: readonly [string, ...string[]] = ['openvpn'];

  async #connectOpenvpn(): Promise<void> {
    const running = await this.#start(this.#lab.network.laptop, this.#openvpn);
    await running.line(/Initialization Sequence Completed/, 30_000);
  }

  async #serveIke(): Promise<void> {
    await this.#charon(this.#lab.network.uplink, 'server', 30, [
      ...['connections {', 'home {', 'version = 2', 'mobike = no', 'encap = yes', 'dpd_delay = 30s'],
      ...['pools = inside', PROPOSAL, 'local {', 'auth = psk', 'id = server', '}'],
      ...['remote {', 'auth = psk', 'id = laptop', '}', 'children {', 'net {', ESP_PROPOSAL],
      ...[`local_ts = ${IKE.inside}/32`, '}', '}', '}', '}'],
      ...['pools {', 'inside {', 'addrs = 10.69.0.2/32', '}', '}'],
    ]);
  }

  async #connectIke(): Promise<void> {
    await this.#charon(this.#lab.network.laptop, 'laptop', 1, [
      ...['connections {', 'home {', 'version = 2', 'mobike = no', 'encap = yes', 'dpd_delay = 2s'],
      ...[`remote_addrs = ${IKE.host}`, 'vips = 0.0.0.0', 'keyingtries = 0', PROPOSAL],
      ...['local {', 'auth = psk', 'id = laptop', '}', 'remote {', 'auth = psk', 'id = server', '}'],
      ...['children {', 'net {', ESP_PROPOSAL, `remote_ts = ${IKE.inside}/32`, 'start_action = start'],
      ...['close_action = start', 'dpd_action = restart', '}', '}', '}', '}'],
    ]);
  }

  /** One IKE daemon with its connection; it asks `patience` seconds until it repeats an unanswered request. */
  async #charon(
    space: Namespace,
    name: string,
    patience: number,
    connection: readonly string[],
  ): Promise<void> {
    const dir = join(this.#lab.plan.dir, `swan-${name}`);
    await mkdir(dir);
    const socket = `unix://${dir}/vici`;
    const plugins = 'random nonce aes sha1 sha2 hmac kdf drbg gmp kernel-libipsec kernel-netlink';
    const settings = [
      ...['charon-systemd {', `load = ${plugins} socket-default vici updown`],
      ...[`retransmit_timeout = ${String(patience)}.0`, 'retransmit_tries = 2', 'retransmit_base = 1.5'],
      ...['retry_initiate_interval = 1', 'plugins {', 'vici {', `socket = ${socket}`, '}', '}'],
      ...['filelog {', 'log {', `path = ${dir}/log`, 'default = 1', 'flush_line = yes', '}', '}', '}'],
    ];
    const secret = ['secrets {', 'ike-1 {', 'secret = "of these two alone"', '}', '}'];
    const [conf, connections] = [join(dir, 'strongswan.conf'), join(dir, 'swanctl.conf')];
    await writeFile(conf, `${settings.join('\n')}\n`);
    await writeFile(connections, `${[...connection, ...secret].join('\n')}\n`, { mode: 0o600 });
    const env = { STRONGSWAN_CONF: conf };
    await this.#start(space, ['/usr/sbin/charon-systemd'], { env });
    const load = ['swanctl', '--load-all', '--noprompt', '--file', connections, '--uri', socket] as const;
    await vi.waitFor(() => space.must(load, { env }), { timeout: 20_000, interval: 200 });
  }
}

function identity(own: { certificate: string; key: string }, peer: string): readonly string[] {
  return ['--cert', own.certificate, '--key', own.key, '--peer-fingerprint', peer];
}

function leadingTo(which: 0 | 1): Names {
  return NAMED.map(({ host, servers }) => [host, servers[which]]);
}

function networkOf(inside: string): string {
  return inside.replace(/\.1$/, '.0/24');
}
