// The player against a guard that says what a test tells it to: does it believe what it should, and nothing else?
// The wire is real (a bare bridge: everything escapes); the guard's API is a double.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { GuardClient } from '../../appliance/lab/guard.ts';
import { LabHandle } from '../../appliance/lab/processes/handle.ts';
import { NET } from '../../appliance/lab/plan.ts';
import { play } from '../../appliance/lab/player.ts';
import type { Scenario, Step, StepResult } from '../../appliance/lab/scenario.ts';
import { scenarioNamed } from '../../appliance/lab/scenarios.ts';
import type { Status } from '../../src/api/status.ts';
import { anIncident, aStatus, GuardPeer } from '../guard-peer.ts';
import { labForTests } from './harness.ts';

const lab = labForTests({ filling: 'plain-bridge' });
const escaped = anIncident({ exposure: 'leak.example' });

describe('the player', () => {
  let peer: GuardPeer;
  beforeEach(async () => {
    peer = await GuardPeer.start();
  });
  afterEach(() => peer.stop());

  const handle = (): LabHandle => new LabHandle(lab().plan, new GuardClient(peer.socketPath));
  const stepOf = (scenario: string, name: string): Step => {
    const step = scenarioNamed(scenario)?.steps.find((one) => one.name === name);
    if (step === undefined) throw new Error(`no step "${name}" in ${scenario}`);
    return step;
  };
  /** Plays one step. What the guard `says`, it says between the player's two looks: with the stream of the second. */
  const playStep = async (step: Step, says?: Status): Promise<StepResult | undefined> => {
    const scenario: Scenario = { name: 'one', summary: '', steps: [step] };
    const told = says === undefined ? undefined : peer.haveStreams(1).then(() => peer.say(says));
    const { steps } = await play(handle(), scenario);
    await told;
    return steps[0];
  };

  it('agrees when guard and uplink saw the same', async () => {
    const step = stepOf('vanilla', 'dig outside the tunnel, watch mode');
    const says = aStatus({ state: 'leaking', lamp: 'red', incidents: [escaped] });
    expect(await playStep(step, says)).toMatchObject({
      ...{ ok: true, attempted: 1, escaped: 1, blocked: 0, lamp: 'red' },
      detail: expect.stringContaining('uplink saw 1') as string,
    });
  });

  it('does not believe a guard that calls blocked what the uplink saw', async () => {
    const step = stepOf('vanilla', 'dig outside the tunnel, block mode');
    const incidents = [{ ...escaped, escaped: 0, blocked: 1 }];
    const result = await playStep(step, aStatus({ state: 'blocked', lamp: 'green-blip', incidents }));
    expect(result?.ok).toBe(false);
    expect(result?.detail).toContain('escaped 0, but the uplink saw 1');
    expect(result?.detail).toContain('the client succeeded');
  });

  it('does not pass a guard that sees nothing', async () => {
    const result = await playStep(stepOf('vanilla', 'dig outside the tunnel, watch mode'));
    expect(result).toMatchObject({ ok: false, attempted: 0 });
    expect(result?.detail).toContain('0 incidents, not 1');
  });

  it('finds a false alarm', async () => {
    const step = stepOf('inside', "query to the tunnel's resolver");
    expect(await playStep(step)).toMatchObject({ ok: true, attempted: 0 });
    const alarm = aStatus({ state: 'leaking', lamp: 'red', incidents: [escaped] });
    expect(await playStep(step, alarm)).toMatchObject({ ok: false, attempted: 1 });
  });

  it('finds a wire that lets something out while there is no guard', async () => {
    const result = await playStep(stepOf('killed', 'dig outside the tunnel, no guard running'));
    expect(result?.ok).toBe(false);
    expect(result?.detail).toContain('the uplink saw 1 frames');
  });

  it('finds essential traffic that does not arrive', async () => {
    const step: Step = {
      name: 'nothing sent',
      act: { do: 'run', argv: ['true'] },
      watch: `host ${NET.web4} and udp port 9`,
      arrives: 'some',
      expect: { is: 'clean' },
    };
    expect((await playStep(step))?.detail).toContain('no matching frame arrived');
  });

  it('leaves block mode as it was', async () => {
    peer.status = aStatus({ blockMode: true });
    await play(handle(), { name: 'none', summary: '', steps: [] });
    expect(peer.asked.map(({ body }) => body)).toEqual([{ on: false }, { id: 'all' }, { on: true }]);
  });
});
