// Checks that a tap on a slow machine is given longer each time, and that a daemon that was held up ends no tap. Holds
// appliance/tap/supervisor.ts. The taps that read a wire are held by test/netns; here they are programs that say one thing.

import { setImmediate as immediate } from 'node:timers/promises';

import { afterEach, expect, it } from 'vitest';

import { encode } from '../../../appliance/tap/messages.ts';
import { newCanaryKey } from '../../../appliance/bridge/canary-seal.ts';
import { TapSupervisor } from '../../../appliance/tap/supervisor.ts';
import type { TapProgram } from '../../../appliance/tap/supervisor.ts';
import { NOTHING_LEARNED } from '../../../src/policy/servers/learned.ts';
import { HOME } from '../../guard/samples.ts';

const OPEN_BYTES = encode({ type: 'open' }).toString('base64');
const OPEN = `echo ${OPEN_BYTES} | base64 -d >&3`;
const LONG = { first: 60_000, most: 60_000 };
const FIRST_MS = 20;
const SHORT = { first: FIRST_MS, most: 60_000 };

type Times = Pick<TapProgram, 'startMs' | 'silenceMs'>;

let tap: TapSupervisor | undefined;
afterEach(() => tap?.stop());

/** A tap that runs a script of the shell. */
const watched = (script: string, times: Partial<Times>): ReturnType<typeof watchedProgram> =>
  watchedProgram(['sh', '-c', script], times);

/** A tap; what was told of it, and a promise of its n-th line that begins so. */
function watchedProgram(command: TapProgram['command'], times: Partial<Times> = {}) {
  const said: string[] = [];
  let wake = (): void => undefined;
  tap = new TapSupervisor(
    {
      ...{ port: 'wan', interface: 'wan0', policy: HOME, learned: NOTHING_LEARNED, inUse: [] },
      ...{ boxMacs: [], orders: 0, canary: newCanaryKey(), relays: [] },
    },
    {
      report: () => undefined,
      state: (state, detail) => {
        said.push(`${state}: ${detail}`);
        wake();
      },
    },
    { command, startMs: LONG, silenceMs: LONG, ...times },
  );
  const until = (start: string, count: number): Promise<void> =>
    new Promise((resolve) => {
      wake = (): void => {
        if (said.filter((line) => line.startsWith(start)).length >= count) resolve();
      };
    });
  return { tap, said, until };
}

const silences = (tries: number): string[] =>
  Array.from({ length: tries }, (_, at) => `restarting: nothing heard from it for ${FIRST_MS * 2 ** at} ms`);

it('gives a tap that was ended before its first word twice the time, and begins anew once it has come up', async () => {
  const { said, until, ...slow } = watched(`sleep 0.2; ${OPEN}; exec sleep 60`, { startMs: SHORT });
  const up = until('up', 1);
  slow.tap.start();
  await up;
  const tries = said.length - 1;
  expect(tries).toBeGreaterThan(1);
  expect(said).toEqual([...silences(tries), 'up: reading']);

  said.length = 0;
  const again = until('up', 1);
  process.kill(slow.tap.pid ?? 0, 'SIGKILL');
  await again;
  expect(said).toEqual(['restarting: SIGKILL', ...silences(said.length - 2), 'up: reading']);
  slow.tap.stop();
  expect(said.at(-1)).toBe('down: stopped');
});

it('gives a tap that reads and falls silent twice the time, again and again', async () => {
  const { said, until, ...silent } = watched(`${OPEN}; exec sleep 60`, { silenceMs: SHORT });
  const thrice = until('restarting', 3);
  silent.tap.start();
  await thrice;
  expect(said.filter((line) => line.startsWith('restarting'))).toEqual(silences(3));
});

it('ends no tap that spoke while the daemon itself was held up', async () => {
  const silenceMs = { first: 1_000, most: 1_000 };
  const { said, until, ...steady } = watched(`while sleep 0.01; do ${OPEN}; done`, { silenceMs });
  const up = until('up', 1);
  steady.tap.start();
  await up;
  // Just before timers are looked at, which come before anything that waits to be read.
  await immediate();
  const end = performance.now() + 1.5 * silenceMs.first;
  while (performance.now() < end) Math.sqrt(end);
  // More than can have waited: what is ended is told behind everything it had said.
  await until('up', said.length + 200);
  expect(said.filter((line) => line.startsWith('restarting'))).toEqual([]);
});

it('tells a running tap of another policy and of what is in use, and begins anew for another interface alone', async () => {
  // It says that it is open with its order, with another policy, and with what is in use; a policy that it has is not sent again.
  const program = `
    const open = () => require('fs').writeSync(3, Buffer.from('${OPEN_BYTES}', 'base64'));
    process.on('message', ({ type, policy, inUse }) => {
      if (type === 'order' || policy?.profile === 'split' || inUse?.[0] === 'used') open();
      else if (policy !== undefined || inUse !== undefined) process.exit(9);
    });`;
  const { tap: running, said, until } = watchedProgram([process.execPath, '-e', program, '--']);
  const order = {
    port: 'wan',
    interface: 'wan0',
    policy: HOME,
    learned: NOTHING_LEARNED,
    inUse: [],
    boxMacs: [],
    orders: 0,
    canary: newCanaryKey(),
    relays: [],
  } as const;
  const up = until('up', 1);
  running.start();
  await up;
  const { pid } = running;
  const told = until('up', 3);
  running.renew(order);
  running.renew({ ...order, policy: { ...HOME, profile: 'split' } });
  running.use(['used']);
  await told;
  expect([running.pid, said]).toEqual([pid, ['up: reading', 'up: reading', 'up: reading']]);
  const moved = until('up', 4);
  running.renew({ ...order, interface: 'wan1' });
  await moved;
  expect(running.pid).not.toBe(pid);
  expect(said.slice(3)).toEqual([
    'restarting: its orders changed',
    'restarting: its orders changed',
    'up: reading',
  ]);
});
