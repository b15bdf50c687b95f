// Handshakes as a tap reports them. Holds src/guard/tunnels/proposals.ts.

import { expect, it } from 'vitest';

import { Proposals } from '../../../src/guard/tunnels/proposals.ts';
import { ipv4Words, parseIpv4 } from '../../../src/wire/ip/address.ts';
import { observation } from '../samples.ts';

it('proposes the far end of a handshake, whoever began it, and forgets it when told', () => {
  const proposals = new Proposals();
  for (const direction of ['up', 'down'] as const) {
    const seen = observation({ kind: 'wireguard', direction });
    const [near, far] = [
      ipv4Words(parseIpv4('192.168.1.50') ?? 0),
      ipv4Words(parseIpv4('198.51.100.7') ?? 0),
    ];
    seen.packet.source.set(direction === 'up' ? near : far);
    seen.packet.destination.set(direction === 'up' ? far : near);
    const ports = direction === 'up' ? [40_000, 51_820] : [51_820, 40_000];
    Object.assign(seen.packet, {
      ipVersion: 4,
      protocol: 17,
      sourcePort: ports[0],
      destinationPort: ports[1],
    });
    const recognition = {
      protocol: 'wireguard',
      confidence: 0.9,
      why: 'both indices',
      server: 'destination',
    } as const;
    seen.packet.findings = { names: [], answers: [], recognition };
    proposals.observe(seen, { wall: 0, monotonic: 0 });
  }
  expect(proposals.list()).toMatchObject([
    { protocol: 'wireguard', endpoint: 'udp:198.51.100.7:51820', confidence: 0.9, frames: 2 },
  ]);
  proposals.forget('udp:198.51.100.7:51820');
  expect(proposals.list()).toEqual([]);
});
