// Packets of meshes, and what almost looks like them.

import { dnsQuery, fill, fragment6, text, u16, u32, udp, wireguard } from './frames.ts';
import { down4, down6, four, six } from './shape.ts';
import type { Bytes } from './frames.ts';
import type { Shape } from './shape.ts';

/** Who sends such a packet, and whether it is one of the mesh's: going up, and coming down. */
interface Form {
  readonly mesh: 'tailscale' | 'nebula' | 'zerotier';
  readonly bytes: Bytes;
  readonly up: boolean;
  readonly down: boolean;
  /** Not behind a fragment header. */
  readonly whole?: true;
}

const DISCO = [0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac];
const COOKIE = u32(0x2112a442);
const TRANSACTION = fill(12, 0x33);
const software = (name: string): Bytes => [...u16(0x8022), ...u16(name.length), ...text(name)];
const FINGERPRINT = [...u16(0x8028), ...u16(4), ...u32(0xdeadbeef)];
const stun = (type: number, attributes: Bytes): Bytes => [
  ...[...u16(type), ...u16(attributes.length), ...COOKIE, ...TRANSACTION],
  ...attributes,
];
const MAPPED = [...u16(0x20), ...u16(8), 0, 1, ...u16(0x1234), ...u32(0x12345678)];
const MAPPED6 = [...u16(0x20), ...u16(20), 0, 2, ...u16(0x1234), ...fill(16)];

const nebula = (type: number, subtype: number, more = 60): Bytes => [
  ...[0x10 | type, subtype, 0, 0, ...u32(0xcafe0001), ...u32(0), ...u32(7)],
  ...fill(more),
];

const OWN = [0xa1, 0xb2, 0xc3, 0xd4, 0xe5];
const PEER = [0x11, 0x22, 0x33, 0x44, 0x55];
const zerotier = (to: Bytes, from: Bytes, more = 60): Bytes => [
  ...[...fill(8, 0x77), ...to, ...from, 0x00, ...fill(8, 0x66)],
  ...fill(more),
];
const piece = (to: Bytes, which: number, hops = 0, more = 60): Bytes => [
  ...[...fill(8, 0x77), ...to, 0xff, which, hops],
  ...fill(more),
];

const both = (mesh: Form['mesh'], bytes: Bytes): Form => ({ mesh, bytes, up: true, down: true });
const none = (mesh: Form['mesh'], bytes: Bytes): Form => ({ mesh, bytes, up: false, down: false });
const whole = (form: Form): Form => ({ ...form, whole: true });
const only = (mesh: Form['mesh'], direction: 'up' | 'down', bytes: Bytes): Form => ({
  ...{ mesh, bytes },
  ...(mesh === 'zerotier' ? { whole: true } : {}),
  ...{ up: direction === 'up', down: direction === 'down' },
});

export const MESH_FORMS: Readonly<Record<string, Form>> = {
  'disco of Tailscale': both('tailscale', [...DISCO, ...fill(96)]),
  'the shortest disco': both('tailscale', [...DISCO, ...fill(74)]),
  'disco that is too short': none('tailscale', [...DISCO, ...fill(73)]),
  'almost disco': none('tailscale', [...DISCO.slice(0, 5), 0xad, ...fill(96)]),
  "Tailscale's data": both('tailscale', wireguard(4)),
  "Tailscale's handshake": both('tailscale', wireguard(1)),
  "Tailscale's question for its own address": whole(
    only('tailscale', 'up', stun(1, [...software('tailnode'), ...FINGERPRINT])),
  ),
  'the same of another program': none('tailscale', stun(1, [...software('libwebrt'), ...FINGERPRINT])),
  'the same with more behind it': none(
    'tailscale',
    stun(1, [...software('tailnode'), ...FINGERPRINT, ...u32(0)]),
  ),
  'the same without its end': none('tailscale', stun(1, [...software('tailnode'), ...fill(8, 0)])),
  'a question for an own address': none('tailscale', stun(1, [])),
  'what is answered': only('tailscale', 'down', stun(0x101, MAPPED)),
  'what is answered over IPv6': only('tailscale', 'down', stun(0x101, MAPPED6)),
  'what is refused': none('tailscale', stun(0x111, MAPPED)),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 6].flatMap((type) =>
      [0, 1].map((subtype) => [
        `a message of Nebula, ${type} ${subtype}`,
        both('nebula', nebula(type, subtype)),
      ]),
    ),
  ),
  'the shortest message of Nebula': both('nebula', nebula(2, 0, 0)),
  'a message of Nebula that is too short': none('nebula', nebula(2, 0).slice(0, 15)),
  'a message of Nebula of another type': none('nebula', nebula(7, 0)),
  'a message of Nebula of another sort': none('nebula', nebula(1, 2)),
  'a message of a later Nebula': none('nebula', [0x21, ...nebula(1, 0).slice(1)]),
  'a message of Nebula with something in reserve': none('nebula', [0x11, 0, 0, 1, ...nebula(1, 0).slice(4)]),
  'what keeps a way open for Nebula': whole(both('nebula', [0])),
  'the same, of later': whole(both('nebula', [1])),
  'one octet of something else': none('nebula', [2]),
  // RD is not asked for, and the id is what Nebula's header begins with.
  'a question that begins as Nebula does': none(
    'nebula',
    dnsQuery('www.example.com', { id: 0x1100, flags: 0 }),
  ),
  'a packet of ZeroTier from this node': only('zerotier', 'up', zerotier(PEER, OWN)),
  'a packet of ZeroTier to this node': only('zerotier', 'down', zerotier(OWN, PEER)),
  'a packet of ZeroTier between others': none('zerotier', zerotier(PEER, PEER)),
  'the shortest packet of ZeroTier': only('zerotier', 'up', zerotier(PEER, OWN, 1)),
  'a packet of ZeroTier that is too short': none('zerotier', zerotier(PEER, OWN, 0)),
  'a piece for a peer': only('zerotier', 'up', piece(PEER, 0x21)),
  'a piece for this node': whole(both('zerotier', piece(OWN, 0x21))),
  'the last of seven pieces': only('zerotier', 'up', piece(PEER, 0x76, 7)),
  'a piece that came too far': none('zerotier', piece(PEER, 0x21, 8)),
  'a piece of one': none('zerotier', piece(PEER, 0x11)),
  'a piece behind the last': none('zerotier', piece(PEER, 0x22)),
  'a first piece': none('zerotier', piece(PEER, 0x20)),
  'an empty piece': none('zerotier', piece(PEER, 0x21, 0, 0)),
};

const HOSTS = { 4: '203.0.113.200', 6: '2001:db8:99::1' };

export const MESHES: readonly Shape[] = Object.entries(MESH_FORMS).flatMap(([name, { bytes }]) => [
  four(`${name}, up`, 17, udp(41641, 33445, bytes), { to: HOSTS[4] }),
  six(`${name}, up over IPv6`, 17, udp(41641, 33445, bytes), { to: HOSTS[6] }),
  down4(`${name}, down`, 17, udp(33445, 41641, bytes), { from: HOSTS[4] }),
  down6(`${name}, down over IPv6`, 17, udp(33445, 41641, bytes), { from: HOSTS[6] }),
  six(`${name}, up, with a fragment header`, 44, [...fragment6(17, 0, false), ...udp(41641, 33445, bytes)], {
    to: HOSTS[6],
  }),
]);
