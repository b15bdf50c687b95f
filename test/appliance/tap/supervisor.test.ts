// Knows: that a tap on a slow machine is given longer each time, and comes up in the end. Holds appliance/tap/supervisor.ts.
// The taps that read a wire are held by test/netns; here it is a program that takes a moment to say its first word.

import { expect, it } from 'vitest';

import { encode } from '../../../appliance/tap/messages.ts';
import { TapSupervisor } from '../../../appliance/tap/supervisor.ts';
import { NOTHING_LEARNED } from '../../../src/policy/learned.ts';
import { HOME } from '../../guard/samples.ts';

const OPEN = encode({ type: 'open', at: 1 }).toString('base64');
const SLOW = `sleep 0.2; echo ${OPEN} | base64 -d >&3; exec sleep 60`;
const FIRST_MS = 20;

it('gives a tap that was ended before its first word twice the time, and begins anew once it has come up', async () => {
  const said: string[] = [];
  let wake = (): void => undefined;
  const tap = new TapSupervisor(
    { port: 'wan', interface: 'wan0', policy: HOME, learned: NOTHING_LEARNED, filter: '' },
    {
      report: () => undefined,
      state: (state, detail) => {
        said.push(`${state}: ${detail}`);
        wake();
      },
    },
    { command: ['sh', '-c', SLOW], startMs: { first: FIRST_MS, most: 60_000 } },
  );
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      wake = (): void => {
        if (said.filter((line) => line.startsWith('up')).length >= count) resolve();
      };
    });
  const short = (tries: number): string[] =>
    Array.from(
      { length: tries },
      (_, at) => `restarting: nothing heard from it for ${String(FIRST_MS * 2 ** at)} ms`,
    );

  const up = until(1);
  tap.start();
  await up;
  const tries = said.length - 1;
  expect(tries).toBeGreaterThan(1);
  expect(said).toEqual([...short(tries), 'up: reading']);

  said.length = 0;
  const again = until(1);
  process.kill(tap.pid ?? 0, 'SIGKILL');
  await again;
  expect(said).toEqual(['restarting: SIGKILL', ...short(said.length - 2), 'up: reading']);
  tap.stop();
  expect(said.at(-1)).toBe('down: stopped');
});
