#!/usr/bin/env node
// The program that installs an update, run as root by leakguard-update.service. It does not trust the uploader: it takes the file out of
// the daemon's reach first, and then verifies the signature.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { runProgram } from '../os/program-end.ts';
import { MAX_UPDATE_FILE_BYTES, UpdateError } from './bundle.ts';
import { DebianSystem } from './debian-system.ts';
import { INCOMING } from './inbox.ts';
import { UpdateInstaller } from './installer.ts';
import { keysIn } from './keys.ts';
import { UPDATE_PLACES } from './places.ts';
import { takeFile } from './safe-files.ts';
import { Slots } from './slots.ts';

const HELP = `Leakguard's update installer: installs an uploaded update, or rolls back one that a power cut interrupted

  [FILE]             install this file instead of an uploaded one: for root, independent of the daemon
  [--state-dir DIR]  root's directory for rollback files and the update record (default ${UPDATE_PLACES.state})
  [--keys DIR]       root's directory of public keys that may sign updates (*.pem, Ed25519; default ${UPDATE_PLACES.keys})
  [--inbox DIR]      directory in which the daemon leaves uploaded updates (default ${UPDATE_PLACES.inbox})
  [--api SOCKET]     the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 updated, stored, or nothing to do; 1 rolled back or refused; 2 usage error; 3 neither version runs.
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
  const [path] = positionals;
  // Removed first: even if the file is refused, leakguard-update.path must not find it again.
  const taken =
    path === undefined
      ? orError(() => takeFile(values.inbox, INCOMING, MAX_UPDATE_FILE_BYTES))
      : readFileSync(path);
  const keys = orError(() => keysIn(values.keys));
  try {
    const slots = new Slots(values['state-dir']);
    const system = await DebianSystem.here(values.api, slots.workspace);
    const installer = new UpdateInstaller(slots, system, keys);
    const resumed = await installer.resume();
    if (taken === undefined) return resumed.stage === 'failed' ? 3 : 0;
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

/** Returns an UpdateError instead of throwing it: an interrupted update must be rolled back before the error is reported. */
function orError<T>(act: () => T): T | UpdateError {
  try {
    return act();
  } catch (error) {
    if (error instanceof UpdateError) return error;
    throw error;
  }
}

runProgram(main, HELP);
