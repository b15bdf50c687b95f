// Which mesh VPNs (Tailscale, Nebula, ZeroTier) clients were seen to use, and in words what the box can and cannot check about each
// (src/policy/shapes/protocols.ts lets their packets through). A port or a name is not proof, and need not be: this only informs, it
// opens nothing.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import { tunnelWords } from '../../policy/servers/anywhere.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import type { MeshView } from '../../api/status.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** The mesh VPNs that are told apart. */
export type Mesh = Extract<TunnelProtocol, 'tailscale' | 'nebula' | 'zerotier'>;

const NAMES: Readonly<Record<Mesh, string>> = {
  tailscale: 'Tailscale',
  nebula: 'Nebula',
  zerotier: 'ZeroTier',
};

/** What a person can do about a mesh that the policy does not have. */
const UNTRUSTED: Readonly<Record<Mesh, string>> = {
  tailscale:
    'Its devices talk directly to each other, at any address: no list of servers covers them. Either add its relays (TCP 443) as opaque, so that it goes through these only, or allow a tunnel of protocol tailscale to anywhere ("udp:0.0.0.0/0:*", "udp:[::/0]:*"), which is then checked by the form of its packets and by nothing else.',
  nebula:
    'Its devices talk directly to each other, at any address: no list of servers covers them. Either add its lighthouses and relays by their addresses, or allow a tunnel of protocol nebula to anywhere ("udp:0.0.0.0/0:*"), which is then checked by 28 bits of its header and by nothing else.',
  zerotier:
    'Its devices talk directly to each other, at any address, and nothing in their packets is constant except the addresses of their nodes. Allow a tunnel of protocol zerotier to anywhere ("udp:0.0.0.0/0:*") with this device\'s own node (zerotier: "0123456789"), which is then checked by that number and by nothing else.',
};

const ZEROTIER_PORT = 9993;
/** UDP length of the smallest ZeroTier packet, and of a Nebula handshake, whose header is followed by a key. */
const MIN_LENGTH = { zerotier: 8 + 28, nebula: 8 + 16 + 32 };
const TAILSCALE = /^(?:controlplane|log|login|derp\d+[a-z]?(?:-[a-z]+)?)\.tailscale\.com$/;

/** Meshes seen so far. */
export class Meshes {
  readonly #seen = new Map<Mesh, { how: string; wall: number }>();

  /** Notes the mesh that an observation shows, if any. */
  observe({ packet, direction, folded, verdict }: Observation, now: Now): void {
    if (folded || direction !== 'up' || verdict.verdict === 'essential') return;
    const found = meshOf(packet);
    if (found !== undefined) this.#seen.set(found.mesh, { how: found.how, wall: now.wall });
  }

  /** The meshes seen, each once, with when it was seen last (ISO 8601); `trusted`: the policy has a tunnel of that protocol. */
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
    return { mesh: 'tailscale', how: 'its servers were looked up or visited' };
  if (protocol !== Protocol.UDP) return undefined;
  if (findings.recognition?.variant === 'tailscale')
    return { mesh: 'tailscale', how: 'its search for paths to its peers' };
  if (kind !== 'udp') return undefined;
  const isHandshake =
    packet.payloadHead === 0x10000000 && packet.payloadHead2 === 0 && packet.payloadHead3 === 0;
  if (isHandshake && udpLength >= MIN_LENGTH.nebula) return { mesh: 'nebula', how: 'its handshake' };
  const isItsPort = packet.sourcePort === ZEROTIER_PORT || packet.destinationPort === ZEROTIER_PORT;
  return isItsPort && udpLength >= MIN_LENGTH.zerotier
    ? { mesh: 'zerotier', how: `UDP port ${String(ZEROTIER_PORT)}, which is ZeroTier's` }
    : undefined;
}
