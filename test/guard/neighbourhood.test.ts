// Knows: what the link teaches about a client's neighbours, and what a hostile one cannot. Holds src/guard/neighbourhood.ts.

import { describe, expect, it } from 'vitest';
import { Facts } from '../../src/flow/facts.ts';
import type { NetworkOffer } from '../../src/flow/facts.ts';
import { Neighbourhood } from '../../src/guard/neighbourhood.ts';
import type { Observation } from '../../src/guard/observation.ts';
import { ipv4Words, parseIpv4, parseIpv6 } from '../../src/wire/address.ts';

const CLIENT = 0x02000000000c;
const MAC = '02:00:00:00:00:0c';

function seen(direction: 'up' | 'down', facts: Partial<Facts>): Observation {
  return {
    ...{ facts: Object.assign(new Facts(), facts), direction, folded: false },
    verdict: { verdict: 'plumbing' },
  } as unknown as Observation;
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

const words = (text: string): Facts['source'] => parseIpv6(text) as Facts['source'];
/** What the client says in neighbour discovery: a solicitation from `source`, an advertisement for `target`. */
const nd = (icmpType: 135 | 136, source: string, target: string): Observation =>
  seen('up', {
    ...{ kind: 'nd', sourceMac: CLIENT, icmpType, hopLimit: 255 },
    ...{ source: words(source), target: words(target) },
  });
const tries = (target: string): Observation => nd(135, '::', target);
const announced = (...networks: string[]): Observation =>
  seen('down', {
    ...{ kind: 'nd', icmpType: 134, hopLimit: 255, source: words('fe80::1') },
    findings: {
      ...{ names: [], answers: [] },
      offer: {
        server: 'fe80::1',
        address: '',
        leaseSeconds: 1_800,
        prefixes: networks.map((network) => ({ network, own: true })),
      },
    },
  } as unknown as Partial<Facts>);

describe('IPv6 addresses of clients', () => {
  const OWN = '2001:db8:1::50';
  const known = (link: Neighbourhood): string[] => link.state(10).own6.map(({ address }) => address);

  it('what is tried for doubles is its own; a link-local one settles the client', () => {
    const link = new Neighbourhood();
    expect(link.observe(tries(OWN), 'lan', 0)).toBe(true);
    expect(link.state(1).settled6).toEqual([]);
    expect(link.observe(tries('fe80::50'), 'lan', 0)).toBe(true);
    expect(known(link)).toEqual([OWN]);
    expect(link.state(1).settled6.map(({ mac }) => mac)).toEqual([MAC]);
    expect(link.observe(tries(OWN), 'lan', 60_000)).toBe(false);
  });

  it.each([
    ['asks as it', nd(135, 'fd66::2', 'fe80::1'), true, false],
    ['answers for it, and no router has announced it', nd(136, 'fd66::2', 'fd66::2'), false, false],
    ['answers for what a router has announced', nd(136, OWN, '2001:db8:1::9'), true, false],
    ['tries it', tries('fd66::2'), true, true],
  ])(
    'a client %s: believed where it came up unwatched, and where it came up here',
    (_, said, before, after) => {
      for (const [settled, believed] of [
        [false, before],
        [true, after],
      ]) {
        const link = new Neighbourhood();
        link.observe(announced('2001:db8:1::/64'), 'wan', 0);
        if (settled === true) link.observe(tries('fe80::50'), 'lan', 0);
        link.observe(said, 'lan', 1);
        expect(known(link)).toHaveLength(believed === true ? 1 : 0);
      }
    },
  );

  it('what was stopped teaches nothing, nor what came in by wan', () => {
    const link = new Neighbourhood();
    const stopped = { ...tries(OWN), verdict: { verdict: 'leak' } } as unknown as Observation;
    expect(link.observe(stopped, 'lan', 0)).toBe(false);
    expect(link.observe(tries(OWN), 'wan', 0)).toBe(false);
    expect(known(link)).toEqual([]);
  });

  it('is bounded, the newest hold, and what is used stays', () => {
    const link = new Neighbourhood();
    link.observe(tries(OWN), 'lan', 0);
    for (let n = 1; n < 100; n += 1) {
      link.observe(tries(`2001:db8:1::1:${n.toString(16)}`), 'lan', n);
      link.observe(nd(136, OWN, OWN), 'lan', n);
    }
    expect(known(link)).toHaveLength(32);
    expect(known(link)).toContain(OWN);
    expect(known(link)).toContain('2001:db8:1::1:63');
  });

  it('addresses outlive a restart; whether all are known does not', () => {
    const link = new Neighbourhood();
    for (const target of ['fe80::50', OWN]) link.observe(tries(target), 'lan', 0);
    link.observe(announced('2001:db8:1::/64'), 'wan', 0);
    const other = new Neighbourhood();
    other.restore(link.record());
    expect(other.state(5)).toEqual({ ...link.state(5), settled6: [] });
  });
});

describe('networks on the link', () => {
  const networks = (link: Neighbourhood): string[] => link.state(0).links.map(({ network }) => network);

  it('are that of a lease and the prefixes of a router', () => {
    const link = new Neighbourhood();
    link.observe(ack({}), 'wan', 0);
    link.observe(announced('2001:db8:1::/64'), 'wan', 0);
    expect(networks(link)).toEqual(['192.168.1.0/24', '2001:db8:1::/64']);
  });

  it.each([
    ['everything', ack({ address: '192.168.77.100', prefixLength: 0 })],
    ['public addresses', ack({ address: '203.0.113.5' })],
    ['half of the world', announced('2000::/3')],
  ])('are not %s', (_case, said) => {
    const link = new Neighbourhood();
    link.observe(said, 'wan', 0);
    expect(networks(link)).toEqual([]);
  });

  it('are bounded, and the newest holds', () => {
    const link = new Neighbourhood();
    for (let n = 0; n < 500; n += 1) link.observe(announced(`2001:db8:${n.toString(16)}::/64`), 'wan', 0);
    expect(networks(link)).toHaveLength(8);
    expect(networks(link)).toContain('2001:db8:1f3::/64');
  });
});

describe('Neighbourhood', () => {
  it('takes gateway and address of a lease that was asked for, and of no other', () => {
    const link = new Neighbourhood();
    link.observe(ack({ router: '192.168.1.1' }), 'wan', 0);
    expect(link.state(0)).toMatchObject({ neighbours: [], own: [], settled: [] });
    link.observe(request, 'lan', 0);
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 1)).toBe(true);
    expect(link.observe(ack({ router: '192.168.1.1' }), 'wan', 2)).toBe(false);
    expect(link.state(2)).toEqual({
      neighbours: [{ address: '192.168.1.1', seconds: 600 }],
      own: [{ mac: MAC, address: '192.168.1.50', seconds: 600 }],
      settled: [{ mac: MAC, seconds: 600 }],
      own6: [],
      settled6: [],
      links: [{ network: '192.168.1.0/24', seconds: 86_400 }],
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
