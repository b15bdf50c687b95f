// Every scenario of the lab, on the real wire with the real guard; one lab for all, so each starts where another ended.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink

import { expect, it } from 'vitest';

import { openLab } from '../../appliance/lab/processes/handle.ts';
import { planOf } from '../../appliance/lab/plan.ts';
import { play } from '../../appliance/lab/player.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { SCENARIOS } from '../../appliance/lab/scenarios.ts';
import type { ScenarioResult } from '../../appliance/lab/scenario.ts';
import { namespacesOf, processesOf } from '../../appliance/lab/teardown.ts';
import { labForTests, uniqueLabId } from './harness.ts';

const lab = labForTests({ filling: 'guard' });

it.each(SCENARIOS)('$name: $summary', async (scenario) => {
  const { steps } = await play(await openLab(lab().plan), scenario);
  expect(steps.filter(({ ok }) => !ok)).toEqual([]);
  expect(steps).toHaveLength(scenario.steps.length);
});

it('the command plays one in a lab of its own, prints one object and leaves nothing', async () => {
  const id = uniqueLabId();
  const { code, stdout } = await run(programArgv('cli/main', 'lab', 'play', 'vanilla', '--json', '--id', id));
  const result = JSON.parse(stdout) as ScenarioResult;
  expect(result.steps.filter(({ ok }) => !ok)).toEqual([]);
  expect({ code, scenario: result.scenario, ok: result.ok }).toEqual({
    code: 0,
    scenario: 'vanilla',
    ok: true,
  });
  for (const step of result.steps)
    expect(Object.keys(step)).toEqual(['name', 'ok', 'attempted', 'escaped', 'blocked', 'lamp', 'detail']);
  const digs = result.steps.filter(({ name }) => name.startsWith('dig'));
  expect(
    digs.map(({ attempted, escaped, blocked, lamp }) => ({ attempted, escaped, blocked, lamp })),
  ).toEqual([
    { attempted: 1, escaped: 1, blocked: 0, lamp: 'red' },
    { attempted: 1, escaped: 0, blocked: 1, lamp: 'green-blip' },
  ]);
  expect(await namespacesOf(planOf(id))).toEqual([]);
  expect(await processesOf(planOf(id))).toEqual([]);
});
