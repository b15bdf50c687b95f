// Rule T, network attack by network attack, and what an escape makes of it. Holds src/guard/attacks/tripwire.ts and observer.ts to
// README.md, rule T.

import { describe, expect, it } from 'vitest';

import type { ParsedPacket, NetworkOffer } from '../../../src/flow/parsed-packet.ts';
import { IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import type { Incident } from '../../../src/guard/incidents/incidents.ts';
import { Observer } from '../../../src/guard/observer.ts';
import { TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
import type { Kind } from '../../../src/flow/kinds.ts';
import { ipv4Words, parseIpv4 } from '../../../src/wire/ip/address.ts';
import { CLIENT, leak, observation, policyOf } from '../samples.ts';

const POLICY = policyOf(`version: 1
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820", "udp:[2001:db8::7]:51820"]}
  - {name: away, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
`);
const ROUTER = 0x020000000001;
const OTHER = 0x020000000066;

/** An honest home network's offer. */
const HOME_OFFER: NetworkOffer = {
  ...{ server: '192.168.1.1', address: '192.168.1.50', prefixLength: 24, router: '192.168.1.1' },
  ...{ leaseSeconds: 3600, resolvers: ['192.168.1.1'], routes: ['0.0.0.0/0 via 192.168.1.1'] },
};
const ADVERTISEMENT: NetworkOffer = {
  ...{ server: 'fe80::1', router: 'fe80::1', leaseSeconds: 1800, address: 'fd00:1::', prefixLength: 64 },
};

interface Wire {
  readonly observer: Observer;
  readonly offer: (kind: Kind, offer: NetworkOffer, packet?: Partial<ParsedPacket>) => Incident[];
  readonly arp: (address: string, mac: number) => Incident[];
  readonly answer: (name: string, address: string, packet?: Partial<ParsedPacket>) => Incident[];
  readonly escape: (destination: string) => Incident[];
}

function wire(): Wire {
  const observer = new Observer(POLICY, new IncidentBook(100, 't'), new TunnelWatch());
  const now = { wall: 1, monotonic: 1 };
  const down = (sample: Parameters<typeof observation>[0], packet: Partial<ParsedPacket>): Incident[] => {
    const seen = observation({ ...sample, direction: 'down' });
    Object.assign(seen.packet, { sourceMac: ROUTER, ...packet });
    return observer.take('wan', seen, now, false);
  };
  return {
    observer,
    offer: (kind, offer, packet = {}) =>
      down({ kind, offer }, { icmpType: kind === 'nd' ? 134 : -1, ...packet }),
    arp: (address, mac) =>
      down(
        { kind: 'arp' },
        {
          sourceMac: mac,
          arpOperation: 2,
          source: ipv4Words(parseIpv4(address) ?? 0) as ParsedPacket['source'],
        },
      ),
    answer: (name, address, packet = {}) =>
      down(
        {
          kind: 'dns',
          answers: [{ name, type: address.includes(':') ? 'AAAA' : 'A', value: address, ttl: 60 }],
        },
        packet,
      ),
    escape: (destination) =>
      observer.take(
        'wan',
        observation({ kind: 'tls', verdict: leak(destination, { rule: 'E', destination }) }),
        now,
        false,
      ),
  };
}

describe('an honest network', () => {
  it('raises nothing, again and again', () => {
    const { offer, arp, answer } = wire();
    const raised = [1, 2, 3].flatMap(() => [
      ...offer('dhcp', HOME_OFFER),
      ...offer('nd', ADVERTISEMENT),
      ...arp('192.168.1.1', ROUTER),
      ...arp('192.168.1.9', OTHER),
      ...answer('vpn.example', '203.0.113.7'),
      ...answer('vpn.example', '2001:db8:7::7'),
      ...answer('news.example', '203.0.113.9'),
    ]);
    expect(raised).toEqual([]);
  });
});

describe('DHCP', () => {
  it.each<[string, Partial<NetworkOffer>, string, RegExp]>([
    [
      'routes',
      { routes: ['0.0.0.0/1 via 192.168.1.66', '128.0.0.0/1 via 192.168.1.66'] },
      'routes by DHCP: 0.0.0.0/1 via 192.168.1.66, 128.0.0.0/1 via 192.168.1.66',
      /0\.0\.0\.0\/1 via 192\.168\.1\.66.*TunnelVision/,
    ],
    [
      'a public range',
      { address: '203.0.113.50' },
      'public network range 203.0.113.0/24',
      /203\.0\.113\.0\/24/,
    ],
    ['a short lease', { leaseSeconds: 59 }, 'short lease from 192.168.1.1', /59 s/],
    [
      'a captive portal',
      { captivePortal: 'https://portal.example/' },
      'captive portal https://portal.example/',
      /portal\.example/,
    ],
  ])('%s', (_what, change, exposure, why) => {
    const raised = wire().offer('dhcp', { ...HOME_OFFER, ...change });
    expect(raised).toMatchObject([
      { rule: 'T', kind: 'dhcp', severity: 'amber', exposure, attempted: 0, escaped: 0 },
    ]);
    expect(raised[0]?.why).toMatch(why);
  });

  it("a range that holds the tunnel's server", () => {
    const raised = wire().offer('dhcp', { ...HOME_OFFER, address: '198.51.100.50' });
    expect(raised.map(({ exposure }) => exposure)).toEqual([
      'network 198.51.100.0/24 overlaps the tunnel',
      'public network range 198.51.100.0/24',
    ]);
  });

  it('the bounds: a minute is not short, a private range of any kind is private', () => {
    const { offer } = wire();
    expect(offer('dhcp', { ...HOME_OFFER, leaseSeconds: 60 })).toEqual([]);
    for (const address of ['10.1.2.3', '172.31.0.9', '100.64.3.4'])
      expect(offer('dhcp', { ...HOME_OFFER, address })).toEqual([]);
    expect(offer('dhcp', { ...HOME_OFFER, address: '172.32.0.9' })).toHaveLength(1);
  });
});

describe('the gateway', () => {
  it('that a lease names is held against the first that was named, which stays the one that counts', () => {
    const { offer, arp } = wire();
    expect(offer('dhcp', HOME_OFFER)).toEqual([]);
    const rogue = { ...HOME_OFFER, server: '192.168.1.66', router: '192.168.1.66' };
    const raised = offer('dhcp', rogue, { sourceMac: OTHER });
    const told = { severity: 'amber', exposure: 'gateway 192.168.1.66 by DHCP from 192.168.1.66' };
    expect(raised).toMatchObject([{ rule: 'T', ...told, destination: '192.168.1.66' }]);
    expect(raised[0]?.why).toContain('which was 192.168.1.1 (02:00:00:00:00:01)');
    expect(offer('dhcp', HOME_OFFER)).toEqual([]);
    expect(arp('192.168.1.1', OTHER)).toMatchObject([
      { exposure: 'gateway 192.168.1.1 claimed by 02:00:00:00:00:66' },
    ]);
  });

  it('is claimed by another MAC address', () => {
    const { offer, arp } = wire();
    offer('dhcp', HOME_OFFER);
    const raised = arp('192.168.1.1', OTHER);
    expect(raised).toMatchObject([
      { rule: 'T', kind: 'arp', exposure: 'gateway 192.168.1.1 claimed by 02:00:00:00:00:66' },
    ]);
    expect(raised[0]?.why).toContain('was 02:00:00:00:00:01 and is now claimed by 02:00:00:00:00:66');
  });

  it('is believed anew after the wire was cut', () => {
    const { offer, arp, observer } = wire();
    offer('dhcp', HOME_OFFER);
    observer.wanLost();
    expect([...offer('dhcp', HOME_OFFER, { sourceMac: OTHER }), ...arp('192.168.1.1', OTHER)]).toEqual([]);
  });
});

describe('router advertisements and redirects', () => {
  it.each<[string, Partial<NetworkOffer>, number]>([
    ['a second router', { server: 'fe80::66' }, ROUTER],
    ['the first router with another MAC address', {}, OTHER],
  ])('%s', (_what, change, sourceMac) => {
    const { offer } = wire();
    offer('nd', ADVERTISEMENT);
    const raised = offer('nd', { ...ADVERTISEMENT, ...change }, { sourceMac });
    expect(raised).toMatchObject([
      {
        rule: 'T',
        kind: 'nd',
        exposure: expect.stringContaining('another router') as string,
        severity: 'amber',
      },
    ]);
  });

  it('a first router that is not the gateway', () => {
    const { offer } = wire();
    offer('dhcp', HOME_OFFER);
    expect(offer('nd', ADVERTISEMENT, { sourceMac: OTHER })[0]?.why).toContain(
      'is not the gateway 192.168.1.1',
    );
  });

  it('routes, but not to a private range', () => {
    const { offer } = wire();
    expect(offer('nd', { ...ADVERTISEMENT, routes: ['fd00::/48 via fe80::1', '::/0 via fe80::1'] })).toEqual(
      [],
    );
    expect(offer('nd', { ...ADVERTISEMENT, routes: ['2000::/3 via fe80::1'] })).toMatchObject([
      { exposure: 'routes by router advertisement: 2000::/3 via fe80::1' },
    ]);
  });

  it.each<[Kind, number, string]>([
    ['icmp', 5, '198.51.100.7/32 via 192.168.1.66'],
    ['nd', 137, '2001:db8::7/128 via fe80::66'],
  ])('a redirect by %s', (kind, icmpType, route) => {
    const raised = wire().offer(kind, { server: 'fe80::66', routes: [route] }, { icmpType });
    expect(raised).toMatchObject([{ rule: 'T', kind, exposure: `redirect of ${route}` }]);
    expect(raised[0]?.why).toContain(route);
  });
});

describe("a tunnel server's name", () => {
  it('the rest of a first answer that was cut is no change, and a cut answer is one', () => {
    const { answer } = wire();
    const cut = { protocol: 17, payloadHead: 0x00078380 };
    expect(answer('vpn.example', '203.0.113.7', cut)).toEqual([]);
    expect(answer('vpn.example', '203.0.113.8')).toEqual([]);
    expect(answer('vpn.example', '203.0.113.66', cut)).toHaveLength(1);
  });

  it('is answered with a new address of the same family', () => {
    const { answer } = wire();
    answer('vpn.example', '203.0.113.7');
    const raised = answer('vpn.example', '203.0.113.66');
    expect(raised).toMatchObject([
      { rule: 'T', kind: 'dns', exposure: 'vpn.example', destination: '203.0.113.66' },
    ]);
    expect(raised[0]?.why).toContain('was 203.0.113.7 and is now answered with 203.0.113.66');
  });
});

describe('an escape', () => {
  it('to where the network pulled makes the warning red and is linked with it', () => {
    const { offer, escape } = wire();
    const [networkAttack] = offer('dhcp', { ...HOME_OFFER, routes: ['203.0.113.0/24 via 192.168.1.66'] });
    const [escaped, other] = escape('203.0.113.80');
    expect(other).toBe(networkAttack);
    expect(networkAttack).toMatchObject({ severity: 'red', related: [escaped?.id] });
    expect(escaped).toMatchObject({ rule: 'E', related: [networkAttack?.id] });
  });

  it('to another place leaves it amber', () => {
    const { offer, escape } = wire();
    const [networkAttack] = offer('dhcp', { ...HOME_OFFER, routes: ['203.0.113.0/24 via 192.168.1.66'] });
    expect(escape('192.0.2.1')[0]?.related).toEqual([]);
    expect(networkAttack?.severity).toBe('amber');
  });

  it('what is said to everyone is laid to the client that spoke last', () => {
    const { observer, escape } = wire();
    escape('192.0.2.1');
    const seen = observation({ kind: 'dhcp', direction: 'down', offer: { ...HOME_OFFER, leaseSeconds: 1 } });
    const [networkAttack] = observer.take(
      'wan',
      { ...seen, client: 0xffffffffffff },
      { wall: 1, monotonic: 1 },
      false,
    );
    expect(networkAttack?.client).toBe('02:00:00:00:00:0c');
    expect(CLIENT).toBe(0x02000000000c);
  });
});

describe('what a tunnel’s name has led to', () => {
  it('is known to the next process: a changed address does not look like the first', () => {
    const before = wire();
    expect(before.answer('vpn.example', '198.51.100.7')).toEqual([]);
    const known = before.observer.knownServers;
    expect(before.observer.knownServers).toBe(known);
    const after = wire();
    after.observer.recallServers(JSON.parse(JSON.stringify(known)) as typeof known);
    expect(after.answer('vpn.example', '198.51.100.7')).toEqual([]);
    expect(after.answer('vpn.example', '203.0.113.66')).toHaveLength(1);
    expect(after.observer.knownServers).toEqual({ 'vpn.example': ['198.51.100.7', '203.0.113.66'] });
  });

  it('is bounded, and of the policy’s own names alone', () => {
    const { observer } = wire();
    const many = Array.from({ length: 500 }, (_, at) => `198.51.${String(at >> 8)}.${String(at & 255)}`);
    observer.recallServers({ 'vpn.example': ['no address', ...many], 'other.example': ['192.0.2.1'] });
    expect(Object.keys(observer.knownServers)).toEqual(['vpn.example']);
    expect(observer.knownServers['vpn.example']).toEqual(many.slice(0, 64));
  });
});
