// What clients do on a wire, each to a place of its own, by real programs or by single frames. Places are in 198.18.30.0/24 and, for
// protected names (below bank.example), in 198.18.31.0/24; the last octet is the action's number.

import { fileURLToPath } from 'node:url';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Argv } from '../../appliance/lab/processes/process.ts';
import {
  address4,
  dhcp4,
  dnsQuery,
  ethernet,
  fill,
  ipv4,
  ipv6,
  mac,
  text,
  u16,
  u32,
  udp,
  wireguard,
} from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { quicInitialFor } from './quic-packet.ts';
import { RESOLVER } from './second-resolver.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const [SEND, SAY] = ['./send-frame.mjs', './tcp-say.mjs'].map(here) as [string, string];

const OPEN_NET = '198.18.30';
const SECRET_NET = '198.18.31';
/** Named by the policy in proxy-stub. */
const NAMED_NET = '198.18.29';
export const NAMED = {
  dot: `${NAMED_NET}.1`,
  name: 'dns.named.example',
  socks: `${NAMED_NET}.2`,
  http: `${NAMED_NET}.3`,
};
/** Where everything of these goes. */
export const NETS = [OPEN_NET, SECRET_NET, NAMED_NET].map((net) => `${net}.0/24`);

export interface Action {
  /** As README's table says it. */
  readonly what: string;
  readonly does: readonly Argv[];
  /** Fits each line of tcpdump that is a frame of it. */
  readonly seen: RegExp;
  /** Whether an incident of the box is about it: by what was exposed and where it went. */
  readonly isAbout: (exposure: string, destination: string) => boolean;
  /** Where it is stopped before it says its name: it is counted with what else was asked there. */
  readonly orAt?: string;
}

const escaped = (text: string): string => text.replaceAll('.', '\\.');
const link = { from: LAN.laptopMac, to: LAN.routerMac };

function frame(bytes: Bytes | Uint8Array): Argv {
  return [process.execPath, SEND, 'eth0', Buffer.from(Uint8Array.from(bytes)).toString('hex')];
}

/** RFC 826. */
const whoHas = (target: string): Bytes => [
  ...[...u16(1), ...u16(0x0800), 6, 4, ...u16(1), ...mac(LAN.laptopMac), ...address4(LAN.laptop4)],
  ...[...fill(6, 0), ...address4(target)],
];
const four = (protocol: number, payload: Bytes, to: string, more = {}): Argv =>
  frame(ethernet(0x0800, ipv4(protocol, payload, { from: LAN.laptop4, to, ...more }), link));
const six = (next: number, payload: Bytes, to: string): Argv =>
  frame(ethernet(0x86dd, ipv6(next, payload, { from: LAN.laptop6, to }), link));
const say = (host: string, port: number, ...segments: readonly Bytes[]): Argv => [
  process.execPath,
  ...[SAY, LAN.laptop4, host, String(port)],
  ...segments.map((segment) => Buffer.from(Uint8Array.from(segment)).toString('hex')),
];
const dig = (...words: readonly string[]): Argv => [
  'dig',
  '+tries=1',
  '+time=1',
  '-b',
  LAN.laptop4,
  `@${RESOLVER}`,
  ...words,
];
const curl = (url: string, ...words: readonly string[]): Argv => [
  'curl',
  ...['-sk', '-o', '/dev/null', '--max-time', '2', '--interface', 'eth0', ...words, url],
];
const tls = (to: string, port: number, name: string): Argv => [
  'timeout',
  ...['2', 'openssl', 's_client', '-bind', `${LAN.laptop4}:0`, '-connect', `${to}:${String(port)}`],
  ...(name === '' ? ['-noservername'] : ['-servername', name]),
];

const asked = (name: string): Pick<Action, 'seen' | 'isAbout'> => ({
  seen: new RegExp(`\\? ${escaped(name)}\\. `),
  isAbout: (exposure) => exposure === name,
});
const askedOverTcp = (name: string): Pick<Action, 'seen' | 'isAbout' | 'orAt'> => ({
  ...asked(name),
  orAt: RESOLVER,
});
const going = (to: string, ...names: readonly string[]): Pick<Action, 'seen' | 'isAbout'> => ({
  seen: new RegExp(`> ${escaped(to)}(?:\\.\\d+)?: `),
  isAbout: (exposure, destination) => destination === to || exposure === to || names.includes(exposure),
});

/** Each is given a number, which is the last octet of where it goes and a part of the name that it shows. */
type Making = (at: {
  readonly open: string;
  readonly secret: string;
  readonly name: string;
  readonly bank: string;
}) => Omit<Action, 'what'>;

const LINK_NAME = { mdns: 'printer.local', llmnr: 'fileserver' };
const NBNS = [
  ...u16(0x1234),
  ...u16(0x0110),
  ...u16(1),
  ...u16(0),
  ...u16(0),
  ...u16(0),
  32,
  ...text('EMEPENEFFDEFFCEGEJEMEFCACACACACA'),
  0,
  ...u16(32),
  ...u16(1),
];
const SSDP =
  'M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nMan: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n';
const IKE = [...fill(8, 0x11), ...fill(8, 0), 0x21, 0x20, 0x22, 0x08, ...u32(0), ...u32(48), ...fill(20, 1)];
const OPENVPN = [0x38, ...fill(8), 0, ...u32(0), 0];

const MAKING: Readonly<Record<string, Making>> = {
  'looks up a name (UDP)': ({ name }) => ({ does: [dig(name)], ...asked(name) }),
  'looks up a protected name (UDP)': ({ bank }) => ({ does: [dig(bank)], ...asked(bank) }),
  'looks up a name (TCP)': ({ name }) => ({ does: [dig('+tcp', name)], ...askedOverTcp(name) }),
  'looks up a protected name (TCP)': ({ bank }) => ({ does: [dig('+tcp', bank)], ...askedOverTcp(bank) }),
  'looks up a name (IPv6)': ({ name }) => ({
    does: [six(17, udp(40_001, 53, dnsQuery(name)), NET.resolver6)],
    ...asked(name),
  }),
  'looks up a protected name (IPv6)': ({ bank }) => ({
    does: [six(17, udp(40_002, 53, dnsQuery(bank)), NET.resolver6)],
    ...asked(bank),
  }),
  'looks up the name of an address (PTR)': () => {
    const name = '9.30.18.198.in-addr.arpa';
    return { does: [dig('-x', '198.18.30.9')], ...asked(name) };
  },
  'looks up a name on another port': ({ open, name }) => ({
    does: [four(17, udp(40_003, 5300, dnsQuery(name)), open)],
    ...going(open, name),
  }),
  'looks up a name by mDNS': () => ({
    does: [
      frame(
        ethernet(
          0x0800,
          ipv4(17, udp(5353, 5353, dnsQuery(LINK_NAME.mdns)), {
            from: LAN.laptop4,
            to: '224.0.0.251',
            ttl: 255,
          }),
          { from: LAN.laptopMac, to: '01:00:5e:00:00:fb' },
        ),
      ),
    ],
    seen: / > 224\.0\.0\.251\.5353: /,
    isAbout: (exposure) => exposure === LINK_NAME.mdns,
  }),
  'looks up a name by LLMNR': () => ({
    does: [
      frame(
        ethernet(
          0x0800,
          ipv4(17, udp(40_004, 5355, dnsQuery(LINK_NAME.llmnr, { flags: 0 })), {
            from: LAN.laptop4,
            to: '224.0.0.252',
            ttl: 1,
          }),
          { from: LAN.laptopMac, to: '01:00:5e:00:00:fc' },
        ),
      ),
    ],
    seen: / > 224\.0\.0\.252\.5355: /,
    isAbout: (exposure) => exposure === LINK_NAME.llmnr,
  }),
  'looks up a name by NetBIOS': () => ({
    does: [
      frame(
        ethernet(0x0800, ipv4(17, udp(137, 137, NBNS), { from: LAN.laptop4, to: '192.168.77.255' }), {
          from: LAN.laptopMac,
          to: 'ff:ff:ff:ff:ff:ff',
        }),
      ),
    ],
    seen: / > 192\.168\.77\.255\.137: /,
    isAbout: (_exposure, destination) => destination === '192.168.77.255',
  }),
  'looks for devices by SSDP': () => ({
    does: [
      frame(
        ethernet(
          0x0800,
          ipv4(17, udp(40_005, 1900, text(SSDP)), { from: LAN.laptop4, to: '239.255.255.250', ttl: 2 }),
          { from: LAN.laptopMac, to: '01:00:5e:7f:ff:fa' },
        ),
      ),
    ],
    seen: / > 239\.255\.255\.250\.1900: /,
    isAbout: (_exposure, destination) => destination === '239.255.255.250',
  }),
  'DNS over TLS to the configured resolver': () => ({
    does: [tls(NAMED.dot, 853, NAMED.name)],
    ...going(NAMED.dot),
  }),
  'DNS over TLS to another resolver': ({ open, name }) => ({
    does: [tls(open, 853, name)],
    ...going(open, name),
  }),
  'DNS over HTTPS to a known provider': ({ open }) => ({
    does: [tls(open, 443, 'dns.google')],
    ...going(open),
  }),
  'DNS over QUIC': ({ open, name }) => ({
    does: [four(17, udp(40_006, 853, [...Buffer.from(quicInitialFor(name), 'hex')]), open)],
    ...going(open, name),
  }),
  'visits a site (HTTPS)': ({ open, name }) => ({ does: [curl(`https://${name}/`)], ...going(open, name) }),
  'visits a protected site (HTTPS)': ({ secret, bank }) => ({
    does: [curl(`https://${bank}/`)],
    ...going(secret, bank),
  }),
  'visits a protected site at an address it already knows': ({ secret, bank }) => ({
    does: [curl(`https://${bank}/`, '--resolve', `${bank}:443:${secret}`)],
    ...going(secret, bank),
  }),
  'visits a site at an address it already knows': ({ open, name }) => ({
    does: [curl(`https://${name}/`, '--resolve', `${name}:443:${open}`)],
    ...going(open, name),
  }),
  'visits an address (HTTPS, no name)': ({ open }) => ({ does: [tls(open, 443, '')], ...going(open) }),
  'visits a site (HTTP)': ({ open, name }) => ({ does: [curl(`http://${name}/`)], ...going(open, name) }),
  'visits a site from a protected page (HTTP)': ({ open, name, bank }) => ({
    does: [curl(`http://${name}/`, '-e', `https://${bank}/`)],
    ...going(open, name, bank),
  }),
  'visits a site (QUIC)': ({ open, name }) => ({
    does: [four(17, udp(40_007, 443, [...Buffer.from(quicInitialFor(name), 'hex')]), open)],
    ...going(open, name),
  }),
  'visits a protected site (QUIC)': ({ secret, bank }) => ({
    does: [four(17, udp(40_008, 443, [...Buffer.from(quicInitialFor(bank), 'hex')]), secret)],
    ...going(secret, bank),
  }),
  'a name through the configured SOCKS proxy': ({ name }) => ({
    does: [curl(`http://${name}/`, '--socks5-hostname', `${NAMED.socks}:1080`)],
    ...going(NAMED.socks),
  }),
  'a name through another SOCKS proxy': ({ open, name }) => ({
    does: [curl(`http://${name}/`, '--socks5-hostname', `${open}:1080`)],
    ...going(open, name),
  }),
  'a name through the configured HTTP proxy': ({ name }) => ({
    does: [curl(`https://${name}/`, '-x', `http://${NAMED.http}:3128`)],
    ...going(NAMED.http),
  }),
  'a name through another HTTP proxy': ({ open, name }) => ({
    does: [curl(`https://${name}/`, '-x', `http://${open}:3128`)],
    ...going(open, name),
  }),
  ping: ({ open }) => ({ does: [['ping', '-c', '1', '-W', '1', '-I', 'eth0', open]], ...going(open) }),
  'ping (IPv6)': () => ({
    does: [['ping', '-c', '1', '-W', '1', '-I', 'eth0', NET.web6]],
    ...going(NET.web6),
  }),
  'a datagram to any port': ({ open }) => ({
    does: [four(17, udp(40_009, 9999, fill(40)), open)],
    ...going(open),
  }),
  'mail (TCP port 25)': ({ open }) => ({ does: [say(open, 25, text('EHLO me\r\n'))], ...going(open) }),
  SSH: ({ open }) => ({ does: [say(open, 22, text('SSH-2.0-OpenSSH_9.2\r\n'))], ...going(open) }),
  'asks for the time (NTP)': ({ open }) => ({
    does: [four(17, udp(40_010, 123, [0x23, ...fill(47, 0)]), open)],
    ...going(open),
  }),
  STUN: ({ open }) => ({
    does: [four(17, udp(40_011, 3478, [0, 1, 0, 0, ...u32(0x2112a442), ...fill(12)]), open)],
    ...going(open),
  }),
  'WireGuard to another server': ({ open }) => ({
    does: [four(17, udp(40_012, 51_820, wireguard(1)), open)],
    ...going(open),
  }),
  'OpenVPN to another server': ({ open }) => ({
    does: [four(17, udp(40_013, 1194, OPENVPN), open)],
    ...going(open),
  }),
  'IKE to another server': ({ open }) => ({ does: [four(17, udp(500, 500, IKE), open)], ...going(open) }),
  ESP: ({ open }) => ({
    does: [four(50, [...u32(0xc0ffee01), ...u32(1), ...fill(64)], open)],
    ...going(open),
  }),
  GRE: ({ open }) => ({ does: [four(47, [0, 0, 8, 0, ...ipv4(1, fill(16))], open)], ...going(open) }),
  'IPv6 in IPv4': ({ open }) => ({ does: [four(41, ipv6(59, []), open)], ...going(open) }),
  Teredo: ({ open }) => ({ does: [four(17, udp(40_014, 3544, ipv6(59, [])), open)], ...going(open) }),
  VXLAN: ({ open }) => ({
    does: [
      four(17, udp(40_015, 4789, [8, 0, 0, 0, 0, 0, 1, 0, ...ethernet(0x0806, whoHas(LAN.router4))]), open),
    ],
    ...going(open),
  }),
  'a fragment of a datagram': ({ open }) => ({
    does: [four(17, udp(40_016, 443, fill(64)), open, { fragment: 0x2000 })],
    ...going(open),
  }),
  'a packet with IP options': ({ open }) => ({
    does: [four(17, udp(40_017, 9999, fill(20)), open, { options: [7, 7, 4, 0, 0, 0, 0, 1] })],
    ...going(open),
  }),
  'a VLAN-tagged DNS query': ({ name }) => ({
    does: [
      frame(
        ethernet(
          0x8100,
          [
            ...u16(7),
            ...u16(0x0800),
            ...ipv4(17, udp(40_018, 53, dnsQuery(name)), { from: LAN.laptop4, to: RESOLVER }),
          ],
          link,
        ),
      ),
    ],
    ...asked(name),
  }),
  "a DNS query to the tunnel's own server and port": ({ name }) => ({
    does: [four(17, udp(40_019, NET.tunnelPort, dnsQuery(name)), NET.tunnelServer4)],
    seen: new RegExp(`${escaped(LAN.laptop4)}\\.40019 > `),
    isAbout: (exposure) => exposure === name,
  }),
  'a ping inside the tunnel': () => ({
    does: [['ping', '-c', '2', '-i', '0.2', '-W', '1', TUNNEL.server4]],
    seen: new RegExp(`> ${escaped(NET.tunnelServer4)}\\.${String(NET.tunnelPort)}: UDP, length \\d{3}`),
    isAbout: () => false,
  }),
  'looks for its router (ARP)': () => ({
    does: [frame(ethernet(0x0806, whoHas(LAN.router4), { from: LAN.laptopMac, to: 'ff:ff:ff:ff:ff:ff' }))],
    seen: new RegExp(`Request who-has ${escaped(LAN.router4)} tell`),
    isAbout: () => false,
  }),
  'looks for another device (ARP)': () => ({
    does: [
      frame(ethernet(0x0806, whoHas('192.168.77.150'), { from: LAN.laptopMac, to: 'ff:ff:ff:ff:ff:ff' })),
    ],
    seen: /Request who-has 192\.168\.77\.150 tell/,
    isAbout: (exposure) => exposure === '192.168.77.150',
  }),
  'asks for an address (DHCP)': () => ({
    does: [
      frame(
        ethernet(0x0800, ipv4(17, udp(68, 67, dhcp4(1)), { from: '0.0.0.0', to: '255.255.255.255' }), {
          from: LAN.laptopMac,
          to: 'ff:ff:ff:ff:ff:ff',
        }),
      ),
    ],
    seen: / > 255\.255\.255\.255\.67: BOOTP/,
    isAbout: () => false,
  }),
};

export const ACTIONS: readonly Action[] = Object.entries(MAKING).map(([what, make], at) => {
  const number = String(at + 1);
  const places = { open: `${OPEN_NET}.${number}`, secret: `${SECRET_NET}.${number}` };
  return {
    what,
    ...make({ ...places, name: `site${number}.shop.example`, bank: `www${number}.bank.example` }),
  };
});

/** Every name that an action shows leads to its own place. */
export const NAMES: readonly (readonly [name: string, address: string])[] = ACTIONS.flatMap((_, at) => {
  const number = String(at + 1);
  return [
    [`site${number}.shop.example`, `${OPEN_NET}.${number}`],
    [`www${number}.bank.example`, `${SECRET_NET}.${number}`],
  ] as const;
});
