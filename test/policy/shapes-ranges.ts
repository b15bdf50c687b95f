// Frames at both sides of every border of a range of ports or a network of servers.

import { fill, fragment6, tcp, text, udp, wireguard } from './frames.ts';
import { down4, down6, four, six } from './shape.ts';
import type { Bytes } from './frames.ts';
import type { Shape } from './shape.ts';

const OPENVPN = [0x38, ...fill(41)];
const FORMS: Readonly<Record<string, Bytes>> = {
  wireguard: wireguard(4),
  openvpn: OPENVPN,
  text: text('GET / HTTP/1.1\r\n\r\n'),
};

const PORTS = [
  52, 53, 54, 443, 499, 500, 600, 601, 999, 1000, 1001, 1189, 1190, 1193, 1194, 1195, 1199, 1200, 1201,
];
const MORE_PORTS = [2000, 2001, 3999, 4000, 20000, 33433, 33434, 51820, 65535, 1, 8000, 8100, 8101];

/** Hosts of the policies, and their neighbours beyond the border of a network. */
const HOSTS4 = [
  ...['198.51.100.7', '198.51.100.8', '198.51.100.12', '198.51.100.77', '198.51.100.78'],
  ...['198.51.95.255', '198.51.96.0', '198.51.111.255', '198.51.112.0'],
  ...[
    '198.51.100.127',
    '198.51.100.128',
    '198.51.100.130',
    '198.51.100.199',
    '198.51.100.200',
    '198.51.100.207',
  ],
  ...['198.51.100.208', '198.51.100.255', '203.0.113.0', '203.0.113.63', '203.0.113.64'],
];
const HOSTS6 = [
  ...[
    '2001:db8::7',
    '2001:db8::8',
    '2001:db8:6f:ffff::1',
    '2001:db8:70::',
    '2001:db8:76:ffff::1',
    '2001:db8:77::1',
  ],
  ...[
    '64:ff9b::c633:6407',
    '64:ff9b::c633:5fff',
    '64:ff9b::c633:6000',
    '64:ff9b::c633:64c8',
    '64:ff9b::cb00:713f',
  ],
  ...['2001:db8:78::1', '2001:db8:78::2', '2001:db8:7f:ffff::1', '2001:db8:80::1'],
];

/** Every host with a handful of ports and each form: together they have every port with every form. */
function crossed(
  hosts: readonly string[],
  each: (host: string, port: number, form: string) => Shape[],
): Shape[] {
  const ports = [...PORTS, ...MORE_PORTS];
  const forms = Object.keys(FORMS);
  return hosts.flatMap((host, at) =>
    ports.flatMap((port, place) => {
      const form = forms[(at + place) % 2] ?? '';
      return [...each(host, port, form), ...((at + place) % 5 === 0 ? each(host, port, 'text') : [])];
    }),
  );
}

export const RANGED: readonly Shape[] = [
  ...crossed(HOSTS4, (host, port, form) => {
    const name = `${form} of ${host} and port ${port}`;
    const bytes = FORMS[form] ?? [];
    return [
      four(`${name} up`, 17, udp(40000, port, bytes), { to: host }),
      down4(`${name} down`, 17, udp(port, 40000, bytes), { from: host }),
    ];
  }),
  ...crossed(HOSTS6, (host, port, form) => {
    const name = `${form} of ${host} and port ${port}`;
    const bytes = FORMS[form] ?? [];
    return [
      six(`${name} up`, 17, udp(40000, port, bytes), { to: host }),
      down6(`${name} down`, 17, udp(port, 40000, bytes), { from: host }),
    ];
  }),
  ...HOSTS4.flatMap((host) => [
    ...[443, 444, 8000, 8100, 8101].flatMap((port) => [
      four(`openvpn tcp to ${host} and port ${port}`, 6, tcp(40000, port, [0, 14, 0x38, ...fill(13)]), {
        to: host,
      }),
      four(`a request to ${host} and port ${port}`, 6, tcp(40000, port, FORMS['text'] ?? []), { to: host }),
      down4(`tcp from ${host} and port ${port}`, 6, tcp(port, 40000, fill(40)), { from: host }),
    ]),
    four(`later fragment to ${host}`, 17, fill(512), { to: host, fragment: 65 }),
    four(`later fragment of TCP to ${host}`, 6, fill(512), { to: host, fragment: 65 }),
    four(`first fragment to ${host}`, 17, udp(40000, 1194, [...OPENVPN, ...fill(400)], 1200), {
      to: host,
      fragment: 0x2000,
    }),
    down4(`later fragment from ${host}`, 17, fill(512), { from: host, fragment: 65 }),
    four(`ESP to ${host}`, 50, fill(60), { to: host }),
    four(`ping to ${host}`, 1, [8, 0, 0, 0, ...fill(40)], { to: host }),
  ]),
  ...HOSTS6.flatMap((host) => [
    six(`later fragment to ${host}`, 44, [...fragment6(17, 520, false), ...fill(100)], { to: host }),
    six(
      `first fragment to ${host}`,
      44,
      [...fragment6(17, 0, true), ...udp(40000, 1194, [...OPENVPN, ...fill(400)], 1200)],
      {
        to: host,
      },
    ),
    six(`TCP to ${host}`, 6, tcp(40000, 443, fill(40)), { to: host }),
  ]),
];

/** 198.51.100.7 and 198.51.100.9, and what is no server, behind prefixes that a network may have told (RFC 7050). */
const EMBEDDED = [
  ...['2001:db8:64::c633:6407', '2001:db8:64::c633:6409', '2001:db8:64::c633:6455'],
  ...['2001:db8:65:0:c6:3364:700:0', '2001:db8:65:0:c6:3364:900:0', '2001:db8:65:0:c6:3364:5500:0'],
  // Borders of 198.51.96.0/20, 198.51.100.128/25 and 198.51.100.200/29, and of 203.0.113.0/26, behind both.
  ...['2001:db8:64::c633:5fff', '2001:db8:64::c633:6000', '2001:db8:64::c633:6fff', '2001:db8:64::c633:7000'],
  ...['2001:db8:64::c633:647f', '2001:db8:64::c633:6480', '2001:db8:64::c633:64c8', '2001:db8:64::cb00:713f'],
  ...['2001:db8:64::cb00:7140', '2001:db8:64:1::c633:6480', '2001:db8:63:ffff:ffff:ffff:c633:6480'],
  ...['2001:db8:65:0:c6:335f:ff00:0', '2001:db8:65:0:c6:3360:0:0', '2001:db8:65:0:c6:3364:8000:0'],
  ...['2001:db8:65:0:c6:3364:c800:1', '2001:db8:65:0:cb:71:3f00:0', '2001:db8:65:0:cb:71:4000:0'],
  // With a bit in the octet that is zero, and of the next network.
  ...['2001:db8:65:0:1c6:3364:8000:0', '2001:db8:65:1:c6:3364:8000:0'],
];

export const BEHIND_PREFIXES: readonly Shape[] = [
  ...crossed(EMBEDDED, (host, port, form) => {
    const name = `${form} of ${host} and port ${port}`;
    const bytes = FORMS[form] ?? [];
    return [
      six(`${name} up`, 17, udp(40000, port, bytes), { to: host }),
      down6(`${name} down`, 17, udp(port, 40000, bytes), { from: host }),
    ];
  }),
  ...EMBEDDED.flatMap((host) => [
    six(`later fragment to ${host}`, 44, [...fragment6(17, 520, false), ...fill(100)], { to: host }),
    six(`ESP to ${host}`, 50, fill(60), { to: host }),
    six(`TCP to ${host}`, 6, tcp(40000, 443, fill(40)), { to: host }),
    six(
      `first fragment to ${host}`,
      44,
      [...fragment6(17, 0, true), ...udp(40000, 1194, [...OPENVPN, ...fill(400)], 1200)],
      { to: host },
    ),
    down6(`later fragment from ${host}`, 44, [...fragment6(17, 520, false), ...fill(100)], { from: host }),
  ]),
];
