#!/usr/bin/env node
// Knows: how the LED turns red when nobody watches any more: run by systemd when the daemon is gone or hung, and at the
// start when there are no rules. Must not know: states, the daemon.

import { parseArgs } from 'node:util';

import { readPolicyFileHere } from '../policy/policy-file-here.ts';
import { openLed } from './led.ts';
import { readLedRecord } from './record.ts';

const HELP = `leakguard's LED, without leakguardd: turns it red and ends

  [--config FILE]      the policy that names the LED (default /etc/leakguard/policy.yaml)
  [--runtime-dir DIR]  where the daemon wrote down which LED it lit last (default /run/leakguard)

Exit: 0 red, or there is no LED; 2 usage; 3 the LED cannot be lit.
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
  // The LED that was lit last is the one that may still be green, whatever has become of the policy.
  const lit = readLedRecord(values['runtime-dir']);
  const read = lit === undefined ? await readPolicyFileHere(values.config) : undefined;
  const config = lit ?? (read?.ok === true ? read.policy.lamp : undefined);
  if (config === undefined) {
    process.stderr.write(`which LED there is cannot be known: ${values.config} is no valid policy\n`);
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
