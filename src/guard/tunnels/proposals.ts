// Tunnels that a client was seen to begin, by their handshakes, proposed to the user. A proposal opens nothing: traffic is a tunnel's only
// after a person has added the tunnel to the policy.

import type { Proposal } from '../../api/box.ts';
import type { Recognition } from '../../flow/parsed-packet.ts';
import { TUNNEL_PROTOCOLS } from '../../flow/kinds.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import { endpointText } from '../../wire/ip/address.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import { FairMap } from '../incidents/quotas.ts';

/** Most proposals, more than any laptop needs. A flood of one protocol pushes out only its own. */
const LIMIT = 32;
/** IP protocol number. */
const TCP = 6;

/** The proposals, by endpoint (`udp:203.0.113.7:51820`); at most 32. */
export class Proposals {
  readonly #held = new FairMap<Proposal>(LIMIT);
  /** Endpoints that a client itself has sent to: the network alone can neither create these nor push them out. */
  readonly #begun = new Set<string>();

  /** Notes the handshake in an observation, if there is one. */
  observe({ packet, frames, folded, direction }: Observation, now: Now): void {
    const { recognition } = packet.findings;
    if (recognition === undefined || folded || packet.destinationPort < 0) return;
    const protocol = protocolOf(recognition);
    if (protocol === undefined) return;
    // Either end may restart a session, but the server is never the laptop's address.
    const atSource = direction === 'down';
    const transport = packet.protocol === TCP ? 'tcp' : 'udp';
    const address = atSource ? packet.source : packet.destination;
    const port = atSource ? packet.sourcePort : packet.destinationPort;
    const endpoint = endpointText(transport, packet.ipVersion, address, port);
    const known = this.#held.get(endpoint);
    const better = known === undefined || recognition.confidence >= known.confidence;
    if (!atSource) this.#begun.add(endpoint);
    const group = `${this.#begun.has(endpoint) ? 'begun' : 'answered'} ${protocol}`;
    const proposal = {
      protocol: better ? protocol : known.protocol,
      endpoint,
      confidence: better ? recognition.confidence : known.confidence,
      why: better ? recognition.why : known.why,
      seen: new Date(now.wall).toISOString(),
      frames: (known?.frames ?? 0) + frames,
    };
    const evicted = this.#held.set(endpoint, proposal, group);
    if (evicted !== undefined) this.#begun.delete(evicted.endpoint);
  }

  /** The most certain first. */
  list(): readonly Proposal[] {
    return [...this.#held.values()].sort((a, b) => b.confidence - a.confidence || b.frames - a.frames);
  }

  /** Removes a proposal that was accepted or declined; it returns only when it is seen again. */
  forget(endpoint: string): void {
    this.#held.delete(endpoint);
    this.#begun.delete(endpoint);
  }
}

function protocolOf({ protocol }: Recognition): TunnelProtocol | undefined {
  return TUNNEL_PROTOCOLS.find((known) => known === protocol);
}
