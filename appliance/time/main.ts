#!/usr/bin/env node
// Knows: the program that sets the clock to what the owner wished for, run by leakguard-set-clock.service with the right to do so.
// Must not know: who wished, and which wishes are fulfilled.

import { parseArgs } from 'node:util';

import { runProgram } from '../os/program-end.ts';
import { fulfil, machineParts } from './setter.ts';
import { ClockError } from './set-clock-request.ts';

const HELP = `leakguard's clock: takes the time that the owner's browser has

  [--wish FILE]  where the daemon leaves it (default /run/leakguard/clock-wish)

Exit: 0 set, or nothing to do; 1 refused; 2 usage; 3 it could not be set.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      request: { type: 'string', default: '/run/leakguard/clock-wish' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    await fulfil(values.request, machineParts());
    return 0;
  } catch (error) {
    if (!(error instanceof ClockError)) throw error;
    process.stderr.write(`refused: ${error.message}\n`);
    return 1;
  }
}

runProgram(main, HELP);
