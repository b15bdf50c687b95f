// Knows: the words of `leakguard update`. Must not know: signatures, dpkg.
// A client of the local API, but for --keep, which writes where only root may.

import { readFileSync } from 'node:fs';

import type { ApiClient } from '../../../src/api/client.ts';
import { UPDATE_PART_MOST } from '../../../src/api/words.ts';
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

const HELP = `leakguard update: another version, signed, without a network; back to this one when it does not see the wire

  leakguard update              what became of the last update
  leakguard update FILE         sends an update to the box; the wire is closed until it is done
  leakguard update --keep FILE  keeps the signed file of the version that runs, to come back to: without it nothing is
                                updated. Sent to the box without --keep, a file of that very version is kept as well

  --json             what is known of updates as one JSON object
  --state-dir DIR    with --keep: where root keeps what updates need (default ${UPDATE_PLACES.state})
  --keys DIR         with --keep: the keys (default ${UPDATE_PLACES.keys})
  --api SOCKET       the daemon's socket (default /run/leakguard/api.sock)

Keys of those whose updates are taken lie in ${UPDATE_PLACES.keys}/*.pem (Ed25519, public), where root alone may write.
An older version is installed only when its publisher signed that it may replace the one that runs. When the daemon is not
to be trusted with an update, root installs it without: node /usr/lib/leakguard/dist/appliance/update/main.js FILE.

Exit: 0 sent, or told; 2 usage, or refused; 3 no daemon, or nothing could be written.
`;

const OPTIONS = {
  ...API_OPTIONS,
  keep: { type: 'string' },
  'state-dir': { type: 'string', default: UPDATE_PLACES.state },
  keys: { type: 'string', default: UPDATE_PLACES.keys },
} as const;

export const updateCommand: Command = {
  name: 'update',
  summary: 'installs a signed update from a file, with a way back',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('update', args, OPTIONS, 1);
    const [path] = positionals;
    if (values.keep !== undefined) {
      const version = await keep(contentOf(values.keep), values);
      io.stdout.write(`Kept: an update that fails comes back to version ${version}.\n`);
      return 0;
    }
    const client = daemonAt(values.api);
    const status = path === undefined ? await client.ask('update') : await send(client, contentOf(path));
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : wordsFor(status, path !== undefined));
    return 0;
  },
};

async function send(client: ApiClient, file: Uint8Array): Promise<UpdateStatus> {
  for (let at = 0; at < file.length || at === 0; at += UPDATE_PART_MOST) {
    const bytes = Buffer.from(file.subarray(at, at + UPDATE_PART_MOST)).toString('base64');
    await client.ask('updatePart', { body: { at, bytes } });
  }
  return client.ask('installUpdate');
}

interface RootPlaces {
  readonly 'state-dir': string;
  readonly keys: string;
  readonly api: string;
}

/** Gives the version that is kept. */
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
      ? 'Sent. The wire is closed until the update is done; ask again with "leakguard update".'
      : `Version ${running} runs.`,
    ...(stage === 'none' || sent
      ? []
      : [`Last update, ${version || 'of unknown version'}: ${stage}: ${why}.`]),
    ...(wayBack
      ? []
      : ['No signed file of this version is kept to come back to: see "leakguard update --help".']),
  ];
  return `${lines.join('\n')}\n`;
}
