// The light of a lab's box as whoever stands before it sees it, and the process that keeps it. The judge is the LED's own file: no program
// of the box is asked.

import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import type { Lab } from '../../appliance/lab/lab.ts';

/** What is promised of a box that cannot vouch for anything, milliseconds. */
const RED_WITHIN_MS = 2_000;
/** A machine at full load takes its time to see that all is well. */
const GREEN_WITHIN_MS = 60_000;

/** The pattern; `none` where there is no file. */
export function ledOf(lab: Lab): string {
  try {
    return readFileSync(lab.plan.files.lamp, 'utf8').trim();
  } catch {
    return 'none';
  }
}

/** Resolves when the light is green (or as `wanted`), whatever stood against it and was acknowledged. */
export async function becomesGreen(lab: Lab, wanted = /^green$/): Promise<void> {
  await expect
    .poll(
      async () => {
        await lab.guard.acknowledge().catch(() => undefined);
        return ledOf(lab);
      },
      { timeout: GREEN_WITHIN_MS, interval: 200 },
    )
    .toMatch(wanted);
}

/** The light turns red in time because of `act`, from green. */
export async function turnsRed(lab: Lab, act: () => unknown): Promise<void> {
  expect(ledOf(lab)).toBe('green');
  await act();
  await expect.poll(() => ledOf(lab), { timeout: RED_WITHIN_MS, interval: 20 }).toMatch(/^red/);
}

/** Process of the keeper of this lab's light. */
export function keeperPid(lab: Lab): number | undefined {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => {
      const command = commandOf(pid);
      return command.includes('led/watchdog.js') && command.includes(lab.plan.files.guardRuntime);
    });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}
