// Asks questions on the terminal.

import { createInterface } from 'node:readline/promises';

import type { CommandIo } from './command.ts';

/** Whether there is a terminal to ask on. */
export function canAsk(io: CommandIo): boolean {
  return io.terminal && io.screen !== undefined;
}

/** Asks; only `yes` agrees. False when a signal or the end of input comes instead of an answer, or when there is no terminal. */
export async function confirmed(io: CommandIo, question: string): Promise<boolean> {
  return (await typed(io, `${question} Type yes to confirm: `)) === 'yes';
}

/** What the user types, trimmed and in lower case; undefined when there is no terminal, and on a signal or at the end of input. */
export async function typed(io: CommandIo, question: string): Promise<string | undefined> {
  if (!canAsk(io)) return undefined;
  const prompt = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await prompt.question(question, { signal: io.signal });
    return answer.trim().toLowerCase();
  } catch {
    return undefined;
  } finally {
    prompt.close();
  }
}
