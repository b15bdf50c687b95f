// Knows: packets of tunnels, and what is sent to their endpoints without being theirs. Must not know: what becomes of them.

import { dnsAnswer, dnsQuery, extension, fill, fragment6, tcp, text, u32, udp, wireguard } from './frames.ts';
import { four, six, down4, down6, WG, WG6, data, query, big } from './shape.ts';
import type { Shape } from './shape.ts';

export const TUNNELS: readonly Shape[] = [
  ...([1, 2, 3, 4] as const).map((type) =>
    four(`wireguard message ${type}`, 17, udp(40000, 51820, wireguard(type)), { to: WG }),
  ),
  four('wireguard keepalive', 17, udp(40000, 51820, wireguard(4, 32)), { to: WG }),
  four('wireguard data of full size, padded to the MTU of 1420', 17, udp(40000, 51820, wireguard(4, 1452)), {
    to: WG,
  }),
  four('wireguard data without padding', 17, udp(40000, 51820, wireguard(4, 97)), { to: WG }),
  six('wireguard over IPv6', 17, udp(40000, 51820, data), { to: WG6 }),
  four('wireguard to a learned address', 17, udp(40000, 51820, data), { to: '198.51.100.77' }),
  four('wireguard from source port 51820', 17, udp(51820, 51820, data), { to: WG }),
  four('openvpn udp reset', 17, udp(40000, 1194, [0x38, ...fill(41)]), { to: '198.51.100.8' }),
  four('openvpn udp data', 17, udp(40000, 1194, [0x48, 0, 0, 1, ...fill(60)]), { to: '198.51.100.8' }),
  four('openvpn tcp', 6, tcp(40000, 443, [0, 14, 0x38, ...fill(13)]), { to: '198.51.100.8' }),
  four('openvpn tcp syn', 6, tcp(40000, 443, [], 2), { to: '198.51.100.8' }),
  four('ike', 17, udp(500, 500, [...fill(8, 0x11), ...fill(8, 0), 0x21, 0x20, 0x22, 8, ...fill(40)]), {
    to: '198.51.100.9',
  }),
  four('ike on 4500', 17, udp(4500, 4500, [0, 0, 0, 0, ...fill(8, 0x11), ...fill(40)]), {
    to: '198.51.100.9',
  }),
  four('esp in udp', 17, udp(4500, 4500, [...u32(0xc0ffee01), ...u32(1), ...fill(60)]), {
    to: '198.51.100.9',
  }),
  four('nat keepalive', 17, udp(4500, 4500, [0xff]), { to: '198.51.100.9' }),
  four('esp', 50, [...u32(0xc0ffee01), ...u32(1), ...fill(60)], { to: '198.51.100.9' }),
  six('esp over IPv6', 50, [...u32(0xc0ffee01), ...u32(1), ...fill(60)], { to: '2001:db8::9' }),
  four('tor', 6, tcp(40000, 9001, fill(100)), { to: '198.51.100.10' }),
  six('tor over IPv6', 6, tcp(40000, 9001, fill(100)), { to: '2001:db8::10' }),
  four('opaque', 17, udp(40000, 8443, query), { to: '198.51.100.11' }),
  four('first fragment of the tunnel', 17, udp(40000, 51820, big.slice(0, 512), 8 + 1104), {
    to: WG,
    fragment: 0x2000,
  }),
  four('later fragment of the tunnel', 17, fill(512), { to: WG, fragment: 65 }),
  four('last short fragment of the tunnel', 17, fill(3), { to: WG, fragment: 65 }),
  six(
    'first fragment over IPv6',
    44,
    [...fragment6(17, 0, true), ...udp(40000, 51820, big.slice(0, 512), 8 + 1104)],
    { to: WG6 },
  ),
  six('later fragment over IPv6', 44, [...fragment6(17, 520, false), ...fill(100)], { to: WG6 }),
  six('atomic fragment of the tunnel', 44, [...fragment6(17, 0, false), ...udp(40000, 51820, data)], {
    to: WG6,
  }),
  down4('wireguard down', 17, udp(51820, 40000, data), { from: WG }),
  down6('wireguard down over IPv6', 17, udp(51820, 40000, data), { from: WG6 }),
  down4('tunnel fragment down', 17, fill(512), { from: WG, fragment: 65 }),
  down4('esp down', 50, fill(60), { from: '198.51.100.9' }),
];

export const FOREIGN: readonly Shape[] = [
  four('DNS to the tunnel server on its port', 17, udp(40000, 51820, query), { to: WG }),
  six('DNS to the tunnel server on its port over IPv6', 17, udp(40000, 51820, query), { to: WG6 }),
  four('DNS to the tunnel server on port 53', 17, udp(40000, 53, query), { to: WG }),
  four(
    'DNS to the OpenVPN server on its port',
    17,
    udp(40000, 1194, dnsQuery('www.example.com', { id: 0x3801 })),
    { to: '198.51.100.8' },
  ),
  four('DNS to the IPsec server on 4500', 17, udp(40000, 4500, query), { to: '198.51.100.9' }),
  four('DNS to the IPsec server on 500', 17, udp(40000, 500, query), { to: '198.51.100.9' }),
  four(
    'DNS to the WireGuard server on its port, as like its data as can be',
    17,
    udp(40000, 51820, dnsQuery('www.example.com', { id: 0x0400, flags: 0 })),
    { to: WG },
  ),
  four('text to the tunnel port', 17, udp(40000, 51820, text('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')), {
    to: WG,
  }),
  four('wireguard of a wrong length', 17, udp(40000, 51820, wireguard(1, 147)), { to: WG }),
  four('wireguard with reserved bytes', 17, udp(40000, 51820, [4, 1, 0, 0, ...fill(92)]), { to: WG }),
  four('wireguard from a wrong host', 17, udp(40000, 51820, data), { to: '198.51.100.70' }),
  four('tcp to the tunnel port', 6, tcp(40000, 51820, fill(40)), { to: WG }),
  four('source port 51820', 17, udp(51820, 40000, data), { to: '203.0.113.1' }),
  four('wireguard with bytes behind it', 17, [...udp(40000, 51820, data), ...text('user=anna')], { to: WG }),
  four('wireguard with IP options', 17, udp(40000, 51820, data), { to: WG, options: [148, 4, 0, 0] }),
  six('wireguard behind destination options', 60, [...extension(17), ...udp(40000, 51820, data)], {
    to: WG6,
  }),
  six('wireguard behind hop-by-hop', 0, [...extension(17), ...udp(40000, 51820, data)], { to: WG6 }),
  four('IPv4 that says it is longer than the datagram', 17, udp(40000, 51820, data, 8 + 96 + 32), { to: WG }),
  down4('DNS answer from the tunnel port', 17, udp(51820, 40000, dnsAnswer('a.example', '192.0.2.1')), {
    from: WG,
  }),
];
