// What the link teaches about a client's neighbours, and what a hostile one cannot. Holds src/guard/attacks/neighbourhood.ts.

import { describe, expect, it } from 'vitest';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { NetworkOffer } from '../../../src/flow/parsed-packet.ts';
import { Neighbourhood } from '../../../src/guard/attacks/neighbourhood.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { ipv4Words, parseIpv4, parseIpv6 } from '../../../src/wire/ip/address.ts';

const CLIENT = 0x02000000000c;
const MAC = '02:00:00:00:00:0c';

function seen(direction: 'up' | 'down', packet: Partial<ParsedPacket>): Observation {
  return {
    ...{ packet: Object.assign(new ParsedPacket(), packet), direction, folded: false, first: 0 },
    verdict: { verdict: 'essential' },
  } as unknown as Observation;
}

const ack = (more: Partial<NetworkOffer>): Observation =>
  seen('down', {
    kind: 'dhcp',
    findings: {
      ...{ names: [], answers: [] },
      offer: {
        server: '192.168.1.1',
        client: CLIENT,
        transaction: 7,
        address: '192.168.1.50',
        prefixLength: 24,
        leaseSeconds: 600,
        ...more,
      },
    },
  });
const requestOf = (id: number): Observation =>
  seen('up', { kind: 'dhcp', sourceMac: CLIENT, findings: { names: [], answers: [], leaseRequest: id } });
const request = requestOf(7);
const at = (first: number, one: Observation): Observation => ({ ...one, first });
const arp = (sender: string, target: string): Observation =>
  seen('up', {
    ...{ kind: 'arp', sourceMac: CLIENT, arpOperation: 1, outerEtherType: 0x0806 },
    source: ipv4Words(parseIpv4(sender) ?? 0) as ParsedPacket['source'],
    destination: ipv4Words(parseIpv4(target) ?? 0) as ParsedPacket['destination'],
  });

const words = (text: string): ParsedPacket['source'] => parseIpv6(text) as ParsedPacket['source'];
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
  } as unknown as Partial<ParsedPacket>);

const offLink = (address: string): Observation => {
  const said = announced();
  const offer = { server: 'fe80::1', address, prefixLength: 64, leaseSeconds: 1_800 };
  return {
    ...said,
    packet: Object.assign(new ParsedPacket(), said.packet, { findings: { names: [], answers: [], offer } }),
  };
};

/** The interface comes up: it tries its link-local address, and asks for routers. */
function rises(link: Neighbourhood, at: number, more: readonly Observation[] = []): void {
  for (const said of [tries('fe80::50'), ...more]) link.observe(said, 'lan', at);
  link.observe(
    seen('up', { kind: 'nd', sourceMac: CLIENT, icmpType: 133, hopLimit: 255 }),
    'lan',
    at + 1_000,
  );
}

describe('IPv6 addresses of clients', () => {
  const OWN = '2001:db8:1::50';
  const known = (link: Neighbourhood, at = 10): string[] => link.state(at).own6.map(({ address }) => address);
  const settled = (link: Neighbourhood, at = 2_000): string[] =>
    link.state(at).settled6.map(({ mac }) => mac);

  it('what is tried for doubles is its own; an interface that comes up settles the client', () => {
    const link = new Neighbourhood();
    expect(link.observe(tries(OWN), 'lan', 0)).toBe(true);
    expect(link.observe(tries(OWN), 'lan', 60)).toBe(false);
    expect([settled(link), link.state(0).unsettled6]).toEqual([[], true]);
    rises(link, 1_000, [tries(OWN)]);
    expect(known(link)).toEqual([OWN, 'fe80::50']);
    expect([settled(link), link.state(2_000).unsettled6]).toEqual([[MAC], false]);
  });

  it('one more link-local address settles nobody, nor does a router that is asked for by itself', () => {
    const link = new Neighbourhood();
    link.observe(tries('fe80::99'), 'lan', 0);
    expect(settled(link)).toEqual([]);
    link.observe(seen('up', { kind: 'nd', sourceMac: CLIENT, icmpType: 133, hopLimit: 255 }), 'lan', 60_000);
    expect(settled(link, 60_001)).toEqual([]);
  });

  it('a client whose addresses are not all known leaves the link unsettled', () => {
    const link = new Neighbourhood();
    rises(link, 0);
    const other = { ...nd(135, OWN, 'fe80::1') };
    link.observe(
      { ...other, packet: Object.assign(new ParsedPacket(), other.packet, { sourceMac: CLIENT + 1 }) },
      'lan',
      5,
    );
    expect([settled(link), link.state(2_000).unsettled6]).toEqual([[MAC], true]);
  });

  it.each([
    ['asks as it', nd(135, 'fd66::2', 'fe80::1'), true, false],
    ['answers for it, and no router has announced it', nd(136, 'fd66::2', 'fd66::2'), false, false],
    ['answers for what a router has announced', nd(136, OWN, '2001:db8:1::9'), true, false],
    ['tries it', tries('fd66::2'), true, true],
  ])(
    'a client %s: believed where it came up unwatched, and where it came up here',
    (_, said, before, after) => {
      for (const [isSettled, believed] of [
        [false, before],
        [true, after],
      ]) {
        const link = new Neighbourhood();
        link.observe(announced('2001:db8:1::/64'), 'wan', 0);
        if (isSettled === true) rises(link, 0);
        link.observe(said, 'lan', 2_000);
        expect(known(link, 3_000).filter((address) => address !== 'fe80::50')).toHaveLength(
          believed === true ? 1 : 0,
        );
      }
    },
  );

  it('what was only believed is gone when the interface comes up', () => {
    const link = new Neighbourhood();
    link.observe(nd(135, 'fd66::2', 'fe80::1'), 'lan', 0);
    link.observe(tries('2001:db8:1::9'), 'lan', 1);
    expect(known(link)).toEqual(['fd66::2', '2001:db8:1::9']);
    rises(link, 1_000, [tries(OWN)]);
    expect(known(link)).toEqual(['fe80::50', OWN]);
  });

  it('what was stopped teaches nothing, nor what came in by wan', () => {
    const link = new Neighbourhood();
    const stopped = { ...tries(OWN), verdict: { verdict: 'leak' } } as unknown as Observation;
    expect(link.observe(stopped, 'lan', 0)).toBe(false);
    expect(link.observe(tries(OWN), 'wan', 0)).toBe(false);
    expect(known(link)).toEqual([]);
  });

  it.each(['ff02::1:2:3', '::5:6:8', '::ffff:10.66.0.2'])('%s is no address of an interface', (address) => {
    const link = new Neighbourhood();
    for (const said of [tries(address), nd(136, address, address)]) link.observe(said, 'lan', 0);
    expect(known(link)).toEqual([]);
  });

  it('is bounded: who tries hundreds pushes out what was tried, not what is used', () => {
    const link = new Neighbourhood();
    link.observe(tries(OWN), 'lan', 0);
    link.observe(nd(136, OWN, OWN), 'lan', 1);
    for (let n = 1; n < 300; n += 1) link.observe(tries(`2001:db8:1::1:${n.toString(16)}`), 'lan', n);
    expect(known(link)).toHaveLength(32);
    expect(known(link)).toContain(OWN);
    expect(known(link)).toContain('2001:db8:1::1:12b');
  });

  it('addresses outlive a restart; whether all are known does not', () => {
    const link = new Neighbourhood();
    rises(link, 0, [tries(OWN)]);
    link.observe(announced('2001:db8:1::/64'), 'wan', 0);
    const other = new Neighbourhood();
    other.restore(link.record());
    expect(other.state(5_000)).toEqual({ ...link.state(5_000), settled6: [], unsettled6: true });
  });

  it('what was tried while nobody watched is recalled from the kernel', () => {
    const link = new Neighbourhood();
    link.recallTried([OWN], 0);
    expect([known(link), link.state(0).unsettled6]).toEqual([[OWN], true]);
    rises(link, 1_000);
    expect([known(link), link.state(2_000).unsettled6]).toEqual([[OWN, 'fe80::50'], false]);
  });
});

describe('networks on the link', () => {
  const networks = (link: Neighbourhood): string[] => link.state(0).links.map(({ network }) => network);

  it('are that of a lease and the prefixes of a router', () => {
    const link = new Neighbourhood();
    link.observe(ack({}), 'wan', 0);
    link.observe(announced('2001:db8:1::/64'), 'wan', 0);
    // Not on the link: it is told all the same (L = 0, RFC 4861 section 4.6.2), and counts for nothing.
    link.observe(offLink('fd66::'), 'wan', 0);
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
    link.observe(at(-1, ack({ router: '192.168.1.1' })), 'wan', 0);
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
      unsettled6: true,
      links: [{ network: '192.168.1.0/24', seconds: 86_400 }],
    });
  });

  it('tells again when the kernel has it for less than half of its time', () => {
    const link = new Neighbourhood();
    link.observe(request, 'lan', 0);
    link.observe(ack({ router: '192.168.1.1' }), 'wan', 0);
    link.observe(at(400_000, request), 'lan', 400_000);
    expect(link.observe(at(400_000, ack({ router: '192.168.1.1' })), 'wan', 400_000)).toBe(true);
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

describe('an acknowledgement', () => {
  const right = ack({});
  const wrong = ack({ address: '192.168.1.252' });
  const elsewhere = ack({ transaction: 8, address: '192.168.1.252' });
  const discover = seen('up', { kind: 'dhcp', sourceMac: CLIENT });

  it.each<[string, readonly Observation[], readonly string[]]>([
    ['with another number', [request, elsewhere], []],
    ['with another number, before the right one', [request, elsewhere, right], ['192.168.1.50']],
    ['with another number, behind the right one', [request, right, elsewhere], ['192.168.1.50']],
    ['of another address behind the right one', [request, right, wrong], ['192.168.1.50']],
    [
      'of another gateway behind the right one',
      [request, right, ack({ router: '192.168.1.9' })],
      ['192.168.1.50'],
    ],
    ['that comes before the request', [discover, wrong, request, right], ['192.168.1.50']],
    ['that is sent again', [request, right, right], ['192.168.1.50']],
    ['of a later request', [request, right, requestOf(8), elsewhere], ['192.168.1.252']],
    ['of a renewal with the same number', [request, right, request, wrong], ['192.168.1.252']],
  ])('%s', (_what, said, addresses) => {
    const link = new Neighbourhood();
    for (const [n, one] of said.entries())
      link.observe(at(1_000 + n, one), one.direction === 'up' ? 'lan' : 'wan', 1_050);
    const { own, neighbours } = link.state(1_100);
    expect(own.map(({ address }) => address)).toEqual(addresses);
    expect(neighbours.map(({ address }) => address)).toEqual(addresses.length === 0 ? [] : ['192.168.1.1']);
  });

  it('that is told before the request which it answers counts, and so does one that is behind a request sent again', () => {
    for (const told of [
      [at(1_010, right), at(1_000, request)],
      [at(1_000, request), at(1_010, right), at(1_005, request), at(1_020, wrong)],
    ]) {
      const link = new Neighbourhood();
      for (const one of told) link.observe(one, one.direction === 'up' ? 'lan' : 'wan', 1_050);
      expect(link.state(1_100).own.map(({ address }) => address)).toEqual(['192.168.1.50']);
    }
  });
});
