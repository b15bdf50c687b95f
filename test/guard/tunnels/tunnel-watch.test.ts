// What is told of a tunnel with several servers. Holds src/guard/tunnels/tunnel-watch.ts and the words of src/api/shown.ts.

import { expect, it } from 'vitest';
import { serverText } from '../../../src/api/shown.ts';
import { TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
import { policyOf } from '../samples.ts';

const NOW = { wall: 1_000, monotonic: 0 };

function watch(...endpoints: readonly string[]): TunnelWatch {
  const text = [
    'version: 1',
    'bridge: { lan: eth0, wan: eth1 }',
    'tunnels:',
    '  - name: fleet',
    '    protocol: wireguard',
    `    endpoints: [${endpoints.map((one) => `"${one}"`).join(', ')}]`,
  ].join('\n');
  const tunnels = new TunnelWatch();
  tunnels.setPolicy(policyOf(text));
  return tunnels;
}

const told = (tunnels: TunnelWatch): string | undefined => tunnels.views(NOW).map(serverText)[0];

it('shows the server that answered, not the first of the list', () => {
  const tunnels = watch('udp:203.0.113.201:51820', 'udp:203.0.113.202:51820', 'udp:198.51.100.7:51820');
  expect(told(tunnels)).toBe('udp:203.0.113.201:51820 or one of 2 more');
  const answer = { tunnel: 'fleet', endpoint: 'udp:198.51.100.7:51820', address: '198.51.100.7', at: 0 };
  tunnels.answered([answer], NOW);
  expect(told(tunnels)).toBe('udp:198.51.100.7:51820');
  expect(tunnels.views(NOW)[0]).toMatchObject({ server: '198.51.100.7', endpoints: 3 });
});

it('knows what answered also when a new policy calls the tunnel otherwise', () => {
  const tunnels = watch('udp:198.51.100.7:51820');
  tunnels.answered(
    [{ tunnel: 'fleet', endpoint: 'udp:198.51.100.7:51820', address: '198.51.100.7', at: 0 }],
    NOW,
  );
  const text = `version: 1
bridge: { lan: eth0, wan: eth1 }
tunnels: [{ name: other, protocol: wireguard, endpoints: ['udp:203.0.113.9:51820', 'udp:198.51.100.7:51820'] }]`;
  tunnels.setPolicy(policyOf(text));
  expect(told(tunnels)).toBe('udp:198.51.100.7:51820');
});

it('says the only server before it was seen, and the address behind a name when it was', () => {
  const tunnels = watch('udp:vpn.example.com:51820');
  expect(told(tunnels)).toBe('udp:vpn.example.com:51820');
  const answer = { tunnel: 'fleet', endpoint: 'udp:vpn.example.com:51820', address: '198.51.100.7', at: 0 };
  tunnels.answered([answer], NOW);
  expect(told(tunnels)).toBe('udp:vpn.example.com:51820 (198.51.100.7)');
});

it.each([
  ['wireguard', 30, false],
  ['wireguard', 31, true],
  ['tor', 7, false],
  ['tor', 8, true],
  // A clock that was set back.
  ['wireguard', -400, false],
])('a list of %s is old after %i days: %s', (protocol, days, isOld) => {
  const tunnels = new TunnelWatch();
  const transport = protocol === 'tor' ? 'tcp' : 'udp';
  tunnels.setPolicy(
    policyOf(
      `version: 1\ntunnels: [{ name: a, protocol: ${protocol}, listed: 2026-06-01, endpoints: ['${transport}:198.51.100.7:443'] }]`,
    ),
  );
  const wall = Date.parse('2026-06-01') + days * 86_400_000;
  const [view] = tunnels.views({ wall, monotonic: 0 });
  expect(view).toMatchObject({ listed: '2026-06-01', listIsOld: isOld });
});

it('tells which endpoints of the policy have answered, the newest last', () => {
  const tunnels = watch('udp:203.0.113.201:51820', 'udp:203.0.113.202:51820');
  expect(tunnels.endpointsInUse()).toEqual([]);
  for (const host of ['203.0.113.202', '192.0.2.1', '203.0.113.201', '203.0.113.202'])
    tunnels.answered([{ tunnel: 'fleet', endpoint: `udp:${host}:51820`, address: host, at: 0 }], NOW);
  expect(tunnels.endpointsInUse()).toEqual(['udp:203.0.113.201:51820', 'udp:203.0.113.202:51820']);
});

it('says nothing of a server that a new policy no longer has', () => {
  const tunnels = watch('udp:203.0.113.201:51820', 'udp:198.51.100.7:51820');
  tunnels.answered([{ tunnel: 'fleet', endpoint: 'udp:192.0.2.1:51820', address: '192.0.2.1', at: 0 }], NOW);
  expect(told(tunnels)).toBe('udp:203.0.113.201:51820 or one of 1 more');
});

it('tells the day of a list, and that it is old', () => {
  const tunnels = new TunnelWatch();
  tunnels.setPolicy(
    policyOf(
      'version: 1\nbridge: { lan: eth0, wan: eth1 }\ntunnels:\n' +
        "  - {name: a, protocol: wireguard, listed: '2026-01-01', endpoints: ['udp:203.0.113.1:1']}\n" +
        "  - {name: b, protocol: tor, listed: '2026-01-01', endpoints: ['tcp:203.0.113.1:9001']}\n" +
        "  - {name: c, protocol: opaque, endpoints: ['tcp:203.0.113.2:9001']}\n",
    ),
  );
  const old = (days: number): unknown[] =>
    tunnels
      .views({ wall: Date.parse('2026-01-01') + days * 86_400_000, monotonic: 0 })
      .map(({ listed, listIsOld }) => (listed === undefined ? 'none' : listIsOld));
  expect([old(6), old(8), old(31)]).toEqual([
    [false, false, 'none'],
    [false, true, 'none'],
    [true, true, 'none'],
  ]);
});
