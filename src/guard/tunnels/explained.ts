// Which incidents were a tunnel's own traffic before the tunnel was trusted. Once it is, they can be acknowledged together. Only what is
// certain is offered: the very address, transport and port, and the protocol that was recognized.

import type { Kind, TunnelProtocol } from '../../flow/kinds.ts';
import { formatEndpoint, lastPort } from '../../policy/schema/endpoint.ts';
import type { Endpoint, Tunnel } from '../../policy/policy.ts';
import type { Incident } from '../incidents/incidents.ts';

/** Taps and kernel take so long to judge by a new policy, milliseconds. */
const SETTLE_MS = 3_000;
/** What a protocol's packets are recognized as before it is trusted. */
const KINDS: Readonly<Record<TunnelProtocol, readonly Kind[]>> = {
  wireguard: ['wireguard', 'udp'],
  openvpn: ['openvpn', 'udp', 'tcp'],
  ipsec: ['ipsec', 'udp', 'tcp'],
  tor: ['tor', 'tls', 'tcp'],
  opaque: ['udp', 'tcp', 'tls', 'quic', 'wireguard', 'openvpn'],
  tailscale: ['wireguard', 'udp'],
  nebula: ['udp'],
  zerotier: ['udp'],
};
/** RFC 7296 section 2.23: IKE moves to another port behind a NAT. */
const IKE_PORTS = [500, 4500];

/** `since`: when each endpoint was trusted; `serverOf`: the address behind an endpoint's host name, if it has answered. */
export function explainedBy(
  { protocol, endpoints }: Tunnel,
  incidents: Iterable<Incident>,
  since: ReadonlyMap<string, number>,
  serverOf: (endpoint: string) => string | undefined,
): readonly Incident[] {
  const open = [...incidents].filter(
    (incident) => isOpen(incident) && incident.rule === 'E' && KINDS[protocol].includes(incident.kind),
  );
  if (open.length === 0) return [];
  const destinations = new Set(open.map(({ destination }) => destination));
  const places = new Map<string, { readonly endpoint: Endpoint; readonly since: number }[]>();
  for (const endpoint of endpoints) {
    // A list has thousands of servers, and this is asked for every status.
    if (endpoint.hostIs !== 'name' && !destinations.has(endpoint.host)) continue;
    const text = formatEndpoint(endpoint);
    const address = endpoint.hostIs === 'name' ? serverOf(text) : endpoint.host;
    const trusted = since.get(text) ?? -Infinity;
    if (address === undefined || endpoint.length !== undefined || trusted === -Infinity) continue;
    places.set(address, [...(places.get(address) ?? []), { endpoint, since: trusted }]);
  }
  return open.filter((incident) =>
    (places.get(incident.destination) ?? []).some(
      (place) => incident.last <= place.since + SETTLE_MS && isAt(incident, place.endpoint, protocol),
    ),
  );
}

function isOpen({ acknowledged, breach, networkAttack }: Incident): boolean {
  return !acknowledged && !breach && networkAttack === undefined;
}

function isAt({ port, kind }: Incident, endpoint: Endpoint, protocol: TunnelProtocol): boolean {
  // ESP has no port.
  if (port === '') return protocol === 'ipsec' && kind === 'ipsec';
  const [transport, text] = port.split(' ');
  if (transport !== endpoint.transport) return false;
  const to = Number(text);
  return (
    (to >= endpoint.port && to <= lastPort(endpoint)) || (protocol === 'ipsec' && IKE_PORTS.includes(to))
  );
}
