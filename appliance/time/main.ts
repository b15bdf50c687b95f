#!/usr/bin/env node
// The program that carries out a set-clock request; leakguard-set-clock.service runs it with the right to set the clock.

import { parseArgs } from 'node:util';

import { runProgram } from '../os/program-end.ts';
import { setAsRequested, machineParts } from './setter.ts';
import { ClockError } from './set-clock-request.ts';

const HELP = `sets leakguard's clock to the time of the owner's browser

  [--wish FILE]  the daemon's set-clock request (default /run/leakguard/clock-wish)

Exit: 0 set, or there is no request; 1 refused; 2 usage; 3 the clock could not be set.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      wish: { type: 'string', default: '/run/leakguard/clock-wish' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    await setAsRequested(values.wish, machineParts());
    return 0;
  } catch (error) {
    if (!(error instanceof ClockError)) throw error;
    process.stderr.write(`refused: ${error.message}\n`);
    return 1;
  }
}

runProgram(main, HELP);
