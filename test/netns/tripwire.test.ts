// Rule T raised by what a hostile network really does, case by case, and by nothing that a decent one does; and made red by an
// escape that follows. Holds README.md, rule T. Servers are udhcpd and dnsmasq, the laptop's clients udhcpc, dig, ping, curl.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink, rogue0 beside it     (test/netns/rogue.ts)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import type { Argv } from '../../appliance/lab/processes/process.ts';
import type { IncidentView } from '../../src/api/status.ts';
import { labForTests } from './harness.ts';
import { ROGUE, Rogue } from './rogue.ts';
import { curl, dig, incidentsOf, raisedBy, useProfile } from './rule-watch.ts';

const lab = labForTests({ filling: 'guard' });
let rogue: Rogue;

beforeAll(async () => {
  rogue = await Rogue.join(lab());
  // The laptop shall hear what the rogue says and not act on it: the next case needs the network as it was.
  await lab().network.laptop.sysctl('net/ipv6/conf/eth0/accept_ra', '0');
  await lab().network.laptop.sysctl('net/ipv4/conf/eth0/accept_redirects', '0');
  // The guard has to have met the network: its lease, its gateway, its router.
  await lab().renewLease();
  await lab().network.laptop.must(['ping', '-c', '1', '-w', '5', LAN.router4]);
});

afterAll(() => rogue.leave());

const run = (...argv: Argv): Promise<unknown> => lab().network.laptop.run(argv);
/** A second client of the laptop asks for a lease, and does nothing with it. */
const asksForLease = (): Promise<unknown> =>
  run('udhcpc', '-f', '-B', '-n', '-q', '-i', 'eth0', '-s', '/bin/true', '-t', '3', '-T', '1', '-A', '1');
/** What systems say by themselves, such as multicast memberships, is not asked about here. */
const raised = async (act: () => Promise<unknown>): Promise<readonly IncidentView[]> =>
  (await raisedBy(lab(), act)).filter(({ kind }) => kind !== 'igmp-mld');
const told = (incidents: readonly IncidentView[]): string[] =>
  incidents.map(({ rule, severity, exposure }) => `${rule} ${severity} ${exposure}`).sort();

const SUBNET = 'opt subnet 255.255.255.0';
const ROUTER = `opt router ${LAN.router4}`;

describe('a decent network', () => {
  it('raises nothing with leases, router advertisements and answers, new or renewed', async () => {
    const incidents = await raised(async () => {
      await asksForLease();
      await lab().renewLease();
      await lab().newLease();
      await run('ping', '-c', '1', '-w', '5', LAN.router4);
      await run('ping', '-c', '1', '-w', '5', '-6', LAN.router6);
    });
    expect(told(incidents).filter((one) => one.startsWith('T'))).toEqual([]);
  });
});

describe('a lease from somebody else', () => {
  it.each<[string, string, readonly string[], readonly string[]]>([
    [
      'with routes (option 121, TunnelVision)',
      '192.168.77.150',
      [SUBNET, ROUTER, `opt staticroutes 203.0.113.0/24 ${ROGUE.address}`],
      [`T amber routes by DHCP: 203.0.113.0/24 via ${ROGUE.address}`],
    ],
    [
      'with routes (option 249)',
      '192.168.77.151',
      [SUBNET, ROUTER, `opt msstaticroutes 192.0.2.128/25 ${ROGUE.address}`],
      [`T amber routes by DHCP: 192.0.2.128/25 via ${ROGUE.address}`],
    ],
    [
      'with a captive portal (option 114)',
      '192.168.77.152',
      [SUBNET, ROUTER, `opt 0x72 ${Buffer.from('https://portal.example/api').toString('hex')}`],
      ['T amber captive portal https://portal.example/api'],
    ],
    [
      'in a public range (TunnelCrack LocalNet)',
      '203.0.112.9',
      [SUBNET, 'opt router 203.0.112.1'],
      [
        `T amber gateway 203.0.112.1 by DHCP from ${ROGUE.address}`,
        'T amber public network range 203.0.112.0/24',
      ],
    ],
    [
      "in a range that holds the tunnel's server",
      '198.51.100.99',
      [SUBNET, 'opt router 198.51.100.1'],
      [
        `T amber gateway 198.51.100.1 by DHCP from ${ROGUE.address}`,
        'T amber network 198.51.100.0/24 overlaps the tunnel',
        'T amber public network range 198.51.100.0/24',
      ],
    ],
    [
      'that names another gateway',
      '192.168.77.155',
      [SUBNET, `opt router ${ROGUE.address}`],
      [`T amber gateway ${ROGUE.address} by DHCP from ${ROGUE.address}`],
    ],
    [
      'for seconds',
      '192.168.77.153',
      [SUBNET, ROUTER, 'opt lease 30'],
      [`T amber short lease from ${ROGUE.address}`],
    ],
  ])('%s', async (_what, first, lines, expected) => {
    const incidents = await raised(() => rogue.offering(first, lines, asksForLease));
    expect(told(incidents)).toEqual(expected);
    for (const { destination } of incidents) expect(destination).toBe(ROGUE.address);
  });

  it('whose route then carries an escape is red, and tells of it', async () => {
    const routes = [SUBNET, ROUTER, `opt staticroutes 203.0.113.80/32 ${ROGUE.address}`];
    const incidents = await raised(async () => {
      await rogue.offering('192.168.77.154', routes, asksForLease);
      await run(...curl(`http://${NET.web4}/`));
    });
    const [networkAttack, escape] = ['T', 'E'].map((rule) => incidents.find((one) => one.rule === rule));
    expect([networkAttack?.severity, escape?.severity]).toEqual(['red', 'red']);
    expect(networkAttack?.related).toContain(escape?.id);
    expect(escape?.related).toContain(networkAttack?.id);
  });
});

describe('other network attacks', () => {
  it('a gateway that is somebody else now', async () => {
    const incidents = await raised(async () => {
      await rogue.beingGateway(async () => {
        await lab().network.laptop.ip('neigh flush dev eth0');
        await run('ping', '-c', '1', '-W', '1', LAN.router4);
      });
    });
    expect(told(incidents)).toEqual([
      // The question itself went past the tunnel.
      `E red ${LAN.router4}`,
      `T amber gateway ${LAN.router4} claimed by ${ROGUE.mac}`,
    ]);
  });

  it('a second router', async () => {
    const incidents = await raised(() =>
      rogue.advertising(async () => {
        const isTold = (one: IncidentView): boolean => !one.acknowledged && one.exposure.includes(ROGUE.mac);
        await lab().guard.waitFor('the router', ({ incidents: all }) => all.some(isTold), 30_000);
      }),
    );
    expect(incidents.filter(({ rule }) => rule === 'T')).toMatchObject([{ severity: 'amber', kind: 'nd' }]);
    expect(incidents.find(({ rule }) => rule === 'T')?.exposure).toContain(ROGUE.mac);
  });

  it('a redirect, red once the redirected traffic has left', async () => {
    const { uplink } = lab().network;
    await uplink.sysctl('net/ipv4/ip_forward', '1');
    await uplink.ip(
      `neigh replace 192.168.77.55 lladdr 02:00:00:00:66:55 dev eth0`,
      'route replace 192.0.2.20/32 via 192.168.77.55 dev eth0',
    );
    const incidents = await raised(() =>
      run('ping', '-c', '3', '-i', '0.5', '-W', '1', '-I', 'eth0', '192.0.2.20'),
    );
    expect(told(incidents)).toEqual([
      'E red 192.0.2.20',
      // Who obeys looks for the gateway that it was sent to.
      'E red 192.168.77.55',
      expect.stringMatching(/^T red redirect of 192\.0\.2\.20.* via 192\.168\.77\.55/),
    ]);
    const networkAttack = incidents.find(({ rule }) => rule === 'T');
    expect(incidents.find(({ destination }) => destination === '192.0.2.20')?.related).toEqual([
      networkAttack?.id,
    ]);
  });

  it("a tunnel's host name that leads elsewhere", async () => {
    const policy = labPolicy(lab().plan).replace(
      /endpoints: .*/,
      `endpoints: ["udp:${NET.tunnelName}:51820", "udp:${NET.tunnelServer4}:51820"]`,
    );
    await useProfile(lab(), policy, ['profile: full-tunnel']);
    const asks = (server: string): Promise<unknown> => run(...dig(server, NET.tunnelName));
    expect(told(await raised(() => asks(NET.resolver4)))).toEqual([]);
    const elsewhere = '203.0.113.99';
    const incidents = await raised(() =>
      rogue.answering(NET.tunnelName, elsewhere, () => asks(ROGUE.address)),
    );
    // A resolver that the network did not name is looked for on the link: a destination like any other.
    expect(told(incidents)).toEqual([`E red ${ROGUE.address}`, `T amber ${NET.tunnelName}`]);
    const networkAttack = incidents.find(({ rule }) => rule === 'T');
    expect(networkAttack).toMatchObject({ destination: elsewhere });
    expect(networkAttack?.why).toContain(`was ${NET.tunnelServer4} and is now answered with ${elsewhere}`);
    // What then goes there without being the tunnel makes it red.
    const [escape] = await raised(() => run('ping', '-c', '1', '-W', '1', '-I', 'eth0', elsewhere));
    expect(escape).toMatchObject({ rule: 'E', destination: elsewhere });
    expect(escape?.related).toContain(networkAttack?.id);
    expect((await incidentsOf(lab())).find(({ id }) => id === networkAttack?.id)?.severity).toBe('red');
  });
});
