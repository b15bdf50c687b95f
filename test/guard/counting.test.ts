// Sums of kernel counters. Holds counters.ts.

import { describe, expect, it } from 'vitest';
import { isRedLeak, sumCounters } from '../../src/guard/account/counters.ts';

describe('sumCounters', () => {
  const values = new Map([
    ['up_leak_dns', 3],
    ['up_leak_mdns', 5],
    ['up_leak_igmp_mld', 7],
    ['down_leak_udp', 11],
    ['up_tunnel_0', 13],
    ['down_tunnel_0', 17],
    ['up_tunnel_9', 19],
    ['up_essential_arp', 23],
    ['leak_passed', 15],
    ['whatever', 99],
  ]);

  it('adds up what each question needs', () => {
    expect(sumCounters(values, 1)).toEqual({
      tunnels: [{ up: 13, down: 17 }],
      kinds: { dns: 3, mdns: 5, 'igmp-mld': 7, udp: 11, tunnel: 49, arp: 23 },
    });
  });

  it('knows leaks that turn the LED red, link-local discovery only when the policy says so', () => {
    const red = (discoveryIsRed: boolean) =>
      [...values.keys()].filter((name) => isRedLeak(name, discoveryIsRed));
    expect(red(false)).toEqual(['up_leak_dns']);
    expect(red(true)).toEqual(['up_leak_dns', 'up_leak_mdns']);
  });
});
