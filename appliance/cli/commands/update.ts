// `leakguard update`. A client of the local API, except --keep, which writes to a directory that only root may write.

import { readFileSync } from 'node:fs';

import type { ApiClient } from '../../../src/api/client.ts';
import { MAX_UPDATE_PART_BYTES } from '../../../src/api/words.ts';
import type { UpdateStatus } from '../../../src/api/box.ts';
import { UpdateError } from '../../update/bundle.ts';
import { DebianSystem } from '../../update/debian-system.ts';
import { UpdateInstaller } from '../../update/installer.ts';
import { keysIn } from '../../update/keys.ts';
import { UPDATE_PLACES } from '../../update/places.ts';
import { Slots } from '../../update/slots.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';

const HELP = `leakguard update: install a signed update without a network; rolls back if the new version does not see the wire

  leakguard update              show the result of the last update
  leakguard update FILE         send an update to the box; all traffic is blocked until it is done
  leakguard update --keep FILE  store the signed file of the running version for rollback: without it no update is
                                installed. Without --keep, sending a file of the running version stores it as well

  --json             print the update status as one JSON object
  --state-dir DIR    with --keep: root's directory for updates (default ${UPDATE_PLACES.state})
  --keys DIR         with --keep: the directory of public keys (default ${UPDATE_PLACES.keys})
  --api SOCKET       the daemon's socket (default /run/leakguard/api.sock)

Updates must be signed by one of the Ed25519 public keys in ${UPDATE_PLACES.keys}/*.pem, which only root may write.
An older version is installed only if its publisher signed that it may replace the running one. If you do not trust the
daemon with an update, install it as root with: node /usr/lib/leakguard/dist/appliance/update/main.js FILE.

Exit codes: 0 sent or shown; 2 usage error or update refused; 3 no daemon, or a file could not be written.
`;

const OPTIONS = {
  ...API_OPTIONS,
  keep: { type: 'string' },
  'state-dir': { type: 'string', default: UPDATE_PLACES.state },
  keys: { type: 'string', default: UPDATE_PLACES.keys },
} as const;

export const updateCommand: Command = {
  name: 'update',
  summary: 'install a signed update from a file, with rollback',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('update', args, OPTIONS, 1);
    const [path] = positionals;
    if (values.keep !== undefined) {
      const version = await keep(contentOf(values.keep), values);
      io.stdout.write(`Stored: a failed update rolls back to version ${version}.\n`);
      return 0;
    }
    const client = daemonAt(values.api);
    const status = path === undefined ? await client.ask('update') : await send(client, contentOf(path));
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : wordsFor(status, path !== undefined));
    return 0;
  },
};

async function send(client: ApiClient, file: Uint8Array): Promise<UpdateStatus> {
  for (let at = 0; at < file.length || at === 0; at += MAX_UPDATE_PART_BYTES) {
    const bytes = Buffer.from(file.subarray(at, at + MAX_UPDATE_PART_BYTES)).toString('base64');
    await client.ask('updatePart', { body: { at, bytes } });
  }
  return client.ask('installUpdate');
}

interface RootPlaces {
  readonly 'state-dir': string;
  readonly keys: string;
  readonly api: string;
}

/** Stores the signed file of the running version; returns that version. */
async function keep(file: Uint8Array, { 'state-dir': state, keys, api }: RootPlaces): Promise<string> {
  try {
    const slots = new Slots(state);
    const installer = new UpdateInstaller(slots, await DebianSystem.here(api, slots.workspace), keysIn(keys));
    return (await installer.keep(file)).version;
  } catch (error) {
    if (error instanceof UpdateError) throw new CommandError(2, error.code, `${error.message}.`, '', error);
    throw new CommandError(3, 'write', `${state} cannot be written to.`, 'Run this as root.', error);
  }
}

function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(2, 'no-file', `${path} cannot be read.`, '', error);
  }
}

function wordsFor({ running, stage, version, why, wayBack }: UpdateStatus, sent: boolean): string {
  const lines = [
    sent
      ? 'Sent. All traffic is blocked until the update is done; see its result with "leakguard update".'
      : `Running version: ${running}.`,
    ...(stage === 'none' || sent ? [] : [`Last update (${version || 'unknown version'}): ${stage}: ${why}.`]),
    ...(wayBack
      ? []
      : ['No signed file of this version is stored for rollback: see "leakguard update --help".']),
  ];
  return `${lines.join('\n')}\n`;
}
