// A day of ordinary life inside the tunnel, replayed fast through both taps into the guard: handshakes every two minutes, data and
// keepalives at all hours, and what any laptop says to stay on its network. Nothing of it may be an incident.

import { expect, it } from 'vitest';
import { TapReader } from '../../../appliance/tap/reader.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { Guard } from '../../../src/guard/guard.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { HOME } from '../../guard/samples.ts';
import { BROADCAST, arp, dhcp4, dnsQuery, ethernet, ipv4, udp, wireguard } from '../../policy/frames.ts';
import { WG, down4, four } from '../../policy/shape.ts';
import type { Shape } from '../../policy/shape.ts';

const DAY_S = 86_400;
const MINUTE_S = 60;
const HOUR_S = 3_600;
const AT = Date.parse('2026-03-01T00:00:00Z');

const asks = (type: 1 | 4, length?: number): Shape =>
  four('to the server', 17, udp(40000, 51820, wireguard(type, length)), { to: WG });
const answers = (type: 2 | 4, length?: number): Shape =>
  down4('from the server', 17, udp(51820, 40000, wireguard(type, length)), { from: WG });
const LAPTOP = '192.168.1.50';

/** What happens every so many seconds. */
const HABITS: readonly (readonly [number, readonly Shape[]])[] = [
  [120, [asks(1), answers(2)]],
  [25, [asks(4, 32)]],
  [2, [asks(4, 1_312), answers(4, 1_312), answers(4, 96)]],
  [
    5 * MINUTE_S,
    [{ name: 'who is the gateway', direction: 'up', bytes: ethernet(0x0806, arp(1), { to: BROADCAST }) }],
  ],
  [
    12 * HOUR_S,
    [
      {
        name: 'a lease',
        direction: 'up',
        bytes: ethernet(0x0800, ipv4(17, udp(68, 67, dhcp4(1)), { from: '0.0.0.0', to: '255.255.255.255' }), {
          to: BROADCAST,
        }),
      },
    ],
  ],
];

it('raises no incident in 24 hours, and counts every frame; one question past the tunnel is one', () => {
  let second = 0;
  const now = (): { wall: number; monotonic: number } => ({
    wall: AT + second * 1_000,
    monotonic: second * 1_000,
  });
  const guard = new Guard(HOME, { now, version: 'test', idPrefix: 'day' });
  const judge = compileJudge(HOME);
  const taps = (['lan', 'wan'] as const).map(
    (port) =>
      new TapReader({
        ...{ port, judge, dissector: new Dissector(), boxMacs: [], orders: 0 },
        ...{ keepsFrames: true, lost: () => 0, monotonic: () => second * 1_000 },
        emit: (report) => void guard.report(report),
      }),
  );
  let frames = 0;
  const wire = ({ direction, bytes }: Shape): void => {
    frames += 1;
    const [lan, wan] = taps as [TapReader, TapReader];
    const at = second * 1_000;
    const [first, last] = direction === 'up' ? [lan, wan] : [wan, lan];
    first.frame(bytes, bytes.length, bytes.length, false, at);
    last.frame(bytes, bytes.length, bytes.length, true, at);
  };
  for (; second < DAY_S; second += 1) {
    for (const [every, shapes] of HABITS) if (second % every === 0) shapes.forEach(wire);
    if (second % 10 === 0) for (const tap of taps) tap.report(second * 1_000, true);
    guard.tick();
  }
  expect(guard.incidents()).toEqual([]);
  expect(frames).toBeGreaterThan(130_000);
  expect(guard.status().ledger).toEqual({ attempted: 0, escaped: 0, blocked: 0, unseen: 0 });

  wire(
    four('past the tunnel', 17, udp(40000, 53, dnsQuery('bank.example')), {
      from: LAPTOP,
      to: '203.0.113.53',
    }),
  );
  for (const tap of taps) tap.report(second * 1_000, true);
  expect(guard.incidents()).toMatchObject([{ rule: 'A', exposure: 'bank.example', escaped: 1 }]);
});
