#!/usr/bin/env node
// Knows: the process that a command runs in: arguments, streams, signals, environment. Must not know: what commands do.
// Follows DESIGN section 7 and no-color.org. The only place of the CLI that reads the environment.

import { VERSION } from '../version.ts';
import { ackCommand } from './ack.ts';
import { analyzeCommand } from './analyze.ts';
import { blockCommand } from './block.ts';
import type { CommandIo } from './command.ts';
import { dispatch } from './dispatch.ts';
import { historyCommand } from './history.ts';
import { labCommand } from './lab.ts';
import { passCommand } from './pass.ts';
import { policyCommand } from './policy.ts';
import { reportCommand } from './report.ts';
import { statusCommand } from './status.ts';
import { tunnelsCommand } from './tunnels.ts';
import { watchCommand } from './watch.ts';

const COMMANDS = [
  ...[statusCommand, watchCommand, analyzeCommand, blockCommand, passCommand, ackCommand],
  ...[reportCommand, historyCommand, tunnelsCommand, policyCommand, labCommand],
];

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
  return dispatch(COMMANDS, VERSION, process.argv.slice(2), {
    ...{ stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
    ...{ terminal: process.stderr.isTTY, signal: ending.signal },
    ...(seen === undefined ? {} : { screen: seen }),
  });
}

process.exitCode = await main();
