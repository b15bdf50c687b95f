#!/usr/bin/env node
// Knows: the process that a command runs in: arguments, streams, signals, environment. Must not know: what commands do.
// Follows DESIGN section 7 and no-color.org. The only place of the CLI that reads the environment.

import { VERSION } from '../version.ts';
import { ackCommand } from './ack.ts';
import { analyzeCommand } from './analyze.ts';
import { blockCommand } from './block.ts';
import type { CommandIo } from './command.ts';
import { dispatch } from './dispatch.ts';
import { labCommand } from './lab.ts';
import { policyCommand } from './policy.ts';
import { statusCommand } from './status.ts';
import { watchCommand } from './watch.ts';

const COMMANDS = [
  ...[statusCommand, watchCommand, analyzeCommand, blockCommand, ackCommand],
  ...[policyCommand, labCommand],
];

function screen(): CommandIo['screen'] {
  const { stdout, env } = process;
  if (!stdout.isTTY) return undefined;
  const color = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return { color, columns: stdout.columns };
}

async function main(): Promise<number> {
  const ending = new AbortController();
  // The second signal does not wait: it ends the process as it would any other.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort());
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
