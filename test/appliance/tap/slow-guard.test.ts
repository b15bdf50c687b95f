// Checks that a tap reads on while its guard is slow, has one report with it at most, and loses none of what it has counted.

import { expect, it } from 'vitest';
import { TapReader } from '../../../appliance/tap/reader.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { dnsQuery, ethernet, ipv4, udp } from '../../policy/frames.ts';
import { FULL, LEARNED } from '../../policy/policies.ts';

/** A guard that takes a report when it is told to, and a tap that reads a question for each name. */
function slowGuard() {
  const reports: TapReport[] = [];
  let take = (): void => undefined;
  let time = 0;
  const reader = new TapReader({
    ...{
      port: 'lan',
      judge: compileJudge(FULL, LEARNED),
      dissector: new Dissector(),
      boxMacs: [],
      orders: 1,
    },
    ...{ keepsFrames: false, monotonic: () => time, lost: () => 0 },
    emit: (report) => {
      reports.push(report);
      return new Promise((resolve) => {
        take = resolve;
      });
    },
  });
  return {
    reader,
    reports,
    wait: (ms: number) => (time += ms),
    now: () => time,
    taken: async (): Promise<void> => {
      take();
      await Promise.resolve();
    },
    ask: (name: string, waitedMs = 0): void => {
      const payload = dnsQuery(name);
      const packet = ipv4(17, udp(40_000, 53, payload), { to: '203.0.113.53' });
      const frame = Uint8Array.from(ethernet(0x0800, packet));
      reader.frame(frame, frame.length, frame.length, false, time - waitedMs);
    },
  };
}

const framesIn = (reports: readonly TapReport[]): number =>
  reports.flatMap(({ observations }) => observations).reduce((sum, { frames }) => sum + frames, 0);

it.each([1, 40, 3_000])('%i names while a report waits to be taken are in the next one', async (many) => {
  const { reader, reports, wait, taken, ask } = slowGuard();
  ask('first.example');
  expect(reports).toHaveLength(1);
  for (let n = 0; n < many; n += 1) {
    wait(1);
    ask(`n${String(n)}.example`);
  }
  // However long it takes: nothing else is made, and whoever wants to know when is told that nobody knows.
  expect([reports.length, reader.pauseAt(many)]).toEqual([1, Infinity]);
  await taken();
  const pause = reader.pauseAt(many);
  expect(pause).toBeLessThanOrEqual(250);
  wait(pause);
  ask('last.example');
  expect(reports).toHaveLength(2);
  expect(framesIn(reports)).toBe(many + 2);
  expect(reports.at(-1)?.counts['up_leak_dns']).toBe(many + 2);
});

it('counts together what waited long to be read, and tells each again when it has caught up', async () => {
  const { reader, reports, wait, now, taken, ask } = slowGuard();
  wait(1_000);
  ask('first.example', 200);
  await taken();
  expect(reader.pauseAt(now())).toBe(20);
  for (let n = 0; n < 1_000; n += 1) ask(`n${String(n)}.example`, 200);
  wait(50);
  ask('last.example', 200);
  // A fold of what is alike, and the last of it.
  expect(reports.at(-1)?.observations.length).toBeLessThanOrEqual(128 + 2);
  expect(framesIn(reports.slice(-1))).toBe(1_001);
  await taken();
  for (let round = 0; round < 2; round += 1) {
    wait(1_000);
    ask(`caught-up-${String(round)}.example`);
    await taken();
    expect(reader.pauseAt(now())).toBe(5);
  }
  for (let n = 0; n < 200; n += 1) ask(`m${String(n)}.example`);
  wait(5);
  ask('last-again.example');
  expect(reports.at(-1)?.observations).toHaveLength(201);
});

it('does not take the pause of a slow guard for frames that waited', async () => {
  const { reader, reports, wait, taken, ask } = slowGuard();
  ask('first.example');
  wait(12);
  await taken();
  ask('second.example');
  wait(24);
  ask('third.example');
  await taken();
  for (let n = 0; n < 200; n += 1) ask(`page-${String(n)}.example`);
  wait(reader.pauseAt(0) + 250);
  ask('last.example');
  expect(reports.at(-1)?.observations).toHaveLength(201);
});

it('tells the last of what it counts together before what came after it', async () => {
  const { reports, wait, taken, ask } = slowGuard();
  ask('first.example', 200);
  for (let n = 0; n < 300; n += 1) {
    wait(1);
    ask(`n${String(n)}.example`, 200);
  }
  await taken();
  wait(250);
  ask('last.example', 200);
  const firsts = reports.at(-1)?.observations.map(({ first }) => first) ?? [];
  expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
});
