// The scenarios of the lab: what other leak tests try, seen from the wire. Each contains a positive control.

import { LAN, NET, TUNNEL } from './plan.ts';
import type { Argv } from './processes/process.ts';
import type { Leak, Scenario, Step } from './scenario.ts';

const NAME = 'leak.example';
const DIG: Argv = ['dig', '+tries=1', '+time=1'];
/** dig arguments for a query outside the tunnel: traffic bound to the laptop's LAN address is not routed into the tunnel. */
const PAST4 = ['-b', LAN.laptop4, `@${NET.resolver4}`];
const PAST6 = ['-b', LAN.laptop6, `@${NET.resolver6}`];

const tunnelUp: Step = {
  name: 'tunnel up',
  act: { do: 'run', argv: ['ping', '-c', '3', '-i', '0.2', '-w', '10', TUNNEL.server4] },
  expect: { is: 'state', states: ['clear'], lamps: ['green'] },
};
const acknowledge: Step = {
  name: 'acknowledge',
  act: { do: 'acknowledge' },
  expect: { is: 'state', states: ['clear'], lamps: ['green'] },
};
const blockOn: Step = {
  name: 'block on',
  act: { do: 'block', on: true },
  expect: { is: 'state', states: ['clear', 'blocked'], blockMode: true },
};
const blockOff: Step = {
  name: 'block off',
  act: { do: 'block', on: false },
  expect: { is: 'state', states: ['clear', 'blocked'], blockMode: false },
};

const clean = (name: string, argv: Argv): Step => ({
  name,
  act: { do: 'run', argv },
  expect: { is: 'clean' },
});

/** The expected leak. `blockedKinds` replaces `kinds` in block mode if the kind is recognized only by later frames, which are then never sent. */
type Attempt = Omit<Leak, 'is' | 'way'> & { readonly blockedKinds?: Leak['kinds'] };

/** Steps that make the same attempt in watch mode and in block mode. */
function bothWays(what: string, argv: Argv, watch: string, attempt: Attempt): Step[] {
  const { blockedKinds, ...leak } = attempt;
  const step = (way: Leak['way']): Step => ({
    name: `${what}, ${way === 'escapes' ? 'watch mode' : 'block mode'}`,
    act: { do: 'run', argv },
    watch,
    expect: { is: 'leak', way, ...leak, kinds: (way === 'blocked' && blockedKinds) || leak.kinds },
  });
  return [step('escapes'), acknowledge, blockOn, step('blocked'), blockOff];
}

const dnsWatch = (address: string): string => `port 53 and host ${address}`;
const plainDig: Argv = [...DIG, ...PAST4, NAME];
const dns: Attempt = { rule: 'A', kinds: ['dns'], exposure: NAME };

const vanilla: Scenario = {
  name: 'vanilla',
  summary: 'an unencrypted DNS query outside the tunnel is detected, acknowledged and blocked',
  steps: [
    tunnelUp,
    clean('a DNS query inside the tunnel', [...DIG, `@${TUNNEL.server4}`, 'www.example']),
    clean('a web page inside the tunnel', ['curl', '-sS', '--max-time', '5', `http://${NET.web4}/`]),
    ...bothWays('dig outside the tunnel', plainDig, dnsWatch(NET.resolver4), { ...dns, frames: 1 }),
  ],
};

const outside = (name: string, summary: string, argv: Argv, watch: string, leak: Attempt): Scenario => ({
  name,
  summary,
  steps: [tunnelUp, ...bothWays(name, argv, watch, leak)],
});

const inside: Scenario = {
  name: 'inside',
  summary: 'a query inside the tunnel, to any resolver, is not a leak; outside the tunnel it is',
  steps: [
    tunnelUp,
    clean("query to the tunnel's resolver", [...DIG, `@${TUNNEL.server4}`, NAME]),
    clean('query to another resolver inside the tunnel', [...DIG, `@${TUNNEL.otherResolver4}`, NAME]),
    clean('query to a public resolver through the tunnel', [...DIG, `@${NET.resolver4}`, NAME]),
    clean('query over IPv6 and TCP through the tunnel', [...DIG, '+tcp', `@${NET.resolver6}`, NAME]),
    {
      name: 'query to the same public resolver outside the tunnel',
      act: { do: 'run', argv: plainDig },
      watch: dnsWatch(NET.resolver4),
      expect: { is: 'leak', way: 'escapes', ...dns, frames: 1 },
    },
    acknowledge,
  ],
};

/** Flushes the laptop's neighbour cache and uses the tunnel in one step, because the tunnel's keepalive would refill the cache in between. */
const throughTunnel = (name: string, family: '-4' | '-6', watch: string): Step => ({
  name,
  act: {
    do: 'run',
    first: ['ip', family, 'neigh', 'flush', 'dev', 'eth0'],
    argv: ['ping', '-c', '1', '-w', '5', TUNNEL.server4],
  },
  watch,
  arrives: 'some',
  expect: { is: 'clean' },
});
const neighbour4 = throughTunnel('tunnel over IPv4, router resolved by ARP', '-4', 'arp');
const neighbour6 = throughTunnel(
  'tunnel over IPv6, router resolved by neighbour discovery',
  '-6',
  'icmp6 and (ip6[40] == 135 or ip6[40] == 136)',
);

const essential: Scenario = {
  name: 'essential',
  summary: 'block mode keeps the tunnel, DHCP, ARP and neighbour discovery working',
  steps: [
    tunnelUp,
    blockOn,
    clean('a web page inside the tunnel', ['curl', '-sS', '--max-time', '5', `http://${NET.web4}/`]),
    clean('packets of the maximum size inside the tunnel', [
      ...(['ping', '-c', '3', '-i', '0.2', '-w', '5', '-M', 'do', '-s', '1392', TUNNEL.server4] as const),
    ]),
    {
      name: 'DHCP lease renewed',
      act: { do: 'renew lease' },
      watch: 'udp dst port 67',
      arrives: 'some',
      expect: { is: 'clean' },
    },
    {
      name: 'DHCP lease released and obtained again',
      act: { do: 'new lease' },
      watch: 'udp dst port 67',
      arrives: 'some',
      expect: { is: 'clean' },
    },
    neighbour4,
    { name: 'tunnel moves to IPv6', act: { do: 'roam', to: 'ipv6' }, expect: { is: 'clean' } },
    neighbour6,
    { name: 'tunnel moves back to IPv4', act: { do: 'roam', to: 'ipv4' }, expect: { is: 'clean' } },
    clean('tunnel over IPv4 again', ['ping', '-c', '1', '-w', '5', TUNNEL.server4]),
    {
      name: 'dig outside the tunnel',
      act: { do: 'run', argv: plainDig },
      watch: dnsWatch(NET.resolver4),
      expect: { is: 'leak', way: 'blocked', ...dns, frames: 1 },
    },
    blockOff,
  ],
};

const killed: Scenario = {
  name: 'killed',
  summary: 'after kill -9 of the daemon in block mode nothing gets out, and it restarts in block mode',
  steps: [
    tunnelUp,
    blockOn,
    { name: 'kill -9 of leakguardd', act: { do: 'kill daemon' }, expect: { is: 'cut off' } },
    {
      name: 'dig outside the tunnel, no guard running',
      act: { do: 'run', argv: plainDig },
      watch: dnsWatch(NET.resolver4),
      arrives: 'none',
      expect: { is: 'cut off' },
    },
    {
      name: 'leakguardd has restarted',
      act: { do: 'nothing' },
      expect: { is: 'state', states: ['clear', 'blocked', 'idle'], blockMode: true },
    },
    { ...tunnelUp, name: 'tunnel still up', expect: { is: 'state', states: ['clear', 'blocked'] } },
    {
      name: 'dig outside the tunnel, guarded again',
      act: { do: 'run', argv: plainDig },
      watch: dnsWatch(NET.resolver4),
      expect: { is: 'leak', way: 'blocked', ...dns, frames: 1 },
    },
    blockOff,
  ],
};

/** All scenarios, in the order of `lab list`. */
export const SCENARIOS: readonly Scenario[] = [
  vanilla,
  inside,
  outside('ipv6-dns', 'a DNS query over IPv6', [...DIG, ...PAST6, NAME], dnsWatch(NET.resolver6), {
    ...dns,
    frames: 1,
  }),
  outside('tcp-dns', 'a DNS query over TCP', [...DIG, '+tcp', ...PAST4, NAME], dnsWatch(NET.resolver4), {
    rule: 'A',
    kinds: ['dns'],
  }),
  outside(
    'router-dns',
    "a DNS query to the local network's resolver, which every full tunnel with local access lets out",
    [...DIG, `@${LAN.router4}`, NAME],
    dnsWatch(LAN.router4),
    { ...dns, frames: 1 },
  ),
  outside(
    'ping',
    'a ping bound to the interface',
    ['ping', '-c', '1', '-W', '1', '-I', 'eth0', NET.nameless4],
    'icmp',
    {
      rule: 'E',
      kinds: ['icmp'],
      frames: 1,
    },
  ),
  outside(
    'curl',
    'a web page fetched by a client bound to the interface',
    [
      'curl',
      '-sS',
      '--connect-timeout',
      '1',
      '--max-time',
      '5',
      '--interface',
      'eth0',
      `http://${NET.nameless4}/`,
    ],
    `tcp port 80 and host ${NET.nameless4}`,
    { rule: 'E', kinds: ['http'], blockedKinds: ['http', 'tcp'] },
  ),
  essential,
  killed,
];

/** The scenario with exactly this name; undefined when there is none. */
export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
