// What is told of a tunnel with several servers. Holds src/guard/tunnels/tunnel-watch.ts and the words of src/api/shown.ts.

import { describe, expect, it } from 'vitest';
import { serverText } from '../../../src/api/shown.ts';
import { SERVERS_LISTED, TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
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

/** A policy with these tunnels, each with its endpoints' last octets, and another setting. */
function policyWith(
  tunnels: Readonly<Record<string, readonly number[]>>,
  more = '',
): Parameters<TunnelWatch['setPolicy']>[0] {
  const lines = Object.entries(tunnels).map(
    ([name, octets]) =>
      `  - { name: ${name}, protocol: wireguard, endpoints: [${octets.map((octet) => `'udp:198.51.100.${octet}:51820'`).join(', ')}] }`,
  );
  return policyOf(
    `version: 1\nbridge: { lan: eth0, wan: eth1 }\n${more}${lines.length === 0 ? '' : `tunnels:\n${lines.join('\n')}\n`}`,
  );
}
const second = (monotonic: number): { wall: number; monotonic: number } => ({
  wall: 1_700_000_000_000 + monotonic * 1_000,
  monotonic: monotonic * 1_000,
});

/** `home`, which has had an outage, is up through 198.51.100.7, and has also been seen through .8; `work` was never seen. */
function seenBefore(): TunnelWatch {
  const tunnels = new TunnelWatch();
  tunnels.setPolicy(policyWith({ home: [7, 8, 9], work: [20] }));
  const counts = (up: number, down: number, at: number): void => {
    tunnels.read(
      {
        tunnels: [
          { up, down },
          { up: 0, down: 0 },
        ],
        kinds: {},
      },
      second(at),
    );
  };
  const answered = (octet: number, at: number): void => {
    tunnels.answered(
      [
        {
          tunnel: 'home',
          endpoint: `udp:198.51.100.${octet}:51820`,
          address: `198.51.100.${octet}`,
          at: at * 1_000,
        },
      ],
      second(at),
    );
  };
  counts(0, 0, 1);
  answered(8, 2);
  counts(5, 5, 2);
  for (let at = 3; at < 30; at += 1) counts(5 + at * 4, 5, at);
  answered(7, 30);
  counts(130, 20, 30);
  return tunnels;
}
const SEEN_AT = (at: number): string => new Date(second(at).wall).toISOString();

describe('a change of policy forgets nothing that it does not concern', () => {
  it.each([
    ['the same policy again', policyWith({ home: [7, 8, 9], work: [20] })],
    ['another setting', policyWith({ home: [7, 8, 9], work: [20] }, 'localChatter: red\n')],
    ['one more tunnel before it', policyWith({ new: [30], home: [7, 8, 9], work: [20] })],
    ['another tunnel removed', policyWith({ home: [7, 8, 9] })],
    ['another order', policyWith({ work: [20], home: [9, 8, 7] })],
    ['one more endpoint', policyWith({ home: [1, 7, 8, 9], work: [20] })],
    ['an endpoint removed that was never seen', policyWith({ home: [7, 8], work: [20] })],
    ['another name', policyWith({ house: [7, 8, 9], work: [20] })],
    ['another name, and its own given to another tunnel', policyWith({ home: [30], house: [7, 8, 9] })],
  ])('%s', (_case, policy) => {
    const tunnels = seenBefore();
    const before = tunnels.gaps(second(31).monotonic).length;
    expect(before).toBe(1);
    tunnels.setPolicy(policy);
    // The kernel's counters are by the tunnel's place, so they may be any now.
    const sums = { tunnels: policy.tunnels.map(() => ({ up: 3, down: 3 })), kinds: {} };
    for (const at of [32, 33]) tunnels.read(sums, second(at));
    const view = tunnels
      .views(second(33))
      .find(({ servers = [] }) => servers.some(({ endpoint }) => endpoint.includes('.7:')));
    expect(view).toMatchObject({ state: 'up', lastSeen: SEEN_AT(30), server: '198.51.100.7' });
    const times = new Map(view?.servers?.map(({ endpoint, lastSeen }) => [endpoint, lastSeen]));
    expect(times.get('udp:198.51.100.7:51820')).toBe(SEEN_AT(30));
    expect(times.get('udp:198.51.100.8:51820')).toBe(SEEN_AT(2));
    expect(tunnels.gaps(second(33).monotonic)).toHaveLength(1);
    // Nor is anything seen that was not.
    for (const other of tunnels.views(second(33)).filter(({ name }) => name !== view?.name))
      expect(other).toMatchObject({ state: 'down', lastSeen: null });
  });

  it('but of what is removed nothing is kept, also when it comes back', () => {
    const tunnels = seenBefore();
    tunnels.setPolicy(policyWith({ home: [8, 9] }));
    expect(tunnels.views(second(31))).toMatchObject([{ state: 'down', lastSeen: null }]);
    tunnels.setPolicy(policyWith({ home: [7, 8, 9] }));
    const [view] = tunnels.views(second(31));
    expect(view?.servers?.map(({ lastSeen }) => lastSeen)).toEqual([null, SEEN_AT(2), null]);
    tunnels.setPolicy(policyWith({ work: [20] }));
    tunnels.setPolicy(policyWith({ home: [7, 8, 9] }));
    expect(tunnels.gaps(second(31).monotonic)).toEqual([]);
    expect(tunnels.views(second(31))[0]?.servers?.map(({ lastSeen }) => lastSeen)).toEqual([
      null,
      null,
      null,
    ]);
  });
});

it('lists every endpoint with its own last time; of a long list those that were seen', () => {
  const tunnels = new TunnelWatch();
  const many = Array.from({ length: 200 }, (_, at) => at + 1);
  tunnels.setPolicy(policyWith({ home: many }));
  tunnels.answered(
    [{ tunnel: 'home', endpoint: 'udp:198.51.100.200:51820', address: '198.51.100.200', at: 0 }],
    second(1),
  );
  const [view] = tunnels.views(second(1));
  expect(view?.endpoints).toBe(200);
  expect(view?.servers).toHaveLength(SERVERS_LISTED);
  expect(view?.servers?.[0]).toMatchObject({ endpoint: 'udp:198.51.100.200:51820' });
  expect(tunnels.views(second(1), undefined, Infinity)[0]?.servers).toHaveLength(200);
});
