// How a frame is given a name and a way, and whose addresses the policies of the tests have.

import { CLIENT, ROUTER, dnsQuery, ethernet, fill, ipv4, ipv6, wireguard } from './frames.ts';
import type { Bytes, Ipv4, Ipv6, Link } from './frames.ts';

export interface Shape {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly bytes: Uint8Array;
}

export const WG = '198.51.100.7';
export const WG6 = '2001:db8::7';
export const LINK_LOCAL = 'fe80::50';

export function up(name: string, bytes: Uint8Array): Shape {
  return { name, direction: 'up', bytes };
}

export function four(name: string, protocol: number, payload: Bytes, ip: Ipv4 = {}, link: Link = {}): Shape {
  return up(name, ethernet(0x0800, ipv4(protocol, payload, ip), link));
}

export function six(name: string, next: number, payload: Bytes, ip: Ipv6 = {}, link: Link = {}): Shape {
  return up(name, ethernet(0x86dd, ipv6(next, payload, ip), link));
}

export function down4(name: string, protocol: number, payload: Bytes, ip: Ipv4 = {}): Shape {
  const bytes = ethernet(0x0800, ipv4(protocol, payload, { to: '192.168.1.50', ...ip }), {
    from: ROUTER,
    to: CLIENT,
  });
  return { name, direction: 'down', bytes };
}

export function down6(name: string, next: number, payload: Bytes, ip: Ipv6 = {}): Shape {
  const bytes = ethernet(0x86dd, ipv6(next, payload, { to: '2001:db8:1::50', ...ip }), {
    from: ROUTER,
    to: CLIENT,
  });
  return { name, direction: 'down', bytes };
}

export const data = wireguard(4);
export const query = dnsQuery('www.example.com');
export const big = [...data, ...fill(1000)];
