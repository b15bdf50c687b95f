#!/usr/bin/env node
// Turns the LED red. systemd runs it when the daemon is gone or hung, and at the start when there are no rules.

import { parseArgs } from 'node:util';

import { readPolicyFileHere } from '../policy/policy-file-here.ts';
import { openLed } from './led.ts';
import { readLedRecord } from './record.ts';

const HELP = `turns leakguard's LED red and exits, without leakguardd

  [--config FILE]      the policy that names the LED (default /etc/leakguard/policy.yaml)
  [--runtime-dir DIR]  where the daemon recorded which LED it used last (default /run/leakguard)

Exit: 0 red, or there is no LED; 2 usage; 3 the LED cannot be set.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', default: '/etc/leakguard/policy.yaml' },
      'runtime-dir': { type: 'string', default: '/run/leakguard' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  // The LED that was used last may still be green, even if the policy has changed since.
  const last = readLedRecord(values['runtime-dir']);
  const read = last === undefined ? await readPolicyFileHere(values.config) : undefined;
  const config = last ?? (read?.ok === true ? read.policy.lamp : undefined);
  if (config === undefined) {
    process.stderr.write(`the LED is not known: ${values.config} is not a valid policy\n`);
    return 3;
  }
  openLed(config, values['runtime-dir']).close();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof TypeError && 'code' in error;
  process.stderr.write(`${String(error)}\n${usage ? HELP : ''}`);
  process.exitCode = usage ? 2 : 3;
}
