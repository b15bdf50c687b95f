// Checks that forged leaks are no alarm on a machine that is as busy as machines are, for a day of simulated time, and that whatever of the
// box's sight breaks in such a machine turns its light from green within three seconds. CANARY_HOURS=24 for the whole day.

import { describe, expect, it } from 'vitest';
import { PROOF_MS } from '../../../src/guard/canary/canary.ts';
import type { Status } from '../../../src/api/status.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import type { Judge } from '../../../src/policy/judge.ts';
import { HOME } from '../../guard/samples.ts';
import { CanaryWorld, PORTS } from './canary-world.ts';
import type { Broken } from './canary-world.ts';

const HOURS = Number(process.env['CANARY_HOURS'] ?? 0.5);
const SECOND = 1_000;
const isGreen = ({ lamp }: Status): boolean => lamp === 'green' || lamp === 'green-blip';

const right = compileJudge(HOME);
/** A judge that is right but for `wrong`. */
const judging = (wrong: Partial<Judge>): Judge => ({
  endpoints: right.endpoints,
  tunnelOf: (packet, direction) => right.tunnelOf(packet, direction),
  streamOf: (packet, direction) => right.streamOf(packet, direction),
  judge: (packet, direction) => right.judge(packet, direction),
  isForNobody: (packet, direction) => right.isForNobody(packet, direction),
  isOwnQuestion: (packet, direction) => right.isOwnQuestion(packet, direction),
  crosses: (packet, direction) => right.crosses(packet, direction),
  holds: (packet, direction) => right.holds(packet, direction),
  counter: (packet, direction) => right.counter(packet, direction),
  ...wrong,
});

describe('forged leaks', () => {
  it(
    `raise no alarm in ${String(HOURS)} h, through toggles, floods, leaks and restarts of taps, and none leaves`,
    () => {
      const world = new CanaryWorld(0xca4a);
      const alarms: string[] = [];
      let excused = 10 * SECOND;
      let floodUntil = 0;
      const look = ({ state, why }: Status): void => {
        // No alarm but true: while frames are lost, what was sent to prove something is lost with them.
        const isFlood = world.ms < floodUntil && why.endsWith('more frames come than the taps can read.');
        if (world.ms > excused && !isFlood && ['blind', 'breach', 'leaking'].includes(state))
          alarms.push(`${String(world.ms)}: ${state}: ${why}`);
      };
      const { lots } = world;
      let restarts = 0;
      for (let second = 0; second < HOURS * 3_600; second += 5) {
        // Leaks only while they are stopped: what leaves is an alarm by right.
        const blocks = Math.floor(second / 600) % 2 === 1;
        if (second % 600 === 0) world.block(blocks);
        else if (blocks && lots.below(4) === 0 && second % 600 < 590) world.leaks();
        world.loss = blocks && second % 600 >= 300 && second % 600 < 320 ? 0.3 : 0;
        if (world.loss > 0) floodUntil = world.ms + 5 * SECOND + PROOF_MS;
        if (world.loss > 0) for (let n = 0; n < 100; n += 1) world.leaks();
        if (second % 1_800 === 45) {
          restarts += 1;
          excused = world.ms + 3 * SECOND + PROOF_MS;
          world.kill(PORTS[lots.below(2)] ?? 'lan');
        }
        world.run(5 * SECOND, look);
        if (second % 600 === 595) world.guard.acknowledge('all');
      }
      expect(alarms).toEqual([]);
      expect(world.left).toBe(0);
      expect(world.forged).toBeGreaterThan(HOURS * 1_500);
      expect(restarts).toBeGreaterThan(HOURS);
      const { ledger } = world.guard.status();
      expect(ledger.escaped).toBe(0);
      expect(ledger.blocked).toBe(ledger.attempted);
    },
    60_000 + HOURS * 60_000,
  );
});

describe('under a flood', () => {
  const losses = [0.1, 0.3, 0.6, 0.9, 0.99, 1].flatMap((loss) =>
    [false, true].map((block) => ({ loss, block })),
  );
  it.each(losses)(
    'that takes $loss of all frames, block mode $block, no light is green without a young proof',
    (of) => {
      for (let seed = 1; seed <= 5; seed += 1) {
        const world = new CanaryWorld(seed);
        world.block(of.block);
        world.run(8 * SECOND);
        expect(world.guard.status().lamp, world.guard.status().why).toBe('green');
        const late: string[] = [];
        const look = (status: Status): void => {
          const age = 1.7e12 + world.ms - Date.parse(status.health.proof?.at ?? '');
          if (isGreen(status) && age > PROOF_MS) late.push(`${String(world.ms)}: ${String(age)}`);
          if (of.loss === 1 && isGreen(status) && world.ms > 8 * SECOND + 2 * PROOF_MS)
            late.push('nothing was seen');
        };
        // It comes in bursts: what was lost is not what was sent, and what follows is lost again.
        for (let second = 0; second < 60; second += 1) {
          world.loss = of.loss === 1 || world.lots.below(4) > 0 ? of.loss : 0;
          world.run(SECOND, look);
        }
        expect(late).toEqual([]);
        world.loss = 0;
        world.run(2 * PROOF_MS);
        expect(isGreen(world.guard.status()), world.guard.status().why).toBe(true);
      }
    },
  );
});

describe('within three seconds the light is not green when what breaks is', () => {
  const breaks: readonly (readonly [string, Broken])[] = [
    ['the rules', { rules: true }],
    ['the table', { table: true }],
    ['the tap on lan: stopped', { stopped: 'lan' }],
    ['the tap on wan: stopped', { stopped: 'wan' }],
    ['the tap on lan: reads, and nothing comes to it', { blind: 'lan' }],
    ['the tap on wan: reads, and nothing comes to it', { blind: 'wan' }],
    ['the reading of counters: it hangs', { listing: 'hangs' }],
    ['the reading of counters: it fails', { listing: 'fails' }],
    ['the reading of counters: it says what it said before', { listing: 'stale' }],
    [
      'the judge at lan: all is the tunnel',
      { judge: { port: 'lan', judge: judging({ tunnelOf: () => 0 }) } },
    ],
    [
      'the judge at wan: all is the tunnel',
      { judge: { port: 'wan', judge: judging({ tunnelOf: () => 0 }) } },
    ],
    [
      'the judge at lan: nothing is a leak',
      {
        judge: {
          port: 'lan',
          judge: judging({
            judge: (packet, direction) => ({ ...right.judge(packet, direction), verdict: 'allowed' }),
          }),
        },
      },
    ],
    [
      'the judge at lan: it calls a leak by another kind',
      { judge: { port: 'lan', judge: judging({ counter: () => 'up_leak_other_ip' }) } },
    ],
    ['the lan port', { port: 'lan' }],
    ['the wan port', { port: 'wan' }],
  ];
  it.each(breaks)('%s', (_what, broken) => {
    for (const block of [false, true])
      for (let seed = 1; seed <= 5; seed += 1) {
        const world = new CanaryWorld(seed);
        world.block(block);
        world.run(8 * SECOND + world.lots.below(3_000));
        expect(world.guard.status().lamp, world.guard.status().why).toBe('green');
        Object.assign(world.broken, broken);
        world.run(PROOF_MS + 100);
        expect(isGreen(world.guard.status())).toBe(false);
        // And it stays so: a proof by chance mends nothing that is broken.
        const greens: number[] = [];
        world.run(10 * SECOND, (status) => {
          if (isGreen(status)) greens.push(world.ms);
        });
        expect(greens).toEqual([]);
      }
  });
});
