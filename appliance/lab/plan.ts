// The lab's names, addresses, ports and files.
// Addresses are from the documentation ranges (RFC 5737, RFC 3849) and private ranges (RFC 1918, RFC 4193).
//
//   laptop                        box                                uplink
//   eth0 192.168.77.100 --veth-- lan0 [br0 192.168.77.2] wan0 --veth-- eth0 192.168.77.1 (router, DHCP, RA, resolver)
//        fd77::ff:fe00:770c                                           lo   198.51.100.7, 2001:db8:51::7    WireGuard
//   wl-ID 10.66.0.2, fd66::2 ============ the tunnel ============ ws-ID    10.66.0.1, fd66::1, 10.66.0.53  inside
//                                                                     lo   203.0.113.53, 203.0.113.80 …    "internet"

import { join } from 'node:path';

import { LabError } from './error.ts';

/** The lab that the command line uses by default. */
export const DEFAULT_LAB = '0';

/** The network between laptop, box and router. Addresses as text, prefixes as `prefix/len`, MAC addresses lower-case with colons. */
export const LAN = {
  prefix4: '192.168.77.0/24',
  prefix6: 'fd77::/64',
  router4: '192.168.77.1',
  router6: 'fd77::1',
  box: '192.168.77.2',
  laptop4: '192.168.77.100',
  /** The address that stateless autoconfiguration (RFC 4862) forms from the laptop's MAC address. */
  laptop6: 'fd77::ff:fe00:770c',
  laptopMac: '02:00:00:00:77:0c',
  routerMac: '02:00:00:00:77:01',
} as const;

/** What is behind the router: tunnel server, resolver and web server, each with IPv4 and IPv6 addresses. */
export const NET = {
  tunnelServer4: '198.51.100.7',
  tunnelServer6: '2001:db8:51::7',
  tunnelPort: 51820,
  /** Host name of the tunnel server; every other name below .example is the web server's. */
  tunnelName: 'vpn.example',
  resolver4: '203.0.113.53',
  resolver6: '2001:db8:53::53',
  web4: '203.0.113.80',
  web6: '2001:db8:80::80',
  /** An address of the web server that no name resolves to: a visit there follows no DNS query (rule E, not D). */
  nameless4: '203.0.113.81',
} as const;

/** Addresses inside the tunnel. */
export const TUNNEL = {
  laptop4: '10.66.0.2',
  laptop6: 'fd66::2',
  server4: '10.66.0.1',
  server6: 'fd66::1',
  /** Another resolver inside the tunnel; using it is not a leak. */
  otherResolver4: '10.66.0.53',
} as const;

/** A machine of the lab. */
export type Role = 'laptop' | 'box' | 'uplink';
export const ROLES: readonly Role[] = ['laptop', 'box', 'uplink'];

/** The names and paths of one lab; paths are absolute. */
export interface Plan {
  readonly id: string;
  readonly namespaces: Readonly<Record<Role, string>>;
  /** Interface names are unique on the machine: the control sockets of all wireguard-go processes are in one directory. */
  readonly wireguard: { readonly laptop: string; readonly uplink: string };
  /** Directory of all files of the lab, except those in NETNS_CONFIG_DIR and WIREGUARD_DIR, which `ip` and wireguard-go prescribe. */
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

/**
 * The plan of the lab `id`, which has 1 to 8 lower-case letters and digits to fit into an interface name (15 bytes). Touches nothing on the
 * machine. Throws LabError `bad-id`.
 */
export function planOf(id: string): Plan {
  if (!/^[a-z0-9]{1,8}$/.test(id))
    throw new LabError('bad-id', `"${id}" is not a valid lab id: use 1 to 8 lower-case letters and digits.`);
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

/** Path prefix of the temporary directories in which future owners prepare the lab's directory; the dot keeps them apart from ids. */
export function claimPrefix(plan: Plan): string {
  return join(LABS_DIR, `.${plan.id}-`);
}
