#!/usr/bin/env node
// Entry point of the CLI: connects arguments, streams, signals and the environment to the command that is asked for.
// Nothing else in the CLI reads the environment. Colour follows no-color.org.

import { VERSION } from '../os/version.ts';
import type { Command, CommandIo } from './command.ts';
import { dispatch } from './dispatch.ts';

/** In the order of the help. Each module is loaded on demand: loading all of them takes longer than most commands take to run. */
const LOADERS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['status', async () => (await import('./commands/status.ts')).statusCommand],
  ['watch', async () => (await import('./commands/watch.ts')).watchCommand],
  ['analyze', async () => (await import('./commands/analyze.ts')).analyzeCommand],
  ['block', async () => (await import('./commands/block.ts')).blockCommand],
  ['pass', async () => (await import('./commands/pass.ts')).passCommand],
  ['ack', async () => (await import('./commands/ack.ts')).ackCommand],
  ['report', async () => (await import('./commands/report.ts')).reportCommand],
  ['history', async () => (await import('./commands/history.ts')).historyCommand],
  ['tunnels', async () => (await import('./commands/tunnels.ts')).tunnelsCommand],
  ['policy', async () => (await import('./commands/policy.ts')).policyCommand],
  ['doctor', async () => (await import('./commands/doctor.ts')).doctorCommand],
  ['setup', async () => (await import('./commands/setup.ts')).setupCommand],
  ['update', async () => (await import('./commands/update.ts')).updateCommand],
  ['api', async () => (await import('./api.ts')).apiCommand(VERSION)],
  ['lab', async () => (await import('./commands/lab.ts')).labCommand],
]);

/** The command that the first word names; all commands when it names none, for the overview. */
async function commandsFor(word: string | undefined): Promise<readonly Command[]> {
  const load = LOADERS.get(word ?? '');
  return load === undefined ? Promise.all([...LOADERS.values()].map((each) => each())) : [await load()];
}

function screen(): CommandIo['screen'] {
  const { stdout, env } = process;
  if (!stdout.isTTY) return undefined;
  const color = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { color, columns: stdout.columns };
}

/**
 * Milliseconds within which repeated signals count as one: wrappers (npm, timeout) forward a Ctrl-C that the terminal has already sent
 * to the whole process group.
 */
const ONE_SIGNAL_MS = 1000;

/** The first signal lets the command clean up; a later one ends the process at once. */
function endOn(name: 'SIGINT' | 'SIGTERM', ending: AbortController): void {
  let first: number | undefined;
  process.on(name, () => {
    first ??= performance.now();
    ending.abort();
    if (performance.now() - first > ONE_SIGNAL_MS) process.exit(name === 'SIGINT' ? 130 : 143);
  });
}

async function main(): Promise<number> {
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) endOn(name, ending);
  // The reader may stop early (`| head`): not an error.
  process.stdout.on('error', () => process.exit(0));
  const stdoutScreen = screen();
  const args = process.argv.slice(2);
  return dispatch(await commandsFor(args[0]), VERSION, args, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: process.stderr.isTTY,
    signal: ending.signal,
    ...(stdoutScreen === undefined ? {} : { screen: stdoutScreen }),
  });
}

process.exitCode = await main();
