// Knows: the lab's map: names, addresses, ports, files. Must not know: how any of it is made.
// Addresses are the documentation ranges of RFC 5737 and RFC 3849, private ones of RFC 1918 and RFC 4193.
//
//   laptop                        box                                uplink
//   eth0 192.168.77.100 --veth-- lan0 [br0 192.168.77.2] wan0 --veth-- eth0 192.168.77.1 (router, DHCP, RA, resolver)
//        fd77::ff:fe00:770c                                           lo   198.51.100.7, 2001:db8:51::7    WireGuard
//   wl-ID 10.66.0.2, fd66::2 ============ the tunnel ============ ws-ID    10.66.0.1, fd66::1, 10.66.0.53  inside
//                                                                     lo   203.0.113.53, 203.0.113.80 …    "internet"

import { join } from 'node:path';

import { LabError } from './error.ts';

/** The lab that the command line means when it names none. */
export const DEFAULT_LAB = '0';

export const LAN = {
  prefix4: '192.168.77.0/24',
  prefix6: 'fd77::/64',
  router4: '192.168.77.1',
  router6: 'fd77::1',
  box: '192.168.77.2',
  laptop4: '192.168.77.100',
  /** What stateless configuration (RFC 4862) makes of the laptop's MAC. */
  laptop6: 'fd77::ff:fe00:770c',
  laptopMac: '02:00:00:00:77:0c',
  routerMac: '02:00:00:00:77:01',
} as const;

export const NET = {
  tunnelServer4: '198.51.100.7',
  tunnelServer6: '2001:db8:51::7',
  tunnelPort: 51820,
  /** What the tunnel server is called; every other name below .example is the web server. */
  tunnelName: 'vpn.example',
  resolver4: '203.0.113.53',
  resolver6: '2001:db8:53::53',
  web4: '203.0.113.80',
  web6: '2001:db8:80::80',
  /** The web server by an address that no name leads to: a visit there follows no question (rule E, not D). */
  nameless4: '203.0.113.81',
} as const;

export const TUNNEL = {
  laptop4: '10.66.0.2',
  laptop6: 'fd66::2',
  server4: '10.66.0.1',
  server6: 'fd66::1',
  /** Another resolver inside: not the tunnel's own, and no leak either. */
  otherResolver4: '10.66.0.53',
} as const;

export type Role = 'laptop' | 'box' | 'uplink';
export const ROLES: readonly Role[] = ['laptop', 'box', 'uplink'];

export interface Plan {
  readonly id: string;
  readonly namespaces: Readonly<Record<Role, string>>;
  /** Interface names are unique too: wireguard-go's control sockets share one directory of the whole machine. */
  readonly wireguard: { readonly laptop: string; readonly uplink: string };
  /** Everything the lab writes, but for the two places `ip` and wireguard-go insist on. */
  readonly dir: string;
  readonly files: {
    readonly state: string;
    readonly leases: string;
    readonly forwarder: string;
    readonly policy: string;
    readonly guardState: string;
    readonly guardRuntime: string;
    readonly api: string;
    readonly lamp: string;
  };
}

export const LABS_DIR = '/run/leakguard-lab';
export const WIREGUARD_DIR = '/run/wireguard';
export const NETNS_CONFIG_DIR = '/etc/netns';

/** The names of the lab `id`: 1 to 8 lower-case letters and digits, so that they fit an interface name (15 bytes). */
export function planOf(id: string): Plan {
  if (!/^[a-z0-9]{1,8}$/.test(id))
    throw new LabError('bad-id', `"${id}" is no name for a lab: 1 to 8 lower-case letters and digits.`);
  const dir = join(LABS_DIR, id);
  const guardRuntime = join(dir, 'guard');
  return {
    id,
    namespaces: { laptop: `lg${id}-laptop`, box: `lg${id}-box`, uplink: `lg${id}-uplink` },
    wireguard: { laptop: `wl-${id}`, uplink: `ws-${id}` },
    dir,
    files: {
      state: join(dir, 'lab.json'),
      leases: join(dir, 'leases'),
      forwarder: join(dir, 'page.sock'),
      policy: join(dir, 'policy.yaml'),
      guardState: join(dir, 'state'),
      guardRuntime,
      api: join(guardRuntime, 'api.sock'),
      lamp: join(guardRuntime, 'lamp'),
    },
  };
}

/** Beginning of the directories in which owners-to-be prepare their claim; an id has no dot. */
export function claimPrefix(plan: Plan): string {
  return join(LABS_DIR, `.${plan.id}-`);
}
