// By what meshes are recognised, and what is said of them. Holds src/guard/tunnels/meshes.ts.

import { describe, expect, it } from 'vitest';
import { Meshes } from '../../../src/guard/tunnels/meshes.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { clientHello } from '../../policy/tls-hello.ts';
import { dnsQuery, ethernet, fill, ipv4, ipv6, tcp, u32, udp } from '../../policy/frames.ts';
import { BARE, NEBULA, TAILSCALE, ZEROTIER } from '../../policy/policies.ts';
import { leak, observation } from '../samples.ts';

const NOW = { wall: Date.parse('2026-06-01T12:00:00Z'), monotonic: 0 };
const DISCO = [0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac, ...fill(96)];
const HANDSHAKE = [0x10, 0, 0, 0, ...u32(0), ...u32(0), ...u32(1), ...fill(200)];

function seenIn(frame: Uint8Array, more: Partial<Observation> = {}): Observation {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(frame, 0, frame.length, frame.length, 1, packet);
  dissector.application(frame, packet, 0);
  return { ...observation({ verdict: leak('') }), packet, ...more };
}

const four = (protocol: number, payload: readonly number[]): Uint8Array =>
  ethernet(0x0800, ipv4(protocol, payload));

describe('a mesh', () => {
  it.each([
    ['by its search for ways', four(17, udp(41641, 33445, DISCO)), 'tailscale'],
    ['by its search for ways over IPv6', ethernet(0x86dd, ipv6(17, udp(41641, 33445, DISCO))), 'tailscale'],
    ['by a question for its relay', four(17, udp(40000, 53, dnsQuery('derp12c.tailscale.com'))), 'tailscale'],
    [
      'by a visit to its relay',
      four(6, tcp(40000, 443, [...clientHello('derp3.tailscale.com')])),
      'tailscale',
    ],
    [
      'by a question for who leads it',
      four(17, udp(40000, 53, dnsQuery('controlplane.tailscale.com'))),
      'tailscale',
    ],
    ['by a visit to its site', four(17, udp(40000, 53, dnsQuery('www.tailscale.com'))), undefined],
    [
      'by a name that ends alike',
      four(17, udp(40000, 53, dnsQuery('derp3.tailscale.com.evil.example'))),
      undefined,
    ],
    ['by its handshake', four(17, udp(4242, 4242, HANDSHAKE)), 'nebula'],
    ['by data that might be anybody’s', four(17, udp(4242, 4242, [0x11, 0, 0, 0, ...fill(80)])), undefined],
    ['by its port', four(17, udp(9993, 9993, fill(120, 0x77))), 'zerotier'],
    ['by a port that is free again', four(17, udp(40000, 9994, fill(120, 0x77))), undefined],
    ['by its port over TCP', four(6, tcp(40000, 9993, fill(120, 0x77))), undefined],
  ])('is recognised %s', (_case, frame, expected) => {
    const meshes = new Meshes();
    meshes.observe(seenIn(frame), NOW);
    expect(meshes.list(BARE).map(({ mesh }) => mesh)).toEqual(expected === undefined ? [] : [expected]);
  });

  it('is not what the network says, nor what was folded', () => {
    const meshes = new Meshes();
    const frame = four(17, udp(41641, 33445, DISCO));
    meshes.observe(seenIn(frame, { direction: 'down' }), NOW);
    meshes.observe(seenIn(frame, { folded: true }), NOW);
    expect(meshes.list(BARE)).toEqual([]);
  });

  it.each([
    ['tailscale', DISCO, TAILSCALE],
    ['nebula', HANDSHAKE, NEBULA],
    ['zerotier', fill(120, 0x77), ZEROTIER],
  ])('%s is told with what can be held of it, trusted or not', (mesh, bytes, trusting) => {
    const meshes = new Meshes();
    meshes.observe(seenIn(four(17, udp(9993, 4242, bytes))), NOW);
    const [untrusted] = meshes.list(BARE);
    expect(untrusted).toMatchObject({ mesh, trusted: false, seen: '2026-06-01T12:00:00.000Z' });
    expect(untrusted?.words).toMatch(/at any address/);
    const [trusted] = meshes.list(trusting);
    expect(trusted).toMatchObject({ mesh, trusted: true });
    expect(trusted?.words).toMatch(/^Peers may be anywhere: .*gets out\.$/);
  });
});
