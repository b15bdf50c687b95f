// The policies that the tests of src/policy judge by.

import type { LearnedState } from '../../src/policy/servers/learned.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';

/** The policy of a text that must be valid. */
export function policyOf(text: string): Policy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ path, message }) => `${path} ${message}`).join('; '));
  return parsed.policy;
}

const TUNNELS = `
tunnels:
  - {name: wg, protocol: wireguard, endpoints: ['udp:198.51.100.7:51820', 'udp:[2001:db8::7]:51820', 'udp:vpn.example.com:51820']}
  - {name: ovpn, protocol: openvpn, endpoints: ['udp:198.51.100.8:1194', 'tcp:198.51.100.8:443', 'udp:[2001:db8::8]:1194', 'tcp:[2001:db8::8]:443']}
  - {name: ike, protocol: ipsec, endpoints: ['udp:198.51.100.9:500', 'udp:[2001:db8::9]:4500']}
  - {name: tor, protocol: tor, endpoints: ['tcp:198.51.100.10:9001', 'tcp:[2001:db8::10]:9001']}
  - {name: other, protocol: opaque, endpoints: ['udp:198.51.100.11:8443', 'tcp:198.51.100.11:8443', 'tcp:[2001:db8::11]:8443']}
`;

const ALLOW = `
allow:
  - {to: 192.0.2.0/24, transport: tcp, port: 631, client: '02:00:00:00:00:0c', why: printer}
  - {to: 192.0.2.128/25, why: lab}
  - {to: '2001:db8:5::/64', why: lab}
  - {to: 203.0.113.99, transport: icmp, why: monitor}
  - {to: 203.0.113.98, transport: udp, port: 53, why: 'a resolver, knowingly'}
`;

export const FULL = policyOf(`version: 1\nprofile: full-tunnel\nmanagement: {ssh: true}\n${TUNNELS}${ALLOW}`);
/** A name longer than a rule of the kernel's holds, as a service hands it out, and names below which a label is made up each time. */
export const LONG_NAME = 'cvpn-endpoint-0123456789abcdef0.prod.clientvpn.us-east-1.amazonaws.com';
export const NAMES = policyOf(
  `version: 1\nprofile: split\nmustTunnel: [login.${LONG_NAME}, bank.example]\ntunnels:\n  - {name: away, protocol: openvpn, endpoints: ['udp:${LONG_NAME}:443', 'udp:*.${LONG_NAME}:443', 'udp:*.vpn.example.com:1194']}\n`,
);
export const BARE = policyOf(
  `version: 1\ntunnels:\n  - {name: home, protocol: wireguard, endpoints: ['udp:198.51.100.7:51820']}\n`,
);
export const STUB = policyOf(
  `version: 1\nprofile: proxy-stub\ndirect: any\nlocalChatter: ignore\n${TUNNELS}${ALLOW}` +
    `resolvers: ['dot:9.9.9.9:853', 'doh:203.0.113.5:443/dns.example', 'doq:[2001:db8:9::9]:853']\nproxies: ['tcp:203.0.113.9:1080']\n`,
);
/** With a proxy, and nothing said of other traffic: nothing else goes direct. One of the proxies is on the link. */
export const STUB_SHUT = policyOf(
  `version: 1\nprofile: proxy-stub\n${TUNNELS}${ALLOW}` +
    `resolvers: ['dot:9.9.9.9:853/dns.example']\nproxies: ['tcp:203.0.113.9:1080', 'tcp:192.168.1.60:3128', 'tcp:[2001:db8:1::60]:3128']\n`,
);
export const SPLIT = policyOf(
  `version: 1\nprofile: split\nlocalChatter: red\n${TUNNELS}mustTunnel: ['bank.example', '*.clinic.example', 'bücher.example']\n`,
);

/** The same, where direct traffic goes to answered addresses alone, but for what is allowed. */
export const ANSWERED = policyOf(
  `version: 1\nprofile: split\ndirect: answered\nlocalChatter: red\n${TUNNELS}${ALLOW}mustTunnel: ['bank.example', '*.clinic.example']\n`,
);

/** Ranges of ports, any port, networks, one in another with another form, and what is narrower than all of them. */
export const RANGES = policyOf(`version: 1
tunnels:
  - {name: app, protocol: wireguard, endpoints: ['udp:198.51.100.7:4000-33433', 'udp:198.51.100.7:53', 'udp:198.51.100.7:51820', 'udp:[2001:db8::7]:*', 'udp:vpn.example.com:500-600', 'udp:198.51.100.12:4000-33433']}
  - {name: net, protocol: openvpn, endpoints: ['udp:198.51.96.0/20:1194-1200', 'tcp:198.51.96.0/20:443', 'udp:[2001:db8:70::/44]:1194', 'tcp:198.51.100.8:8000-8100']}
  - {name: inner, protocol: wireguard, endpoints: ['udp:198.51.100.128/25:1000-2000', 'udp:[2001:db8:77::/48]:*', 'udp:198.51.100.200/29:51820']}
  - {name: other, protocol: opaque, endpoints: ['udp:vpn2.example.com:1-1000', 'udp:198.51.100.130:1190-1199', 'tcp:203.0.113.0/26:*']}
`);
/** As many servers of one service as a server group has, with single ports and ranges, of both families, and others among them. */
export const SERVER_GROUP = policyOf(`version: 1
tunnels:
  - name: list
    protocol: wireguard
    endpoints: [${Array.from({ length: 256 }, (_, at) => [`198.51.100.${at}`, `[2001:db8:77::${at.toString(16)}]`].flatMap((host) => ['4000-33433', '53'].map((ports) => `'udp:${host}:${ports}'`)).join(', ')).join(', ')}]
  - name: relays
    protocol: tor
    endpoints: [${Array.from({ length: 256 }, (_, at) => `'tcp:203.0.113.${at}:9001'`).join(', ')}]
  - {name: net, protocol: openvpn, endpoints: ['udp:198.51.96.0/20:1194-1200', 'udp:vpn.example.com:1000-2000', 'tcp:203.0.113.9:1194']}
  - {name: other, protocol: opaque, endpoints: ['udp:vpn2.example.com:5000', 'udp:vpn2.example.com:1-60']}
`);
/** Peers anywhere, known by the form of their packets alone. */
export const ANYWHERE = policyOf(
  `version: 1\ntunnels:\n  - {name: mesh, protocol: wireguard, endpoints: ['udp:0.0.0.0/0:*', 'udp:[::/0]:*']}\n`,
);

/** Meshes, each to anywhere; of Nebula a lighthouse beside. */
const mesh = (more: string): Policy =>
  policyOf(
    `version: 1\ntunnels:\n  - {name: mesh, anywhere: true, endpoints: ['udp:0.0.0.0/0:*', 'udp:[::/0]:*'], ${more}}\n`,
  );
export const TAILSCALE = mesh('protocol: tailscale');
export const NEBULA = mesh('protocol: nebula');
export const ZEROTIER = mesh('protocol: zerotier, zerotier: "a1b2c3d4e5"');

/** IPsec over TCP, beside UDP, on ports of the operator's choice, and by a name. */
export const IKE_STREAMS = policyOf(`version: 1
tunnels:
  - {name: ike, protocol: ipsec, endpoints: ['udp:198.51.100.9:500', 'tcp:198.51.100.9:4500', 'tcp:198.51.100.13:443', 'tcp:[2001:db8::13]:4500']}
  - {name: named, protocol: ipsec, endpoints: ['tcp:vpn.example.com:4600-4800']}
`);

/** WireGuard whose packets its configuration changes. */
export const CHANGED = policyOf(`version: 1
tunnels:
  - {name: warp, protocol: wireguard, reserved: any, endpoints: ['udp:198.51.100.40:2408', 'udp:[2001:db8::40]:2408']}
  - {name: mine, protocol: wireguard, reserved: [185, 25, 129], endpoints: ['udp:198.51.100.41:2408', 'udp:[2001:db8::41]:2408']}
  - name: awg
    protocol: wireguard
    amnezia: {jc: 6, jmin: 10, jmax: 50, s1: 65, s2: 99, s3: 13, s4: 12, h1: 1487709344-2131140817, h2: 2139733608-2141880701, h3: 2143472358-2144227143, h4: 2146725105-2147279904, i1: '<b 0x0844818000010003>', i2: '<b 0x1234><r 20><t>'}
    endpoints: ['udp:198.51.100.9:45678', 'udp:[2001:db8::9]:45678']
  - {name: plain, protocol: wireguard, amnezia: {h1: 5, h2: 6, h3: 7, h4: 1000}, endpoints: ['udp:198.51.100.42:1-60000']}
  - {name: far, protocol: wireguard, amnezia: {jmin: 100, jmax: 200, s1: 900, s4: 300}, endpoints: ['udp:198.51.100.43:51820', 'udp:[2001:db8::43]:51820']}
  - {name: usual, protocol: wireguard, endpoints: ['udp:198.51.100.44:51820']}
`);

export const LEARNED: LearnedState = {
  ...NOTHING_LEARNED,
  addresses: [{ name: 'vpn.example.com', address: '198.51.100.77', seconds: 3000 }],
  dhcpServers: [{ address: '192.168.1.1', mac: '02:00:00:00:00:01', seconds: 3000 }],
  resolvers: [{ address: '192.168.1.1', seconds: 3000 }],
  neighbours: [
    { address: '192.168.1.1', seconds: 3000 },
    { address: 'fe80::1', seconds: 3000 },
  ],
  own: [{ mac: '02:00:00:00:00:0c', address: '192.168.1.50', seconds: 3000 }],
  settled: [{ mac: '02:00:00:00:00:0c', seconds: 3000 }],
  own6: ['2001:db8:1::50', 'fe80::50', 'fe80::2'].map((address) => ({ address, seconds: 3000 })),
  settled6: [{ mac: '02:00:00:00:00:0c', seconds: 3000 }],
  unsettled6: false,
  box: ['192.168.1.2'],
  exposed: [{ address: '203.0.113.80', name: 'shop.example', seconds: 3000 }],
};

/** What the shapes' client was given as answers: one of the addresses was shown a protected name since, and another is another client's. */
export const ANSWERED_LEARNED: LearnedState = {
  ...LEARNED,
  answered: [
    ...['203.0.113.1', '203.0.113.80', '203.0.113.82', '2001:db8:1::1', '203.0.113.53'].map((address) => ({
      ...{ client: '02:00:00:00:00:0c', address, seconds: 3000 },
    })),
    { client: '02:00:00:00:00:0d', address: '203.0.113.83', seconds: 3000 },
  ],
  exposed: [
    ...LEARNED.exposed,
    { client: '02:00:00:00:00:0c', address: '203.0.113.82', name: 'bank.example', seconds: 3000 },
    { client: '02:00:00:00:00:0d', address: '203.0.113.1', name: 'bank.example', seconds: 3000 },
  ],
};

/** Two names that lead to one address, of which the first holds there. */
export const RANGES_LEARNED: LearnedState = {
  ...LEARNED,
  addresses: [
    ...LEARNED.addresses,
    { name: 'vpn2.example.com', address: '198.51.100.77', seconds: 3000 },
    { name: 'vpn2.example.com', address: '198.51.100.78', seconds: 3000 },
    { name: 'vpn2.example.com', address: '2001:db8:78::2', seconds: 3000 },
  ],
};

/** The network has told prefixes of its own for NAT64 (RFC 7050): one before the address, one around it. */
export const TRANSLATED: LearnedState = {
  ...LEARNED,
  prefixes: [
    { network: '2001:db8:64::/96', seconds: 3000 },
    { network: '2001:db8:65::/64', seconds: 3000 },
  ],
};

/** A name leads to a server of the server group: a single port holds there, a range does not. */
export const SERVER_GROUP_LEARNED: LearnedState = {
  ...LEARNED,
  addresses: [
    { name: 'vpn.example.com', address: '198.51.100.12', seconds: 3000 },
    { name: 'vpn2.example.com', address: '198.51.100.7', seconds: 3000 },
    { name: 'vpn2.example.com', address: '198.51.100.77', seconds: 3000 },
  ],
};

/** The same under a pass for the client of test/policy/frames.ts. */
export const PASSING: LearnedState = {
  ...LEARNED,
  passes: [{ client: '02:00:00:00:00:0c', seconds: 3000 }],
  links: [
    { network: '192.168.1.0/24', seconds: 3000 },
    { network: '2001:db8:1::/64', seconds: 3000 },
  ],
  portals: [
    { address: '203.0.113.77', port: 0, seconds: 3000 },
    { address: '203.0.113.78', port: 9443, seconds: 3000 },
    { address: '2001:db8:78::1', port: 9443, seconds: 3000 },
  ],
};
