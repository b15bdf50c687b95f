#!/usr/bin/env node
// Knows: the program that installs an update, run as root by leakguard-update.service. Must not know: who uploaded it.
// It believes nobody: the signature is checked here, whoever has checked it before.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { runProgram } from '../program-end.ts';
import { UPDATE_MOST, UpdateError } from './bundle.ts';
import { keysIn } from './keys.ts';
import { DebianSystem } from './debian-system.ts';
import { UpdateInstaller } from './installer.ts';
import { Slots } from './slots.ts';

const HELP = `leakguard's updates: installs what was uploaded, or what a power cut left half done is taken back

  [--state-dir DIR]  packages and the record of updates (default /var/lib/leakguard/update)
  [--keys DIR]       public keys (*.pem, Ed25519) of those whose updates are taken (default /etc/leakguard/update-keys)
  [--api SOCKET]     the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 updated, or nothing to do; 1 rolled back or refused; 2 usage; 3 neither version runs.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'state-dir': { type: 'string', default: '/var/lib/leakguard/update' },
      keys: { type: 'string', default: '/etc/leakguard/update-keys' },
      api: { type: 'string', default: '/run/leakguard/api.sock' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const slots = new Slots(values['state-dir']);
  const installer = new UpdateInstaller(slots, await DebianSystem.here(values.api));
  const underWay = await installer.resume();
  if (!existsSync(slots.incoming)) return underWay.stage === 'failed' ? 3 : 0;
  try {
    if (statSync(slots.incoming).size > UPDATE_MOST + 1024)
      throw new UpdateError('not-an-update', 'this file is too large for an update');
    const record = await installer.update(readFileSync(slots.incoming), keysIn(values.keys));
    process.stdout.write(`${record.stage}: ${record.version}: ${record.why}\n`);
    return record.stage === 'updated' ? 0 : record.stage === 'failed' ? 3 : 1;
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    // What waits is tried once: whoever watches for it (leakguard-update.path) would try for ever.
    slots.dropCandidate();
    process.stderr.write(`refused: ${error.message}\n`);
    return 1;
  }
}

runProgram(main, HELP);
