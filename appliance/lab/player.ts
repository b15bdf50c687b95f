// Plays the steps of a scenario in a lab and checks each in three ways: by the client's exit code, by the guard's status, and by tcpdump
// in the uplink, which shares no code with the guard.

import type { Status } from '../../src/api/status.ts';
import { Capture } from './machines/capture.ts';
import { LabError } from './error.ts';
import { changes, describe, faultsOfLeak, totals } from './findings.ts';
import type { LabHandle } from './processes/handle.ts';
import { LAN } from './plan.ts';
import type { Act, Expectation, Scenario, ScenarioResult, Step, StepResult } from './scenario.ts';

/** The guard shows a leak within a second; a busy machine gets more time. */
const SHOWN_TIMEOUT_MS = 15_000;
/** Time without a new incident after which a step counts as clean. */
const QUIET_MS = 1000;
const RUN_TIMEOUT_MS = 20_000;

/** Callbacks for showing progress. */
export interface Audience {
  began?(step: Step): void;
  ended?(result: StepResult): void;
}

interface Acted {
  /** Exit code of the client; 0 for acts without a client, null when it was killed. */
  readonly code: number | null;
  /** Last line of the client's output. */
  readonly output: string;
  /** Frames of the laptop that the uplink saw and that match the step's `watch`; undefined for a step without `watch`. */
  readonly uplink: number | undefined;
}

/**
 * Plays all steps, even after one has failed, and restores the box's block mode at the end; acknowledges all incidents first. A step that
 * fails is part of the result. Rejects with LabError `interrupted` when `signal` is aborted, and `guard-refused` when the guard does not
 * answer before the first step.
 */
export async function play(
  lab: LabHandle,
  scenario: Scenario,
  audience: Audience = {},
  signal?: AbortSignal,
): Promise<ScenarioResult> {
  const { blockMode } = await lab.guard.status();
  await lab.guard.block(false);
  await lab.guard.acknowledge();
  const steps: StepResult[] = [];
  try {
    for (const step of scenario.steps) {
      if (signal?.aborted === true) throw new LabError('interrupted', 'interrupted.');
      audience.began?.(step);
      const result = await playStep(lab, step);
      steps.push(result);
      audience.ended?.(result);
    }
  } finally {
    await lab.guard.block(blockMode).catch(() => undefined);
  }
  return { scenario: scenario.name, ok: steps.every(({ ok }) => ok), steps };
}

async function playStep(lab: LabHandle, step: Step): Promise<StepResult> {
  const before = await lab.guard.status().catch(() => undefined);
  try {
    const acted = await watched(lab, step);
    const { faults, after } = await judge(lab, step, acted, before);
    return result(step, faults, before, after, seen(acted, before, after));
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const after = await lab.guard.status().catch(() => undefined);
    return result(step, [error.message], before, after, []);
  }
}

/** Performs the act, while the uplink captures frames if the step has a `watch`. */
async function watched(lab: LabHandle, step: Step): Promise<Acted> {
  if (step.watch === undefined) return { ...(await act(lab, step.act)), uplink: undefined };
  const { uplink, laptop } = lab.network;
  const capture = await Capture.start(uplink, 'eth0', `ether src ${LAN.laptopMac} and (${step.watch})`);
  let done: { code: number | null; output: string };
  try {
    done = await act(lab, step.act);
  } catch (error) {
    await capture.stop();
    throw error;
  }
  const frames = await capture.finish(laptop, 'eth0');
  return { ...done, uplink: frames.length };
}

async function act(lab: LabHandle, what: Act): Promise<{ code: number | null; output: string }> {
  const done = { code: 0, output: '' };
  switch (what.do) {
    case 'run': {
      if (what.first !== undefined) await lab.network.laptop.must(what.first);
      const { code, stdout, stderr } = await lab.network.laptop.run(what.argv, { timeoutMs: RUN_TIMEOUT_MS });
      return { code, output: (stderr || stdout).trim().split('\n').at(-1) ?? '' };
    }
    case 'block':
      await lab.guard.block(what.on);
      return done;
    case 'acknowledge':
      await lab.guard.acknowledge();
      return done;
    case 'roam':
      await lab.roamTunnel(what.to);
      return done;
    case 'renew lease':
      await lab.renewLease();
      return done;
    case 'new lease':
      await lab.newLease();
      return done;
    case 'kill daemon':
      await lab.killDaemon();
      return done;
    case 'nothing':
      return done;
  }
}

interface Judged {
  readonly faults: readonly string[];
  readonly after: Status | undefined;
}

async function judge(lab: LabHandle, step: Step, acted: Acted, before: Status | undefined): Promise<Judged> {
  const { faults, after } = await judgeGuard(lab, step.expect, acted, before);
  const wire =
    (step.arrives === 'some' && acted.uplink === 0 && ['no matching frame arrived at the uplink']) ||
    (step.arrives === 'none' &&
      acted.uplink !== 0 && [`the uplink saw ${acted.uplink ?? 'an unknown number of'} frames`]) ||
    [];
  const succeeded = acted.code === 0;
  const expected = step.act.do === 'run' ? succeeds(step.expect) : undefined;
  const client =
    expected === undefined || expected === succeeded
      ? []
      : [`the client ${succeeded ? 'succeeded' : `failed (${acted.output})`}`];
  return { faults: [...client, ...wire, ...faults], after };
}

/** Whether the client is expected to succeed. */
function succeeds(expect: Expectation): boolean {
  return expect.is === 'leak' ? expect.way === 'escapes' : expect.is !== 'cut off';
}

async function judgeGuard(
  lab: LabHandle,
  expect: Expectation,
  acted: Acted,
  before: Status | undefined,
): Promise<Judged> {
  if (expect.is === 'cut off') return { faults: [], after: undefined };
  if (expect.is === 'state') {
    const { states, lamps, blockMode } = expect;
    const after = await lab.guard.waitFor(
      `state ${states.join(' or ')}${blockMode === undefined ? '' : `, block mode ${blockMode ? 'on' : 'off'}`}`,
      (status) =>
        states.includes(status.state) &&
        (lamps === undefined || lamps.includes(status.lamp)) &&
        (blockMode === undefined || status.blockMode === blockMode),
      SHOWN_TIMEOUT_MS,
    );
    return { faults: [], after };
  }
  if (before === undefined) return { faults: ['the guard did not answer before the step'], after: undefined };
  if (expect.is === 'clean') {
    const broken = await lab.guard.breaks((status) => changes(before, status).length === 0, QUIET_MS);
    const faults =
      broken === undefined ? [] : changes(before, broken).map(({ incident }) => describe(incident));
    return { faults, after: broken ?? (await lab.guard.status()) };
  }
  const faultsIn = (status: Status): readonly string[] =>
    faultsOfLeak(expect, before, status, acted.uplink ?? 0);
  const isCorrect = (status: Status): boolean => faultsIn(status).length === 0;
  const after = await lab.guard
    .waitFor('the leak', isCorrect, SHOWN_TIMEOUT_MS)
    .catch(() => lab.guard.status());
  return { faults: faultsIn(after), after };
}

/** What the guard, the uplink and the client observed, in a few words each. */
function seen(acted: Acted, before: Status | undefined, after: Status | undefined): readonly string[] {
  const raised = before === undefined || after === undefined ? [] : changes(before, after);
  return [
    ...raised.map(({ incident }) => describe(incident)),
    ...(acted.uplink === undefined ? [] : [`uplink saw ${acted.uplink}`]),
    ...(acted.code === 0 ? [] : [`client: ${acted.output || 'killed'}`]),
    after === undefined ? 'guard not asked' : `state ${after.state}`,
  ];
}

function result(
  step: Step,
  faults: readonly string[],
  before: Status | undefined,
  after: Status | undefined,
  words: readonly string[],
): StepResult {
  const counts =
    before === undefined || after === undefined
      ? { attempted: 0, escaped: 0, blocked: 0 }
      : totals(changes(before, after));
  return {
    name: step.name,
    ok: faults.length === 0,
    ...counts,
    lamp: after?.lamp ?? 'unknown',
    detail: [...faults.map((fault) => `WRONG: ${fault}`), ...words].join('; '),
  };
}
