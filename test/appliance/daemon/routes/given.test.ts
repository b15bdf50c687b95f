// Knows: when what was learned has to be given to the kernel again. Must not know: how it is given. Holds given.ts.

import { describe, expect, it } from 'vitest';
import { Given } from '../../../../appliance/daemon/routes/given.ts';
import { NOTHING_LEARNED } from '../../../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../../../src/policy/servers/learned.ts';

const MAC = '02:00:00:00:00:0c';

describe('what the kernel was given', () => {
  it.each<[string, (seconds: number) => Partial<LearnedState>]>([
    [
      'an address of a tunnel',
      (seconds) => ({ addresses: [{ name: 'vpn', address: '198.51.100.7', seconds }] }),
    ],
    ['a DHCP server', (seconds) => ({ dhcpServers: [{ address: '192.168.1.1', mac: MAC, seconds }] })],
    ['a resolver', (seconds) => ({ resolvers: [{ address: '192.168.1.1', seconds }] })],
    ['an exposed address', (seconds) => ({ exposed: [{ address: '203.0.113.1', name: 'bank', seconds }] })],
    ['a neighbour', (seconds) => ({ neighbours: [{ address: '192.168.1.1', seconds }] })],
    ['an own address', (seconds) => ({ own: [{ mac: MAC, address: '192.168.1.2', seconds }] })],
    ['a settled client', (seconds) => ({ settled: [{ mac: MAC, seconds }] })],
  ])(
    '%s is given again when it was prolonged, before the kernel lets it go, and not while it runs out',
    (_what, of) => {
      const given = new Given();
      const learned = (seconds: number): LearnedState => ({ ...NOTHING_LEARNED, ...of(seconds) });
      given.give(learned(60), 0);
      for (let second = 0; second <= 60; second += 1)
        expect(given.isStale(learned(60 - second), second * 1_000 + 999)).toBe(false);
      const prolonged = Array.from({ length: 60 }, (_, second) =>
        given.isStale(learned(600), second * 1_000),
      );
      expect(prolonged.every(Boolean)).toBe(true);
      const seenAgain = Array.from({ length: 60 }, (_, second) => given.isStale(learned(60), second * 1_000));
      expect(seenAgain.indexOf(true)).toBeGreaterThan(29);
      expect(seenAgain.lastIndexOf(false)).toBeLessThan(35);
    },
  );

  it('nothing is stale where nothing is known, nor a pass', () => {
    const passes = [{ seconds: 60 }];
    expect(new Given().isStale({ ...NOTHING_LEARNED, passes }, 0)).toBe(false);
  });
});
