// Checks that a search by typed arrays finds what a plain look through the list would. Holds src/policy/servers/endpoint-index.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { EndpointIndex } from '../../../src/policy/servers/endpoint-index.ts';
import { tunnelEndpoints, tunnelHosts } from '../../../src/policy/servers/hosts.ts';
import type { Host } from '../../../src/policy/servers/hosts.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import type { Endpoint, Policy } from '../../../src/policy/policy.ts';
import { parseEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { inNetwork, parseAddress } from '../../../src/wire/ip/address.ts';
import { BARE } from '../policies.ts';

/** A world of few addresses and ports, in which nearly everything meets. */
const host = fc.oneof(
  fc.integer({ min: 0, max: 15 }).map((at) => `198.51.100.${at}`),
  fc.constantFrom(
    '198.51.100.0/24',
    '198.51.100.0/28',
    '198.51.100.8/29',
    '198.51.100.8/30',
    '198.51.100.12/31',
  ),
  fc.constantFrom('[2001:db8::1]', '[2001:db8::/64]', '[2001:db8::/127]', '[::/0]'),
);
const port = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map(String),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 4 }))
    .map(([a, more]) => `${a}-${a + more}`),
  fc.constant('*'),
);
const endpoint = fc
  .tuple(fc.constantFrom('udp', 'tcp'), host, port)
  .map(([transport, at, ports]) => parseEndpoint(`${transport}:${at}:${ports}`) as Endpoint);

function plainly(
  hosts: readonly Host[],
  version: number,
  words: Uint32Array,
  protocol: number,
  at: number,
): number {
  const width = (one: Host): number =>
    one.bits < 128 ? 2 + 128 - one.bits : one.port === one.lastPort ? 0 : 1;
  const found = hosts
    .map((one, place) => ({ one, place }))
    .filter(
      ({ one }) =>
        one.ipVersion === version &&
        one.protocol === protocol &&
        inNetwork(words, one.words, one.bits) &&
        one.port <= at &&
        at <= one.lastPort,
    )
    .sort((a, b) => width(a.one) - width(b.one) || a.place - b.place);
  return found[0]?.one.index ?? -1;
}

it('finds the narrowest, and of a like width the first', () => {
  const property = fc.property(fc.array(endpoint, { maxLength: 12 }), (endpoints) => {
    const policy: Policy = { ...BARE, tunnels: [{ name: 'a', protocol: 'opaque', endpoints }] };
    const judged = tunnelEndpoints(policy);
    const hosts = tunnelHosts(judged, NOTHING_LEARNED);
    const index = new EndpointIndex(hosts, judged);
    for (const text of [
      '198.51.100.3',
      '198.51.100.9',
      '198.51.100.12',
      '198.51.101.1',
      '2001:db8::1',
      '2001:db9::1',
    ]) {
      const address = parseAddress(text);
      if (address === undefined) throw new Error(text);
      const { ipVersion, words } = address;
      for (const protocol of [6, 17])
        for (const at of [1, 3, 5, 9, 13, 14, 65535])
          expect(index.find(ipVersion, words, protocol, at)).toBe(
            plainly(hosts, ipVersion, words, protocol, at),
          );
      const any = hosts.some(
        (one) => one.ipVersion === ipVersion && one.protocol === 17 && inNetwork(words, one.words, one.bits),
      );
      expect(index.ofHost(ipVersion, words, 17) >= 0).toBe(any);
      expect(index.ofHost(ipVersion, words, 6)).toBe(-1);
    }
  });
  fc.assert(property, { numRuns: 500 });
});
