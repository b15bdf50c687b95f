// How networks tell where their login is, and what none of them can bring about. Holds src/guard/incidents/portal.ts and what the learner
// makes of it.

import { describe, expect, it } from 'vitest';
import type { NetworkOffer } from '../../../src/flow/parsed-packet.ts';
import type { DnsAnswer } from '../../../src/wire/names/dns-answers.ts';
import { Learner } from '../../../src/guard/answers/learner.ts';
import { Portal } from '../../../src/guard/incidents/portal.ts';
import { HOME, observation, report } from '../samples.ts';

const a = (name: string, value: string): DnsAnswer => ({
  name,
  type: value.includes(':') ? 'AAAA' : 'A',
  value,
  ttl: 60,
});
const offers = (offer: Partial<NetworkOffer>) =>
  observation({ direction: 'down', kind: 'dhcp', offer: { server: '192.168.77.1', ...offer } });
const redirects = (host: string, port: number) =>
  observation({ direction: 'down', kind: 'http', redirect: { host, port } });
const answers = (asked: string, ...list: DnsAnswer[]) =>
  observation({ direction: 'down', kind: 'dns', names: [asked], answers: list });

describe('Portal', () => {
  it('opens a redirect to an address at its port', () => {
    const portal = new Portal();
    expect(portal.observe(redirects('192.168.77.1', 8880), 0)).toBe(true);
    expect(portal.observe(redirects('192.168.77.1', 8880), 1)).toBe(false);
    expect(portal.state(0).portals).toEqual([{ address: '192.168.77.1', port: 8880, seconds: 600 }]);
    expect(portal.state(600_001).portals).toEqual([]);
  });

  it.each([
    ['before', true],
    ['after', false],
  ])('opens a redirect to a name that was answered %s', (_when, before) => {
    const portal = new Portal();
    const cname: DnsAnswer = { name: 'login.example', type: 'CNAME', value: 'edge.example', ttl: 60 };
    const answered = answers(
      'login.example',
      cname,
      a('edge.example', '203.0.113.9'),
      a('edge.example', '2001:db8::9'),
    );
    const both = [redirects('login.example', 9443), answered];
    for (const one of before ? both.toReversed() : both) portal.observe(one, 0);
    expect(portal.state(0).portals.map(({ address, port }) => [address, port])).toEqual([
      ['203.0.113.9', 9443],
      ['2001:db8::9', 9443],
    ]);
  });

  it('opens any port at what the network announces', () => {
    const portal = new Portal();
    expect(portal.observe(offers({ portal: { host: '203.0.113.7', port: 443 } }), 0)).toBe(true);
    expect(portal.state(0).portals).toEqual([{ address: '203.0.113.7', port: 0, seconds: 86_400 }]);
  });

  it('stays bounded, and the newest holds', () => {
    const portal = new Portal();
    for (let n = 0; n < 5_000; n += 1) {
      portal.observe(redirects(`10.0.${String(n >> 8)}.${String(n & 255)}`, 8880), 0);
      portal.observe(answers(`n${String(n)}.example`, a(`n${String(n)}.example`, '203.0.113.9')), 0);
    }
    const { portals } = portal.state(0);
    expect(portals.map(({ address }) => address)).toContain('10.0.19.135');
    expect(portals.length).toBeLessThanOrEqual(32);
  });

  it('hears nothing of what a client itself says', () => {
    const portal = new Portal();
    expect(portal.observe({ ...redirects('192.168.77.1', 8880), direction: 'up' }, 0)).toBe(false);
  });
});

describe('Learner', () => {
  it('asks for new rules only while a pass is open', () => {
    const pupil = new Learner();
    pupil.setPolicy(HOME);
    expect(pupil.observe(report('wan', [redirects('10.0.0.1', 8880)]), 0)).toBe(false);
    expect(pupil.observe(report('wan', [redirects('10.0.0.2', 8880)]), 0, true)).toBe(true);
    expect(pupil.state(0).portals).toHaveLength(2);
  });

  it.each(['dhcp', 'dhcp6', 'nd'] as const)('learns resolvers from %s', (kind) => {
    const pupil = new Learner();
    pupil.setPolicy(HOME);
    const offer = { server: 'fe80::1', leaseSeconds: 600, resolvers: ['2001:db8::53'] };
    pupil.observe(report('wan', [observation({ direction: 'down', kind, offer })]), 0);
    expect(pupil.state(0).resolvers.map(({ address }) => address)).toEqual(['2001:db8::53']);
    expect(pupil.state(0).dhcpServers).toHaveLength(kind === 'dhcp' ? 1 : 0);
  });
});
