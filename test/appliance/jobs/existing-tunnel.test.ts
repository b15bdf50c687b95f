// A tunnel that is added under a name that exists, and an endpoint that is removed on its own. Holds the jobs addTunnel, compare and
// removeEndpoint of appliance/jobs/parsing.ts, and what they edit (src/policy/schema).

import { describe, expect, it } from 'vitest';

import { doJob } from '../../../appliance/jobs/parsing.ts';
import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { policyOf } from '../../guard/samples.ts';

const POLICY = `version: 1
bridge: { lan: eth0, wan: eth1 }
tunnels:
  - name: home
    protocol: wireguard
    endpoints:
      - udp:198.51.100.7:51820 # Amsterdam
      - udp:198.51.100.8:51820
  - { name: list, protocol: wireguard, listed: '2026-01-01', endpoints: ['udp:203.0.113.1:51820'] }
`;
const NEW = 'udp:198.51.100.9:51820';
const BOTH = ['udp:198.51.100.7:51820', 'udp:198.51.100.8:51820'];

/** Whom the policy's tunnels trust, by name and protocol. */
function trusted(text: string): Record<string, readonly string[]> {
  return Object.fromEntries(
    policyOf(text).tunnels.map(({ name, protocol, endpoints }) => [
      `${name} ${protocol}`,
      endpoints.map(formatEndpoint),
    ]),
  );
}

const home = { name: 'home', protocol: 'wireguard', endpoints: [NEW] } as const;

describe('a name that exists', () => {
  it.each([
    ['other servers', home],
    ['another protocol', { ...home, protocol: 'openvpn' }],
    ['another protocol, added', { ...home, protocol: 'openvpn', existing: 'add' }],
    ['a list where there was none', { ...home, listed: '2026-06-01' }],
    ['one more than it has', { ...home, endpoints: [...BOTH, NEW] }],
    ['the same endpoint of another protocol', { ...home, protocol: 'openvpn', endpoints: BOTH }],
  ])('is not changed unsaid: %s', (_case, tunnel) => {
    expect(doJob('addTunnel', { text: POLICY, tunnel })).toEqual({
      unsaid: { protocol: 'wireguard', endpoints: BOTH },
    });
    expect(doJob('compare', { text: POLICY, tunnel })).toMatchObject({
      existing: { protocol: 'wireguard', endpoints: BOTH },
    });
  });

  it.each([
    ['added', { ...home, existing: 'add' }, { 'home wireguard': [...BOTH, NEW] }],
    ['replaced', { ...home, existing: 'replace' }, { 'home wireguard': [NEW] }],
    [
      'replaced by another protocol',
      { ...home, protocol: 'openvpn', existing: 'replace' },
      { 'home openvpn': [NEW] },
    ],
    ['what it trusts already', { ...home, endpoints: [BOTH[1]] }, { 'home wireguard': BOTH }],
    ['a newer list', { ...home, name: 'list', listed: '2026-06-01' }, { 'list wireguard': [NEW] }],
    ['another name', { ...home, name: 'work' }, { 'home wireguard': BOTH, 'work wireguard': [NEW] }],
  ])('%s', (_case, tunnel, expected) => {
    const done = doJob('addTunnel', { text: POLICY, tunnel });
    if (!('text' in done)) throw new Error(JSON.stringify(done));
    expect(trusted(done.text)).toMatchObject(expected);
    expect(Object.keys(trusted(done.text))).toHaveLength(tunnel.name === 'work' ? 3 : 2);
  });
});

describe('one endpoint', () => {
  const remove = (name: string, endpoint: string, text = POLICY) =>
    doJob('removeEndpoint', { text, name, endpoint });

  it('is removed on its own, and the rest keeps its comments', () => {
    const done = remove('home', 'udp:198.51.100.8:51820');
    if (done === undefined || done === 'last' || !('text' in done)) throw new Error('not removed');
    expect(trusted(done.text)['home wireguard']).toEqual(['udp:198.51.100.7:51820']);
    expect(done.text).toContain('# Amsterdam');
  });

  it.each([
    ['the only one', 'list', 'udp:203.0.113.1:51820', 'last'],
    ['one of another tunnel', 'home', 'udp:203.0.113.1:51820', undefined],
    ['of a tunnel that is none', 'work', NEW, undefined],
    ['what is no endpoint', 'home', 'x', undefined],
  ])('%s is not', (_case, name, endpoint, expected) => {
    expect(remove(name, endpoint)).toBe(expected);
  });

  it('is found however the policy writes it', () => {
    const text = POLICY.replace('udp:198.51.100.8:51820', '"udp:[2001:DB8:0::8]:51820"');
    expect(remove('home', 'udp:[2001:db8::8]:51820', text)).toHaveProperty('text');
  });
});
