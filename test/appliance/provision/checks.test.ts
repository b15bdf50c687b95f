// How checks are counted and summed up.

import { describe, expect, it } from 'vitest';

import { CHECKS, failure, runCheck, skip, summary, tallyOf } from '../../../appliance/provision/checks.mjs';
import type { Check } from '../../../appliance/provision/checks.mjs';
import type { Machine } from '../../../appliance/provision/machine.mjs';

const report = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

const machineThatEnds = (code: number): Machine => ({
  root: '/nowhere',
  isRoot: false,
  execPath: 'node',
  has: () => false,
  say: () => undefined,
  run: () => Promise.resolve({ code, output: 'what it said', stdout: '' }),
});

function checkNamed(name: string): Check {
  const check = CHECKS.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`no check is called ${name}`);
  return check;
}

describe('tallyOf', () => {
  it('takes the counts as they are', () => {
    const counted = tallyOf({
      ...report,
      numPassedTests: 7,
      numFailedTests: 2,
      numPendingTests: 1,
      numTodoTests: 1,
    });
    expect(counted).toEqual({ passed: 7, failed: 2, skipped: 2 });
  });

  it('counts a file that cannot be loaded as a failure', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{}] },
    ];
    expect(tallyOf({ ...report, numPassedTests: 3, numFailedTests: 1, testResults }).failed).toBe(2);
  });

  it('fails a project in which nothing ran', () => {
    expect(tallyOf({ ...report, numPendingTests: 4 })).toEqual({ passed: 0, failed: 1, skipped: 4 });
  });
});

describe('runCheck', () => {
  it('counts a check without tests of its own as one', async () => {
    expect((await runCheck(machineThatEnds(0), checkNamed('lint'))).tally.passed).toBe(1);
    expect(await runCheck(machineThatEnds(2), checkNamed('lint'))).toMatchObject({
      tally: { passed: 0, failed: 1, skipped: 0 },
      output: 'what it said',
    });
  });

  it('fails a project that left no report, however it ended', async () => {
    expect((await runCheck(machineThatEnds(0), checkNamed('unit'))).tally.failed).toBe(1);
    expect((await runCheck(machineThatEnds(1), checkNamed('unit'))).tally.failed).toBe(1);
  });
});

describe('summary', () => {
  it('lists what each project ran, and sums up alone on the last line', () => {
    const unit = { ...failure('unit', ''), project: true, tally: { passed: 10, failed: 1, skipped: 0 } };
    const lint = { ...unit, name: 'lint', project: false, tally: { passed: 1, failed: 0, skipped: 0 } };
    const lines = summary([lint, unit, skip(checkNamed('netns'), 'needs root')]).split('\n');
    expect(lines.at(-1)).toBe('11 passed, 1 failed, 1 skipped');
    expect(lines.find((line) => line.includes('unit'))).toMatch(/^ {2}unit +10 +1 +0$/);
    expect(lines.find((line) => line.includes('netns'))).toMatch(/skipped: needs root$/);
    expect(lines.some((line) => line.includes('lint'))).toBe(false);
  });
});
