// Checks that after a flood of MAC addresses, DHCP offers or names, from either side, the next leak of another kind has its name, and that
// all processes of the box together stay within their memory during it and after.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//
// LEAKGUARD_LONG=1 (npm run bench -- wire floods) sends 200,000 addresses, 100,000 offers and 100,000 names; a twentieth otherwise.

import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { labForTests } from './harness.ts';
import { LONG, tell } from './light-log.ts';
import { MemoryLog, held, sumOf } from './memory.ts';
import { ask } from './ask.ts';
import { incident } from '../../src/api/status.ts';
import { curl, dig } from './rule-watch.ts';

const SENDER = fileURLToPath(new URL('./flood-sender.mjs', import.meta.url));
const SHARE = LONG ? 1 : 20;
const RATE = 25_000;
/** All processes together. */
const MOST_KB = 350_000;
/** What a person must see within a second is seen; a machine at full load gets more. The bench tells how long it took. */
const PATIENCE_MS = 10_000;

const lab = labForTests({ filling: 'guard', page: true });

beforeAll(async () => {
  await lab().network.laptop.must(['ping', '-c', '1', '-w', '10', TUNNEL.server4]);
  // The page has served somebody.
  await lab().network.laptop.must([
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '--interface',
    'eth0',
    `http://${LAN.box}/`,
  ]);
});

const question = (name: string): readonly string[] => dig(NET.resolver4, name);
const visit = (name: string): readonly string[] =>
  curl(`http://${name}/`, '--resolve', `${name}:80:${NET.nameless4}`, '-o', '/dev/null', '-m', '2');

const floods: readonly (readonly [
  string,
  'laptop' | 'uplink',
  string,
  number,
  (name: string) => readonly string[],
])[] = [
  ['MAC addresses from lan', 'laptop', 'mac', 200_000, question],
  ['MAC addresses from wan', 'uplink', 'mac', 200_000, question],
  ['DHCP offers from wan', 'uplink', 'offer', 100_000, question],
  ['names from lan', 'laptop', 'name', 100_000, visit],
];

/** Milliseconds until the name is an incident's; undefined when it is none in time. */
async function named(name: string): Promise<number | undefined> {
  const began = performance.now();
  while (performance.now() - began < PATIENCE_MS) {
    const { body } = await ask(lab().plan.files.api, 'GET', '/v1/incidents?limit=50').catch(() => ({
      body: {},
    }));
    const { incidents = [] } = body as { incidents?: readonly unknown[] };
    if (incidents.some((one) => incident.safeParse(one).data?.exposure === name))
      return performance.now() - began;
    await pause(20);
  }
  return undefined;
}

/** What the whole history says of it. */
async function found(name: string): Promise<unknown> {
  const { body } = await ask(lab().plan.files.api, 'GET', `/v1/incidents?limit=5&text=${name}`);
  const { incidents = [] } = body as { incidents?: readonly unknown[] };
  const newest = (await ask(lab().plan.files.api, 'GET', '/v1/incidents?limit=3')).body;
  return [incidents, newest];
}

it.each(floods)(
  'after a flood of %s the next leak has its name, and memory stays small',
  async (what, from, kind, count, leak) => {
    const space = lab().network[from];
    const memory = new MemoryLog(lab());
    const before = held(lab());
    const many = count / SHARE;
    const { stdout } = await space.must([process.execPath, SENDER, 'eth0', kind, String(many), String(RATE)]);
    expect(stdout).toContain(`sent ${String(many)}`);
    const name = `after-${kind}-${from}.example`;
    const asked = lab().network.laptop.run(leak(name) as [string, ...string[]]);
    const took = await named(name);
    await asked;
    await pause(1_000);
    memory.stop();
    const after = held(lab());
    const { health, state, why } = await lab().guard.status();
    const of = (processes: typeof after): unknown => ({
      MB: Math.round(sumOf(processes) / 1_000),
      of: processes.map(({ program, kB }) => `${program} ${String(Math.round(kB / 1_000))}`).join(', '),
    });
    tell(`flood of ${what}`, {
      ...{
        namedAfterMs: took && Math.round(took),
        before: of(before),
        most: of(memory.most),
        after: of(after),
      },
      ...{
        state,
        why,
        found: await found(name),
        restarts: health.taps.map(({ restarts }) => restarts),
        limits: health.limits,
      },
    });
    expect(took).toBeDefined();
    expect(health.taps.map(({ restarts }) => restarts)).toEqual([0, 0]);
    expect(sumOf(memory.most)).toBeLessThan(MOST_KB);
    expect(memory.most.map(({ program }) => program)).toEqual(
      expect.arrayContaining(['daemon/main.js', 'web/main.js']),
    );
  },
);
