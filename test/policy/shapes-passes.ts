// What a laptop sends to log in to a network, and near misses. The learned state is PASSING of policies.ts: link 192.168.1.0/24 and
// 2001:db8:1::/64, announced portal 203.0.113.77, redirect to 203.0.113.78:9443 and [2001:db8:78::1]:9443.

import {
  BROADCAST,
  CLIENT,
  address4,
  address6,
  ethernet,
  fill,
  icmp6,
  ipv6,
  mac,
  tcp,
  u16,
  udp,
} from './frames.ts';
import { LINK_LOCAL, down4, down6, four, six, up } from './shape.ts';
import type { Shape } from './shape.ts';

const PORTS = [
  81, 880, 1000, 1003, 1004, 2050, 3990, 8000, 8002, 8080, 8443, 8843, 8880, 8881, 9997,
] as const;
const arp = (target: string): Uint8Array =>
  ethernet(
    0x0806,
    [
      ...[...u16(1), ...u16(0x0800), 6, 4, ...u16(1), ...mac(CLIENT), ...address4('192.168.1.50')],
      ...[...fill(6, 0), ...address4(target)],
    ],
    { to: BROADCAST },
  );
const nd = (type: number, target: string, to: string): Uint8Array =>
  ethernet(
    0x86dd,
    ipv6(58, icmp6(type, [...fill(4, 0), ...address6(target)]), { from: LINK_LOCAL, to, hops: 255 }),
  );

export const LOGINS: readonly Shape[] = [
  ...PORTS.map((port) => four(`TCP to port ${port}`, 6, tcp(40000, port, fill(20)), { to: '203.0.113.70' })),
  ...PORTS.slice(0, 3).map((port) =>
    six(`TCP to port ${port} over IPv6`, 6, tcp(40000, port), { to: '2001:db8:70::1' }),
  ),
  ...PORTS.slice(0, 3).map((port) =>
    down4(`TCP from port ${port}`, 6, tcp(port, 40000), { from: '203.0.113.70' }),
  ),
  four('UDP to a port of login pages', 17, udp(40000, 8880, fill(20)), { to: '203.0.113.70' }),
  four('TCP to any port on the link', 6, tcp(40000, 4443), { to: '192.168.1.60' }),
  four('UDP to any port on the link', 17, udp(40000, 4443, fill(20)), { to: '192.168.1.60' }),
  four('TCP to any port beside the link', 6, tcp(40000, 4443), { to: '192.168.2.60' }),
  six('TCP to any port on the link over IPv6', 6, tcp(40000, 4443), { to: '2001:db8:1::60' }),
  six('TCP to any port beside the link over IPv6', 6, tcp(40000, 4443), { to: '2001:db8:2::60' }),
  down4('TCP from any port on the link', 6, tcp(4443, 40000), { from: '192.168.1.60' }),
  four('TCP to any port of the announced portal', 6, tcp(40000, 4443), { to: '203.0.113.77' }),
  four('TCP to the port of the redirect', 6, tcp(40000, 9443), { to: '203.0.113.78' }),
  four('TCP to another port of the redirect', 6, tcp(40000, 9444), { to: '203.0.113.78' }),
  six('TCP to the port of the redirect over IPv6', 6, tcp(40000, 9443), { to: '2001:db8:78::1' }),
  down6('TCP from the port of the redirect over IPv6', 6, tcp(9443, 40000), { from: '2001:db8:78::1' }),
  up('ARP for a login page on the link', arp('192.168.1.60')),
  up('ARP for a neighbour beside the link', arp('192.168.2.60')),
  up('solicitation for a login page on the link', nd(135, '2001:db8:1::60', 'ff02::1:ff00:60')),
  up('solicitation for a neighbour beside the link', nd(135, '2001:db8:2::60', 'ff02::1:ff00:60')),
  up('advertisement to a login page on the link', nd(136, '2001:db8:1::50', '2001:db8:1::60')),
  up('advertisement beside the link', nd(136, '2001:db8:1::50', '2001:db8:2::60')),
];
