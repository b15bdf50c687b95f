// Frames that look for somebody on the link, and which of them a client needs. The learned state is LEARNED of policies.ts: gateway
// 192.168.1.1 and fe80::1, client 192.168.1.50, box 192.168.1.2.

import {
  BROADCAST,
  CLIENT,
  ROUTER,
  address4,
  address6,
  ethernet,
  fill,
  icmp6,
  ipv6,
  mac,
  u16,
} from './frames.ts';
import type { Bytes, Link } from './frames.ts';
import { LINK_LOCAL } from './shape.ts';
import type { Shape } from './shape.ts';

interface Expected extends Shape {
  readonly crosses: boolean;
}

function arp(operation: number, from: string, sender: string, target: string, behind: Bytes = []): Bytes {
  return [
    ...[...u16(1), ...u16(0x0800), 6, 4, ...u16(operation), ...mac(from), ...address4(sender)],
    ...[...fill(6, 0), ...address4(target), ...behind],
  ];
}

const up = (name: string, crosses: boolean, message: Bytes, link: Link = { to: BROADCAST }): Expected => ({
  ...{ name, direction: 'up', crosses, bytes: ethernet(0x0806, message, link) },
});
const asks = (target: string, sender = '192.168.1.50', behind: Bytes = []): Bytes =>
  arp(1, CLIENT, sender, target, behind);
const down = (
  name: string,
  crosses: boolean,
  operation: number,
  sender: string,
  target: string,
): Expected => ({
  ...{ name, direction: 'down', crosses },
  bytes: ethernet(0x0806, arp(operation, ROUTER, sender, target), { from: ROUTER, to: CLIENT }),
});
const nd = (
  name: string,
  crosses: boolean,
  type: number,
  target: string,
  to: string,
  from = LINK_LOCAL,
  behind: Bytes = [],
): Expected => ({
  ...{ name, direction: 'up', crosses },
  bytes: ethernet(
    0x86dd,
    ipv6(58, icmp6(type, [...fill(4, 0), ...address6(target), ...behind]), { from, to, hops: 255 }),
  ),
});

/** An address of the client of LEARNED on the link, and one that it has inside its tunnel. */
const [OWN6, TUNNELED] = ['2001:db8:1::50', 'fd66::2'];
const asked = (name: string, crosses: boolean, target: string, to: string, from = 'fe80::1'): Expected => ({
  ...{ name, direction: 'down', crosses },
  bytes: ethernet(
    0x86dd,
    ipv6(58, icmp6(135, [...fill(4, 0), ...address6(target)]), { from, to, hops: 255 }),
    { from: ROUTER, to: CLIENT },
  ),
});

export const NEIGHBOURS: readonly Expected[] = [
  up('ARP for the gateway', true, asks('192.168.1.1')),
  up('ARP for the gateway by unicast', true, asks('192.168.1.1'), {}),
  up('ARP for the tunnel server', true, asks('198.51.100.7')),
  up('ARP for a public address', false, asks('203.0.113.80')),
  up('ARP for a neighbour', false, asks('192.168.1.77')),
  up('ARP from an address of a tunnel', false, asks('192.168.1.1', '10.66.0.2')),
  up('ARP announcement', true, asks('192.168.1.50')),
  up('ARP announcement of another', false, asks('192.168.1.77', '192.168.1.77')),
  up('ARP probe of its own', true, asks('192.168.1.50', '0.0.0.0')),
  up('ARP probe of a link-local address', true, asks('169.254.8.9', '0.0.0.0')),
  up('ARP probe of a public address', false, asks('203.0.113.80', '0.0.0.0')),
  up('ARP with bytes behind it', false, asks('192.168.1.1', '192.168.1.50', [1, 2, 3])),
  up('ARP longer than a frame must be', false, asks('192.168.1.1', '192.168.1.50', fill(40, 0))),
  up('ARP reply for its own', true, arp(2, CLIENT, '192.168.1.50', '192.168.1.1'), {}),
  up("ARP reply for a tunnel's address", false, arp(2, CLIENT, '10.66.0.2', '192.168.1.1'), {}),
  up("ARP for the box's fixed address", false, asks('169.254.77.1')),
  up("ARP for the box's own address", false, asks('192.168.1.2')),
  nd('solicitation of the router', true, 135, 'fe80::1', 'ff02::1:ff00:1'),
  nd('solicitation of the tunnel server', true, 135, '2001:db8::7', 'ff02::1:ff00:7'),
  nd('solicitation of a public address', false, 135, '2620:fe::9', 'ff02::1:ff00:9'),
  nd("solicitation of a public address in the router's group", false, 135, '2620:fe::1', 'ff02::1:ff00:1'),
  nd('solicitation of a neighbour', false, 135, 'fe80::77', 'ff02::1:ff00:77'),
  nd('detection of a double', true, 135, 'fe80::50', 'ff02::1:ff00:50', '::'),
  nd('solicitation with bytes behind it', false, 135, 'fe80::1', 'ff02::1:ff00:1', LINK_LOCAL, fill(40)),
  nd('advertisement to the router', true, 136, LINK_LOCAL, 'fe80::1'),
  nd('advertisement to a group of one', false, 136, LINK_LOCAL, 'ff02::1:ff00:1'),
  nd('advertisement of its own global address', true, 136, OWN6, 'fe80::1', OWN6),
  nd('advertisement of its own to everybody', true, 136, OWN6, 'ff02::1', OWN6),
  nd("advertisement of a tunnel's address", false, 136, TUNNELED, 'fe80::1'),
  nd("advertisement of a tunnel's address to everybody", false, 136, TUNNELED, 'ff02::1', TUNNELED),
  nd("advertisement of a tunnel's address in the link's own /64", false, 136, '2001:db8:1::66', 'fe80::1'),
  nd('solicitation of the router from its own global address', true, 135, 'fe80::1', 'ff02::1:ff00:1', OWN6),
  nd("solicitation of the router from a tunnel's address", false, 135, 'fe80::1', 'ff02::1:ff00:1', TUNNELED),
  nd("advertisement of its own from a tunnel's address", false, 136, OWN6, 'fe80::1', TUNNELED),
  nd("advertisement of a tunnel's link-local address", false, 136, 'fe80::66', 'fe80::1'),
  nd("advertisement from a tunnel's link-local address", false, 136, OWN6, 'fe80::1', 'fe80::66'),
  nd("detection of a double of what is no interface's", false, 135, '::5:6:8', 'ff02::1:ff06:8', '::'),
  nd('detection of a double of a group', false, 135, 'ff02::1:2:3', 'ff02::1:ff02:3', '::'),
  asked('solicitation of the client', true, OWN6, 'ff02::1:ff00:50'),
  asked('solicitation of the client by unicast', true, OWN6, OWN6),
  asked('solicitation of a link-local address', true, 'fe80::50', 'ff02::1:ff00:50'),
  asked('a double of the client', true, OWN6, 'ff02::1:ff00:50', '::'),
  asked("solicitation of a tunnel's address", false, TUNNELED, 'ff02::1:ff00:2'),
  asked("solicitation of a tunnel's address by unicast", false, TUNNELED, OWN6),
  asked("solicitation of the client, to its tunnel's address", false, OWN6, TUNNELED),
  asked("solicitation of a link-local address of the client's tunnel", false, 'fe80::66', 'ff02::1:ff00:66'),
  down('ARP asks for the client', true, 1, '192.168.1.1', '192.168.1.50'),
  down("ARP asks for a tunnel's address", false, 1, '192.168.1.1', '10.66.0.2'),
  down('ARP answers as the gateway', true, 2, '192.168.1.1', '192.168.1.50'),
  down('ARP answers as a public address', false, 2, '203.0.113.80', '192.168.1.50'),
  down("ARP answers as the box's fixed address", false, 2, '169.254.77.1', '192.168.1.50'),
  down("ARP answers as the box's own address", false, 2, '192.168.1.2', '192.168.1.50'),
];
