#!/usr/bin/env node
// Knows: the program that installs an update, run as root by leakguard-update.service. Must not know: who uploaded it.
// It believes nobody: what was sent is taken out of the daemon's reach once, and its signature is looked at here.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { runProgram } from '../os/program-end.ts';
import { UPDATE_FILE_MOST, UpdateError } from './bundle.ts';
import { DebianSystem } from './debian-system.ts';
import { INCOMING } from './inbox.ts';
import { UpdateInstaller } from './installer.ts';
import { keysIn } from './keys.ts';
import { UPDATE_PLACES } from './places.ts';
import { takeFile } from './safe-files.ts';
import { Slots } from './slots.ts';

const HELP = `leakguard's updates: installs what was uploaded, or what a power cut left half done is taken back

  [FILE]             this one instead of what was uploaded: for root, whatever the daemon does
  [--state-dir DIR]  signed files to come back to and the record of updates, root's own (default ${UPDATE_PLACES.state})
  [--keys DIR]       public keys (*.pem, Ed25519) of those whose updates are taken, root's own (default ${UPDATE_PLACES.keys})
  [--inbox DIR]      where the daemon leaves what was uploaded (default ${UPDATE_PLACES.inbox})
  [--api SOCKET]     the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 updated, kept, or nothing to do; 1 rolled back or refused; 2 usage; 3 neither version runs.
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'state-dir': { type: 'string', default: UPDATE_PLACES.state },
      keys: { type: 'string', default: UPDATE_PLACES.keys },
      inbox: { type: 'string', default: UPDATE_PLACES.inbox },
      api: { type: 'string', default: '/run/leakguard/api.sock' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [given] = positionals;
  // Out of the way first: whatever is wrong with it, whoever watches for it (leakguard-update.path) must not find it again.
  const taken =
    given === undefined
      ? orError(() => takeFile(values.inbox, INCOMING, UPDATE_FILE_MOST))
      : readFileSync(given);
  const keys = orError(() => keysIn(values.keys));
  try {
    const slots = new Slots(values['state-dir']);
    const system = await DebianSystem.here(values.api, slots.workspace);
    const installer = new UpdateInstaller(slots, system, keys);
    const underWay = await installer.resume();
    if (taken === undefined) return underWay.stage === 'failed' ? 3 : 0;
    if (taken instanceof UpdateError) throw taken;
    const record = await installer.update(taken);
    process.stdout.write(`${record.stage}: ${record.version}: ${record.why}\n`);
    return record.stage === 'failed' ? 3 : record.stage === 'rolled-back' ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    process.stderr.write(`refused: ${error.message}\n`);
    return 1;
  }
}

/** What was refused is said after a half update was taken back, not instead of it. */
function orError<T>(act: () => T): T | UpdateError {
  try {
    return act();
  } catch (error) {
    if (error instanceof UpdateError) return error;
    throw error;
  }
}

runProgram(main, HELP);
