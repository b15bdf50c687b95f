// Knows: what the link teaches about a client's neighbours, and what a hostile one cannot. Holds src/guard/neighbourhood.ts.

import { describe, expect, it } from 'vitest';
import { Facts } from '../../src/flow/facts.ts';
import type { NetworkOffer } from '../../src/flow/facts.ts';
import { Neighbourhood } from '../../src/guard/neighbourhood.ts';
import type { Observation } from '../../src/guard/observation.ts';
import { ipv4Words, parseIpv4 } from '../../src/wire/address.ts';

const CLIENT = 0x02000000000c;
const MAC = '02:00:00:00:00:0c';

function seen(direction: 'up' | 'down', facts: Partial<Facts>): Observation {
  return { facts: Object.assign(new Facts(), facts), direction, folded: false } as unknown as Observation;
}

const request = seen('up', { kind: 'dhcp', sourceMac: CLIENT });
const ack = (more: Partial<NetworkOffer>): Observation =>
  seen('down', {
    kind: 'dhcp',
    findings: {
      ...{ names: [], answers: [] },
      offer: {
        server: '192.168.1.1',
        client: CLIENT,
        address: '192.168.1.50',
        prefixLength: 24,
        leaseSeconds: 600,
        ...more,
      },
    },
  });
const arp = (sender: string, target: string): Observation =>
  seen('up', {
    ...{ kind: 'arp', sourceMac: CLIENT, arpOperation: 1, outerEtherType: 0x0806 },
    source: ipv4Words(parseIpv4(sender) ?? 0) as Facts['source'],
    destination: ipv4Words(parseIpv4(target) ?? 0) as Facts['destination'],
  });

describe('Neighbourhood', () => {
  it('takes gateway and address of a lease that was asked for, and of no other', () => {
    const link = new Neighbourhood();
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 0)).toBe(false);
    link.observe(request, 'lan', 0);
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 1)).toBe(true);
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 2)).toBe(false);
    expect(link.state(2)).toEqual({
      neighbours: [{ address: '192.168.1.1', seconds: 600 }],
      own: [{ mac: MAC, address: '192.168.1.50', seconds: 600 }],
      settled: [{ mac: MAC, seconds: 600 }],
    });
  });

  it('tells again when the kernel has it for less than half of its time', () => {
    const link = new Neighbourhood();
    link.observe(request, 'lan', 0);
    link.observe(ack({ router: '192.168.1.1' }), 'wan', 0);
    link.observe(request, 'lan', 400_000);
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 400_000)).toBe(true);
  });

  it.each([
    ['a gateway far away', { router: '203.0.113.80' }],
    ['a server in public', { server: '203.0.113.80' }],
  ])('takes not %s', (_case, offer) => {
    const link = new Neighbourhood();
    link.observe(request, 'lan', 0);
    link.observe(ack(offer), 'wan', 1);
    expect(link.state(1).neighbours.map(({ address }) => address)).not.toContain('203.0.113.80');
  });

  it('lets a client without lease look for four private addresses, and settles it then', () => {
    const link = new Neighbourhood();
    link.observe(arp('192.168.1.9', '203.0.113.80'), 'lan', 0);
    for (const last of [1, 2, 3, 4, 5]) link.observe(arp('192.168.1.9', `192.168.1.${last}`), 'lan', last);
    const { neighbours, own, settled } = link.state(10);
    expect(neighbours.map(({ address }) => address)).toEqual([1, 2, 3, 4].map((last) => `192.168.1.${last}`));
    expect(own.map(({ address }) => address)).toEqual(['192.168.1.9']);
    expect(settled.map(({ mac }) => mac)).toEqual([MAC]);
  });

  it('keeps it over a restart', () => {
    const link = new Neighbourhood();
    link.observe(request, 'lan', 0);
    link.observe(ack({ router: '192.168.1.1' }), 'wan', 1);
    const other = new Neighbourhood();
    other.restore(link.record());
    expect(other.state(5)).toEqual(link.state(5));
  });
});
