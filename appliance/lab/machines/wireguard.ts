// Userspace WireGuard at both ends: keys, interfaces and the laptop's full tunnel. Configured with wg(8); the routes are those of
// wg-quick(8): a firewall mark, a separate routing table, and `suppress_prefixlength`.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Namespace } from './namespace.ts';
import { LAN, NET, TUNNEL } from '../plan.ts';
import { must, type Running } from '../processes/process.ts';

/** Keys as wg(8) writes them: 32 bytes in base64. */
export interface KeyPair {
  readonly secret: string;
  readonly public: string;
}

/** Firewall mark and routing table of the tunnel's datagrams, as wg-quick chooses them. */
const MARK_AND_TABLE = '51820';

/**
 * Debian 13's wireguard-go sends its first datagrams after a move from IPv4 to IPv6 to this address: it copies only four bytes of the
 * server's address. The guard rightly reports that as a leak, which would disturb the lab, so the route is blocked.
 */
const TRUNCATED_SERVER6 = '2001:db8::';

/** A new key pair of wg(8). Rejects with LabError when wg is missing. */
export async function newKeyPair(): Promise<KeyPair> {
  const secret = (await must(['wg', 'genkey'])).stdout.trim();
  const pub = (await must(['wg', 'pubkey'], { input: `${secret}\n` })).stdout.trim();
  return { secret, public: pub };
}

/** An endpoint in the notation of wg(8): `a.b.c.d:port`, or `[address]:port` for IPv6. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const MTU = '1420';

/** The configuration is written to a file in `dir`: wg opens it by name, and Node's stdin pipes are sockets, which cannot be opened by name. */
async function interfaceUp(space: Namespace, dir: string, name: string, conf: string): Promise<Running> {
  const running = await space.start(['wireguard-go', name], {
    env: { WG_PROCESS_FOREGROUND: '1', LOG_LEVEL: 'verbose' },
  });
  await running.line(/UAPI listener started/);
  const file = join(dir, `${name}.conf`);
  await writeFile(file, conf, { mode: 0o600 });
  await space.must(['wg', 'setconf', name, file]);
  await space.ip(`link set ${name} mtu ${MTU} up`);
  return running;
}

/**
 * The tunnel server in the uplink: an interface `name` with the server's addresses, listening on NET.tunnelPort. `peer`: the laptop's
 * public key; its configuration is written below `dir`. Resolves with wireguard-go when it is up. Rejects with LabError.
 */
export async function startServer(
  space: Namespace,
  dir: string,
  name: string,
  own: KeyPair,
  peer: string,
): Promise<Running> {
  const conf = [
    '[Interface]',
    `PrivateKey = ${own.secret}`,
    `ListenPort = ${NET.tunnelPort}`,
    '[Peer]',
    `PublicKey = ${peer}`,
    `AllowedIPs = ${TUNNEL.laptop4}/32, ${TUNNEL.laptop6}/128`,
    '',
  ].join('\n');
  const running = await interfaceUp(space, dir, name, conf);
  await space.ip(`addr add ${TUNNEL.server4}/24 dev ${name}`);
  await space.ip6(`addr add ${TUNNEL.server6}/64 dev ${name} nodad`);
  // Some versions of wireguard-go answer from the interface's address instead of the address that was contacted.
  const answers = `rule add ipproto udp sport ${NET.tunnelPort} table ${MARK_AND_TABLE} priority 1000`;
  const from = (prefix: string, server: string): string =>
    `route add ${prefix} dev eth0 src ${server} table ${MARK_AND_TABLE}`;
  await space.ip(from(LAN.prefix4, NET.tunnelServer4), answers);
  await space.ip6(from(LAN.prefix6, NET.tunnelServer6), answers);
  return running;
}

/**
 * A full tunnel with the gaps of real laptops: traffic bound to eth0 or to its addresses leaves outside the tunnel, and so does traffic to
 * the local network, such as a query to the router's resolver. Interface `name`; `peer`: the server's public key. Resolves with
 * wireguard-go when the routes are set, which does not mean that the server has answered. Rejects with LabError.
 */
export async function startClient(
  space: Namespace,
  dir: string,
  name: string,
  own: KeyPair,
  peer: string,
): Promise<Running> {
  const conf = [
    '[Interface]',
    `PrivateKey = ${own.secret}`,
    `FwMark = ${MARK_AND_TABLE}`,
    '[Peer]',
    `PublicKey = ${peer}`,
    `Endpoint = ${endpointText(NET.tunnelServer4, NET.tunnelPort)}`,
    'AllowedIPs = 0.0.0.0/0, ::/0',
    'PersistentKeepalive = 5',
    '',
  ].join('\n');
  const running = await interfaceUp(space, dir, name, conf);
  const routes = [
    `route add default dev ${name} table ${MARK_AND_TABLE}`,
    `rule add not fwmark ${MARK_AND_TABLE} table ${MARK_AND_TABLE} priority 32765`,
    'rule add table main suppress_prefixlength 0 priority 32764',
  ];
  await space.ip(
    `addr add ${TUNNEL.laptop4}/24 dev ${name}`,
    ...routes,
    `rule add from ${LAN.prefix4} table main priority 1000`,
  );
  await space.ip6(
    `addr add ${TUNNEL.laptop6}/64 dev ${name} nodad`,
    ...routes,
    `rule add from ${LAN.prefix6} table main priority 1000`,
    `route add unreachable ${TRUNCATED_SERVER6}/128`,
  );
  return running;
}

/**
 * Makes the client use another address of its server, as it does when its network changes. `peer`: the server's public key; `address`: IPv4
 * or IPv6 as text. Rejects with LabError.
 */
export async function roam(space: Namespace, name: string, peer: string, address: string): Promise<void> {
  await space.must(['wg', 'set', name, 'peer', peer, 'endpoint', endpointText(address, NET.tunnelPort)]);
}
