// Asks a yes-or-no question on the terminal.

import { createInterface } from 'node:readline/promises';

import type { CommandIo } from './command.ts';

/** Whether there is a terminal to ask on. */
export function canAsk(io: CommandIo): boolean {
  return io.terminal && io.screen !== undefined;
}

/** Asks; only `yes` agrees. False when a signal or the end of input comes instead of an answer, or when there is no terminal. */
export async function confirmed(io: CommandIo, question: string): Promise<boolean> {
  if (!canAsk(io)) return false;
  const prompt = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await prompt.question(`${question} Type yes to confirm: `, { signal: io.signal });
    return answer.trim().toLowerCase() === 'yes';
  } catch {
    return false;
  } finally {
    prompt.close();
  }
}
