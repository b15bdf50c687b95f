// Knows: which tunnels a client was seen to begin, by their handshakes. Must not know: how a handshake looks, the policy's text.
// Which way doubt errs: a proposal is a question to a person. Nothing is a tunnel before somebody said so.

import type { Proposal } from '../../api/box.ts';
import type { Recognition } from '../../flow/parsed-packet.ts';
import { TUNNEL_PROTOCOLS } from '../../flow/kinds.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';
import { endpointText } from '../../wire/ip/address.ts';
import type { Now } from '../now.ts';
import type { Observation } from '../observation.ts';
import { FairMap } from '../incidents/quotas.ts';

/** More than any laptop begins. Whoever fills the wire with more pushes out its own, protocol by protocol. */
const MOST = 32;
/** IP protocol number. */
const TCP = 6;

export class Proposals {
  readonly #held = new FairMap<Proposal>(MOST);
  /** Endpoints to which a client itself has sent: the network alone cannot make them, nor push them out. */
  readonly #begun = new Set<string>();

  /** Notes the handshake in an observation, if there is one. */
  observe({ packet, frames, folded, direction }: Observation, now: Now): void {
    const { recognition } = packet.findings;
    if (recognition === undefined || folded || packet.destinationPort < 0) return;
    const protocol = protocolOf(recognition);
    if (protocol === undefined) return;
    // Either end may begin a session anew; whoever began it, the laptop's own address is no server.
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
    const gone = this.#held.set(endpoint, proposal, group);
    if (gone !== undefined) this.#begun.delete(gone.endpoint);
  }

  /** The surest first. */
  list(): readonly Proposal[] {
    return [...this.#held.values()].sort((a, b) => b.confidence - a.confidence || b.frames - a.frames);
  }

  /** Somebody said yes or no: it is proposed again only when it is seen again. */
  forget(endpoint: string): void {
    this.#held.delete(endpoint);
    this.#begun.delete(endpoint);
  }
}

function protocolOf({ protocol }: Recognition): TunnelProtocol | undefined {
  return TUNNEL_PROTOCOLS.find((known) => known === protocol);
}
