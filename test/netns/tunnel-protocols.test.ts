// Checks that real tunnels of other protocols pass in block mode, and that plain text sent to their server does not. WireGuard is every
// lab's own tunnel; OpenVPN is Debian's program; this kernel has no IPsec, so IKE and ESP are frames made here after RFC 7296 and RFC 4303
// (strongSwan's own: named-tunnels.ts).
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { party } from './party.ts';
import type { Party } from './party.ts';

const SEND = fileURLToPath(new URL('./frame-sender.mjs', import.meta.url));
const BULK = fileURLToPath(new URL('./bulk.mjs', import.meta.url));
const BULK_BYTES = 4_000_000;
const ECHO_PORT = '5001';
const UDP_PORT = 1194;
const TCP_PORT = 1195;
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  const tunnels = [
    `  - {name: ovpn, protocol: openvpn, endpoints: ["udp:${NET.tunnelServer4}:${String(UDP_PORT)}", "tcp:${NET.tunnelServer4}:${String(TCP_PORT)}"]}`,
    `  - {name: ike, protocol: ipsec, endpoints: ["udp:${NET.resolver4}:500"]}`,
  ];
  await daemon.start(labPolicy(lab().plan).replace('bridge:', `${tunnels.join('\n')}\nbridge:`));
  await lab().connectLaptop();
  await lab().guard.block(true);
});
afterAll(() => daemon.stop());

/** Sends packets of every fill through a tunnel and back, and says what the guard made of them. */
async function bulk(server: string): Promise<unknown> {
  const { laptop, uplink } = lab().network;
  const before = await lab().guard.status();
  const echo = await uplink.start([process.execPath, BULK, 'serve', ECHO_PORT]);
  try {
    await echo.line(/ready/, 10_000);
    await laptop.must([process.execPath, BULK, 'send', server, ECHO_PORT, String(BULK_BYTES)]);
  } finally {
    await echo.stop();
  }
  const after = await lab().guard.status();
  const known = new Set(before.incidents.map(({ id }) => id));
  return after.incidents.filter(({ id }) => !known.has(id));
}

describe('tunnels in block mode', () => {
  it('WireGuard carries packets of every size up to its MTU, and megabytes both ways, unseen as leaks', async () => {
    const { laptop } = lab().network;
    // 1392 and 28 are the MTU of 1420, which is no multiple of WireGuard's padding.
    for (const size of [0, 1, 1372, 1376, 1380, 1391, 1392])
      await laptop.must(['ping', '-c', '1', '-w', '5', '-M', 'do', '-s', String(size), TUNNEL.server4]);
    expect(await bulk(TUNNEL.server4)).toEqual([]);
  });

  it.each([
    ['udp', UDP_PORT, 'udp', 'udp'],
    ['tcp', TCP_PORT, 'tcp-server', 'tcp-client'],
  ])(
    'OpenVPN over %s comes up and carries a ping, and megabytes both ways',
    async (name, port, serverProtocol, clientProtocol) => {
      const { laptop, uplink } = lab().network;
      const { dir } = lab().plan;
      const [server, client] = await Promise.all([party(dir, `s-${name}`), party(dir, `c-${name}`)]);
      const common = [
        '--dev',
        `ov${name}`,
        '--dev-type',
        'tun',
        '--verb',
        '3',
        '--ping',
        '2',
        '--dh',
        'none',
      ];
      const id = (own: Party, peer: Party): string[] => [
        ...['--cert', own.certificate, '--key', own.key, '--peer-fingerprint', peer.fingerprint],
      ];
      const net = port % 256;
      const started: Running[] = [
        await uplink.start([
          ...([
            'openvpn',
            ...common,
            ...id(server, client),
            '--tls-server',
            '--proto',
            serverProtocol,
          ] as const),
          ...[
            '--local',
            NET.tunnelServer4,
            '--port',
            String(port),
            '--ifconfig',
            `10.8.${String(net)}.1`,
            `10.8.${String(net)}.2`,
          ],
        ]),
        await laptop.start([
          ...([
            'openvpn',
            ...common,
            ...id(client, server),
            '--tls-client',
            '--proto',
            clientProtocol,
          ] as const),
          ...['--remote', NET.tunnelServer4, String(port), '--local', LAN.laptop4, '--lport', '0'],
          ...['--ifconfig', `10.8.${String(net)}.2`, `10.8.${String(net)}.1`],
        ]),
      ];
      try {
        await Promise.all(
          started.map((running) => running.line(/Initialization Sequence Completed/, 30_000)),
        );
        await laptop.must(['ping', '-c', '3', '-i', '0.1', '-w', '10', `10.8.${String(net)}.1`]);
        expect(await bulk(`10.8.${String(net)}.1`)).toEqual([]);
      } finally {
        await Promise.all(started.map((running) => running.stop()));
      }
    },
  );

  it.each([
    ['IKE_SA_INIT on port 500', 'ike', 1],
    ['IKE behind the non-ESP marker on port 4500', 'ike-nat', 1],
    ['ESP in UDP on port 4500', 'esp-udp', 1],
    ['ESP', 'esp', 1],
    ['plain DNS on port 500', 'dns-500', 0],
    ['plain DNS on port 4500', 'dns-4500', 0],
    ['plain DNS on the WireGuard port of the WireGuard server', 'dns-wireguard', 0],
    ['plain DNS on the OpenVPN port of the OpenVPN server', 'dns-openvpn', 0],
    ['plain DNS on port 53 of the tunnel server', 'dns-server', 0],
  ])('%s', async (_case, frame, crosses) => {
    const { laptop } = lab().network;
    const seen = await seenByUplink(lab(), 'src host 192.168.77.66', () =>
      laptop.must([process.execPath, SEND, 'eth0', frame]),
    );
    expect(seen.length).toBe(crosses);
  });

  it('plain DNS to the tunnel’s own address and port is an incident of rule F', async () => {
    await lab().guard.acknowledge();
    await lab().network.laptop.must([process.execPath, SEND, 'eth0', 'dns-wireguard']);
    const status = await lab().guard.waitFor(
      'rule F',
      ({ incidents }) => incidents.some((incident) => incident.rule === 'F' && !incident.acknowledged),
      3_000,
    );
    const incident = status.incidents.find(({ rule, acknowledged }) => rule === 'F' && !acknowledged);
    expect(incident).toMatchObject({ kind: 'dns', exposure: 'leak.example', escaped: 0, breach: false });
  });
});
