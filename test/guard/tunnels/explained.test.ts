// What was a tunnel's own traffic before it was trusted. Holds src/guard/tunnels/explained.ts and what the book keeps for it.

import { describe, expect, it } from 'vitest';

import type { Kind } from '../../../src/flow/kinds.ts';
import { IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import { TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
import type { Rule } from '../../../src/policy/verdict.ts';
import { leak, observation, policyOf } from '../samples.ts';

interface Leak {
  readonly to?: string;
  readonly port?: number;
  readonly transport?: 'udp' | 'tcp';
  readonly kind?: Kind;
  readonly rule?: Rule;
  readonly at?: number;
}

const TRUSTED_AT = 100_000;
const POLICY = (endpoint: string, protocol = 'wireguard') =>
  policyOf(
    `version: 1\nbridge: { lan: eth0, wan: eth1 }\ntunnels: [{ name: home, protocol: ${protocol}, endpoints: ['${endpoint}'] }]`,
  );
const NONE = policyOf('version: 1\nbridge: { lan: eth0, wan: eth1 }\n');

/** The number of incidents that are explained once the endpoint is trusted, by these leaks. */
function explained(
  endpoint: string,
  leaks: readonly Leak[],
  { protocol = 'wireguard', acknowledged = false } = {},
): number {
  const book = new IncidentBook(100, 't');
  for (const {
    to = '198.51.100.7',
    port = 51_820,
    transport = 'udp',
    kind = 'wireguard',
    rule = 'E',
    at = 50_000,
  } of leaks) {
    const seen = observation({ verdict: leak(to, { rule, destination: to }), kind });
    Object.assign(seen.packet, {
      protocol: transport === 'udp' ? 17 : 6,
      destinationPort: port,
      ipVersion: 4,
    });
    const incident = book.escape(seen, { wall: at, monotonic: at }, false);
    if (acknowledged) book.acknowledge(incident.id);
  }
  const tunnels = new TunnelWatch();
  tunnels.setPolicy(NONE);
  tunnels.setPolicy(POLICY(endpoint, protocol), TRUSTED_AT);
  const name = 'udp:vpn.example.com:51820';
  tunnels.answered([{ tunnel: 'home', endpoint: name, address: '198.51.100.7', at: 0 }], {
    wall: TRUSTED_AT,
    monotonic: 0,
  });
  return tunnels.explained('home', book.all())?.length ?? -1;
}
const SERVER = 'udp:198.51.100.7:51820';

describe('an incident of the very endpoint is explained', () => {
  it.each([
    ['address and port', SERVER, {}, 'wireguard'],
    ['a range of ports', 'udp:198.51.100.7:51000-52000', {}, 'wireguard'],
    ['a name whose server has answered', 'udp:vpn.example.com:51820', {}, 'wireguard'],
    ['packets that were not recognized', SERVER, { kind: 'udp' }, 'wireguard'],
    ['frames on their way while it was trusted', SERVER, { at: TRUSTED_AT + 1_000 }, 'wireguard'],
    ['IKE that has moved behind a NAT', 'udp:198.51.100.7:500', { kind: 'ipsec', port: 4500 }, 'ipsec'],
    ['a TLS tunnel', 'tcp:198.51.100.7:443', { kind: 'tls', port: 443, transport: 'tcp' }, 'opaque'],
  ] as readonly (readonly [string, string, Leak, string])[])('%s', (_case, endpoint, seen, protocol) => {
    expect(explained(endpoint, [seen], { protocol })).toBe(1);
    expect(explained(endpoint, [seen], { protocol, acknowledged: true })).toBe(0);
  });
});

describe('nothing else is', () => {
  it.each([
    ['another address', SERVER, [{ to: '198.51.100.8' }]],
    ['another port', SERVER, [{ port: 51_821 }]],
    ['several ports under one incident', SERVER, [{}, { port: 51_821 }]],
    ['another transport', SERVER, [{ transport: 'tcp', kind: 'udp' }]],
    ['another kind', SERVER, [{ kind: 'quic' }]],
    ['a question for a name', SERVER, [{ kind: 'dns', rule: 'A' }]],
    ['a network attack', SERVER, [{ rule: 'T' }]],
    ['what left after it was trusted', SERVER, [{ at: TRUSTED_AT + 60_000 }]],
    ['a name whose server never answered', 'udp:other.example.com:51820', [{}]],
    ['a network of servers', 'udp:198.51.100.0/24:51820', [{}]],
  ] as readonly (readonly [string, string, readonly Leak[]])[])('%s', (_case, endpoint, leaks) => {
    expect(explained(endpoint, leaks)).toBe(0);
  });

  it('of a tunnel that was always trusted, or is none', () => {
    const tunnels = new TunnelWatch();
    tunnels.setPolicy(POLICY(SERVER));
    const book = new IncidentBook(100, 't');
    const seen = observation({
      verdict: leak('198.51.100.7', { rule: 'E', destination: '198.51.100.7' }),
      kind: 'wireguard',
    });
    Object.assign(seen.packet, { protocol: 17, destinationPort: 51_820, ipVersion: 4 });
    book.escape(seen, { wall: 5, monotonic: 5 }, false);
    expect(tunnels.explained('home', book.all())).toEqual([]);
    expect(tunnels.explained('none', book.all())).toBeUndefined();
  });
});
