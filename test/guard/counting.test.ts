// Sums of kernel counters and tunnel liveness. Holds counters.ts and liveness.ts.

import { describe, expect, it } from 'vitest';
import { isRedLeak, sumCounters } from '../../src/guard/account/counters.ts';
import {
  STALE_MS,
  TunnelLiveness,
  UNANSWERED_FRAMES,
  UNANSWERED_MS,
  UP_MS,
} from '../../src/guard/tunnels/liveness.ts';

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

describe('TunnelLiveness', () => {
  const at = (monotonic: number): { wall: number; monotonic: number } => ({ wall: monotonic, monotonic });

  it('is down until the server answered, whatever the client sends', () => {
    const tunnel = new TunnelLiveness();
    tunnel.baseline(5, 5);
    tunnel.read(9, 5, at(0));
    expect(tunnel.at(1)).toBe('down');
    expect(tunnel.lastSeen).toBeUndefined();
    tunnel.read(10, 6, at(2));
    expect(tunnel.at(2)).toBe('up');
    expect(tunnel.lastSeen).toBe(2);
  });

  it('is not up by answers that nobody asked for: the network can forge those', () => {
    const tunnel = new TunnelLiveness();
    tunnel.baseline(5, 5);
    tunnel.read(5, 50, at(0));
    expect(tunnel.at(1)).toBe('stale');
    tunnel.read(6, 60, at(2));
    expect(tunnel.at(2)).toBe('up');
    tunnel.read(6, 70, at(UP_MS + 3));
    expect(tunnel.at(UP_MS + 3)).toBe('stale');
  });

  it('survives silence, not unanswered questions', () => {
    const tunnel = new TunnelLiveness();
    tunnel.read(1, 1, at(0));
    expect(tunnel.at(UP_MS)).toBe('up');
    expect(tunnel.at(UP_MS + 1)).toBe('stale');
    expect(tunnel.at(STALE_MS + 1)).toBe('down');
    tunnel.read(2, 1, at(10));
    tunnel.read(UNANSWERED_FRAMES, 1, at(20));
    expect(tunnel.at(11 + UNANSWERED_MS)).toBe('up');
    tunnel.read(UNANSWERED_FRAMES + 1, 1, at(30));
    expect(tunnel.at(10 + UNANSWERED_MS)).toBe('up');
    expect(tunnel.at(11 + UNANSWERED_MS)).toBe('stale');
  });
});
