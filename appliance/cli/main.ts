#!/usr/bin/env node
// Knows: the process that a command runs in: arguments, streams, signals, environment. Must not know: what commands do.
// Follows README.md, Commands, and no-color.org. The only place of the CLI that reads the environment.

import { VERSION } from '../os/version.ts';
import type { Command, CommandIo } from './command.ts';
import { dispatch } from './dispatch.ts';

/** In the order of the help. Each is loaded when it is asked for: together they take longer to load than most take to run. */
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

/** The command that the first word names, or all of them: then the answer is the list. */
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

/** Wrappers (npm, timeout) pass on a Ctrl-C that the terminal has sent already: these come together and are one. */
const ONE_SIGNAL_MS = 1000;

/** The first signal lets the command clean up; one that comes later does not wait for that. */
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
  // Whoever reads us may stop early (`| head`): that is no fault.
  process.stdout.on('error', () => process.exit(0));
  const seen = screen();
  const args = process.argv.slice(2);
  return dispatch(await commandsFor(args[0]), VERSION, args, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: process.stderr.isTTY,
    signal: ending.signal,
    ...(seen === undefined ? {} : { screen: seen }),
  });
}

process.exitCode = await main();
