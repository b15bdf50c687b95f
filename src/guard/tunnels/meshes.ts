// Knows: which meshes (Tailscale, Nebula, ZeroTier) clients were seen to speak, and in words what can be held of each and what cannot.
// Must not know: how their packets are let through (src/policy/shapes/protocols.ts). A port or a name is no proof, and none is asked for: it
// is said, nothing is opened by it.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import { tunnelWords } from '../../policy/servers/anywhere.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import type { MeshView } from '../../api/status.ts';
import { Protocol } from '../../wire/ip/ip.ts';

export type Mesh = Extract<TunnelProtocol, 'tailscale' | 'nebula' | 'zerotier'>;

const NAMES: Readonly<Record<Mesh, string>> = {
  tailscale: 'Tailscale',
  nebula: 'Nebula',
  zerotier: 'ZeroTier',
};

/** What a person can do about it, while nothing of it is trusted. */
const UNTRUSTED: Readonly<Record<Mesh, string>> = {
  tailscale:
    'Its devices speak with each other at whatever address they have: no list of servers holds them. Add its relays (TCP 443) as opaque and it goes through these alone, or say yes to a tunnel of protocol tailscale to anywhere ("udp:0.0.0.0/0:*", "udp:[::/0]:*"), which is then held by the form of its packets and by nothing else.',
  nebula:
    'Its devices speak with each other at whatever address they have: no list of servers holds them. Add its lighthouses and relays by their addresses, or say yes to a tunnel of protocol nebula to anywhere ("udp:0.0.0.0/0:*"), which is then held by 28 bits of its header and by nothing else.',
  zerotier:
    'Its devices speak with each other at whatever address they have, and nothing in their packets is constant but the addresses of their nodes. Say yes to a tunnel of protocol zerotier to anywhere ("udp:0.0.0.0/0:*") with this device\'s own node (zerotier: "0123456789"), which is then held by that number and by nothing else.',
};

const ZEROTIER_PORT = 9993;
/** The least of ZeroTier's packets; a Nebula handshake begins with a key. */
const LEAST = { zerotier: 8 + 28, nebula: 8 + 16 + 32 };
const TAILSCALE = /^(?:controlplane|log|login|derp\d+[a-z]?(?:-[a-z]+)?)\.tailscale\.com$/;

export class Meshes {
  readonly #seen = new Map<Mesh, { how: string; wall: number }>();

  observe({ packet, direction, folded, verdict }: Observation, now: Now): void {
    if (folded || direction !== 'up' || verdict.verdict === 'essential') return;
    const found = meshOf(packet);
    if (found !== undefined) this.#seen.set(found.mesh, { how: found.how, wall: now.wall });
  }

  list({ tunnels }: Policy): readonly MeshView[] {
    return [...this.#seen].map(([mesh, { how, wall }]) => {
      const tunnel = tunnels.find(({ protocol }) => protocol === mesh);
      const trusted = tunnel !== undefined;
      const words = trusted ? (tunnelWords(tunnel) ?? '') : UNTRUSTED[mesh];
      return { mesh, name: NAMES[mesh], how, seen: new Date(wall).toISOString(), trusted, words };
    });
  }
}

function meshOf(packet: ParsedPacket): { readonly mesh: Mesh; readonly how: string } | undefined {
  const { findings, protocol, kind, udpLength } = packet;
  if (findings.names.some(({ name }) => TAILSCALE.test(name)))
    return { mesh: 'tailscale', how: 'its own servers are asked for or visited' };
  if (protocol !== Protocol.UDP) return undefined;
  if (findings.recognition?.variant === 'tailscale')
    return { mesh: 'tailscale', how: 'its search for ways to its peers' };
  if (kind !== 'udp') return undefined;
  const isHandshake =
    packet.payloadHead === 0x10000000 && packet.payloadHead2 === 0 && packet.payloadHead3 === 0;
  if (isHandshake && udpLength >= LEAST.nebula) return { mesh: 'nebula', how: 'a handshake of its own' };
  const isItsPort = packet.sourcePort === ZEROTIER_PORT || packet.destinationPort === ZEROTIER_PORT;
  return isItsPort && udpLength >= LEAST.zerotier
    ? { mesh: 'zerotier', how: `UDP port ${String(ZEROTIER_PORT)}, which is its own` }
    : undefined;
}
