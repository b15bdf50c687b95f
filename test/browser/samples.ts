// What browser tests show: one leak, and everything at its longest.

import { readFrame } from '../../src/flow/reading/read-frame.ts';
import type { FramesAnswer } from '../../src/api/past.ts';
import { NO_TALLY } from '../../src/guard/history/timeline.ts';
import type { StateChange, TallyAt } from '../../src/guard/history/timeline.ts';
import { aStatus, anIncident, someAllowed } from '../guard-peer.ts';
import * as made from '../policy/frames.ts';

export const CHROMIUM = '/usr/bin/chromium';
export const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

const label = 'a'.repeat(63);
const longName = [label, label, label, 'x'.repeat(58)].join('.');

export const leaking = aStatus({
  ...{ state: 'leaking', lamp: 'red', why: 'host0.leak.example was asked in the clear.', unacknowledged: 1 },
  ledger: { attempted: 1, escaped: 1, blocked: 0, unseen: 0 },
  incidents: [anIncident()],
});

export const crowded = aStatus({
  ...{ state: 'leaking', lamp: 'red', why: longName, blockMode: true, unacknowledged: 5 },
  ledger: { attempted: 1e12, escaped: 1e12, blocked: 1e12, unseen: 1e12 },
  ...{ profile: 'proxy-stub', direct: 'any' },
  allowed: someAllowed({
    ...{ connections: 1e12, frames: 1e12, more: 1e6 },
    rows: someAllowed().rows.map((row) => ({
      ...{ ...row, name: row.name === '' ? '' : longName, connections: 1e9, frames: 1e9 },
      destination: '2001:db8:1234:5678:9abc:def0:1234:5678',
    })),
  }),
  incidents: [
    anIncident({ exposure: longName, why: longName, escaped: 1_234_567_890, candidates: [longName] }),
    anIncident({ id: 'i2', escaped: 0, blocked: 7, rule: 'E', kind: 'tls' }),
    anIncident({ id: 'i3', rule: 'T', severity: 'amber', escaped: 0, exposure: 'DHCP option 121' }),
    anIncident({ id: 'i4', acknowledged: true }),
    anIncident({ id: 'i5', breach: true, related: ['i1'] }),
    anIncident({ id: 'i6', severity: 'amber', kind: 'mdns', exposure: '_ipp._tcp.local' }),
  ],
});

const MINUTE = 60_000;

/** A day that ends at `now`: a night off, a hotel's login page, a tunnel that stalls, a leak before block mode went on. */
export function aDay(now: number): { readonly changes: StateChange[]; readonly tallies: TallyAt[] } {
  const change = (minutesAgo: number, told: Partial<StateChange>): StateChange => ({
    ...{ at: now - minutesAgo * MINUTE, state: 'clear', tunnel: 'up', blockMode: true, pass: false },
    ...told,
  });
  const tally = (minutesAgo: number, told: Partial<TallyAt>): TallyAt => {
    const at = now - minutesAgo * MINUTE;
    return { ...NO_TALLY, at: at - (at % MINUTE), ...told };
  };
  return {
    changes: [
      change(1500, { blockMode: false }),
      change(1100, { state: 'off', tunnel: 'none', blockMode: false }),
      change(640, { state: 'idle', tunnel: 'down', blockMode: false }),
      change(610, { state: 'leaking', blockMode: false }),
      change(545, {}),
      change(400, { state: 'pass', tunnel: 'down', pass: true }),
      change(380, {}),
      change(190, { state: 'idle', tunnel: 'trying' }),
      change(170, { state: 'blocked' }),
    ],
    tallies: [
      ...[1400, 1390, 1250].map((ago) => tally(ago, { amberEscaped: 2 })),
      ...[608, 601, 590, 571, 560].map((ago, index) => tally(ago, { redEscaped: 3 ** index })),
      ...[540, 505, 450, 300, 260, 120, 40, 12].map((ago) =>
        tally(ago, { redBlocked: ago, amberBlocked: 3 }),
      ),
      tally(395, { redEscaped: 14 }),
      tally(90, { unseen: 12 }),
    ],
  };
}

/** A day in which everything happened all the time. */
export function fullDay(now: number): { readonly changes: StateChange[]; readonly tallies: TallyAt[] } {
  const minutes = Array.from({ length: 1500 }, (_, index) => now - index * MINUTE).reverse();
  const lots = { redEscaped: 1e9, redBlocked: 1e9, amberEscaped: 1e9, amberBlocked: 1e9, unseen: 1e9 };
  return {
    changes: minutes.map((at, index) => ({
      ...{
        at,
        state: 'leaking',
        tunnel: (['up', 'quiet', 'down'] as const)[Math.floor(index / 10) % 3] ?? 'up',
      },
      ...{ blockMode: index % 20 < 10, pass: index % 20 > 10 },
    })),
    tallies: minutes.map((at) => ({ at: at - (at % MINUTE), ...lots })),
  };
}

/** What was kept of a question in the clear: as it was sent, and as it left. */
export function framesOf(name: string): FramesAnswer {
  const bytes = made.ethernet(0x0800, made.ipv4(17, made.udp(40_000, 53, made.dnsQuery(name))));
  const frame = {
    ...{ at: '2026-03-01T10:00:00.000Z', length: bytes.length, ...readFrame(bytes, bytes.length) },
    hex: Buffer.from(bytes).toString('hex'),
  };
  return {
    privacy: 'full',
    frames: [
      { ...frame, port: 'lan' },
      { ...frame, port: 'wan' },
    ],
  };
}
