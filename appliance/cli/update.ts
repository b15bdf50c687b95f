// Knows: the words of `leakguard update`. Must not know: signatures, dpkg.
// Follows DESIGN section 7: a client of the local API, but for --keep, which writes where only root may.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { UPDATE_PART_MOST } from '../../src/guard/update-status.ts';
import type { UpdateStatus } from '../../src/guard/update-status.ts';
import { Slots } from '../update/slots.ts';
import { DaemonClient } from './api-client.ts';
import { API_OPTIONS, readArguments } from './arguments.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';

const HELP = `leakguard update: another version, signed, without a network; back to this one when it does not see the wire

  leakguard update             what became of the last update
  leakguard update FILE        sends an update to the box; the wire is closed until it is done
  leakguard update --keep DEB  keeps the package of the version that runs, to come back to: without it nothing is updated

  --json             what is known of updates as one JSON object
  --state-dir DIR    with --keep: where the box keeps its state (default /var/lib/leakguard)
  --api SOCKET       the daemon's socket (default /run/leakguard/api.sock)

Keys of those whose updates are taken lie in /etc/leakguard/update-keys/*.pem (Ed25519, public).

Exit: 0 sent, or told; 2 usage, or refused; 3 no daemon, or nothing could be written.
`;

const OPTIONS = {
  ...API_OPTIONS,
  keep: { type: 'string' },
  'state-dir': { type: 'string', default: '/var/lib/leakguard' },
} as const;

export const updateCommand: Command = {
  name: 'update',
  summary: 'installs a signed update from a file, with a way back',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('update', args, OPTIONS, 1);
    const [path] = positionals;
    if (values.keep !== undefined) {
      keep(values.keep, values['state-dir']);
      io.stdout.write('Kept: an update that fails comes back to this package.\n');
      return 0;
    }
    const client = new DaemonClient(values.api);
    const status = path === undefined ? await client.update() : await send(client, contentOf(path));
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : wordsFor(status, path !== undefined));
    return 0;
  },
};

async function send(client: DaemonClient, file: Uint8Array): Promise<UpdateStatus> {
  for (let at = 0; at < file.length || at === 0; at += UPDATE_PART_MOST) {
    const bytes = Buffer.from(file.subarray(at, at + UPDATE_PART_MOST)).toString('base64');
    await client.uploadUpdate({ at, bytes });
  }
  return client.installUpdate();
}

function keep(path: string, stateDir: string): void {
  const content = contentOf(path);
  // ar(5): what a package of Debian begins with.
  if (Buffer.from(content.subarray(0, 8)).toString('latin1') !== '!<arch>\n')
    throw new CommandError(2, 'not-a-package', `${path} is no package of Debian.`);
  try {
    new Slots(join(stateDir, 'update')).keepWorking(content);
  } catch (error) {
    throw new CommandError(3, 'write', `${stateDir} cannot be written to.`, 'Run this as root.', error);
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
    ...(wayBack ? [] : ['No package to come back to is kept: see "leakguard update --help".']),
  ];
  return `${lines.join('\n')}\n`;
}
