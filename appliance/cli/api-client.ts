// Knows: how a command asks the daemon, and what to tell people when that fails. Must not know: any command.
// Follows README.md, Commands (exit codes).

import { ApiClient } from '../../src/api/client.ts';
import type { ApiFault } from '../../src/api/client.ts';
import type { GuardEvent } from '../../src/api/status.ts';
import { CommandError } from './command.ts';
import { runningLab } from './commands/lab-files.ts';

const ANSWER_MS = 5_000;
/** What changes something waits for the kernel or the disk, and a small board has a slow card. */
const CHANGE_MS = 60_000;

/** The daemon that listens there. What it is asked throws CommandError: 3 when it cannot be had, 2 when it refuses the words. */
export function daemonAt(socketPath: string): ApiClient {
  return new ApiClient({
    socketPath,
    patience: (kind) => (kind === 'look' ? ANSWER_MS : CHANGE_MS),
    thrown: (fault) => told(fault, socketPath),
  });
}

/** GET /v1/events until `signal` is aborted. Throws CommandError 3 when the stream ends by itself. */
export async function eventsOf(
  daemon: ApiClient,
  signal: AbortSignal,
  onEvent: (event: GuardEvent) => void,
): Promise<void> {
  await daemon.events(signal, onEvent);
  if (signal.aborted) return;
  const remedy = 'Nothing is known of what happened since. Look at "leakguard status" and its log.';
  throw new CommandError(3, 'stream-ended', 'The daemon broke off.', remedy);
}

function told(fault: ApiFault, socketPath: string): CommandError {
  const { code, word, message, faults } = fault;
  switch (code) {
    case 'unreachable':
      return noDaemon(fault.cause, socketPath);
    case 'silent':
      return new CommandError(
        3,
        'silent',
        'The daemon does not answer in time.',
        'It may hang: look at its log (journalctl -u leakguardd), or restart it. The rules in the kernel stay.',
      );
    case 'garbled':
      return new CommandError(
        3,
        'garbled',
        'The daemon says what this command cannot read.',
        'Daemon and command may be of different versions: restart the daemon.',
      );
    default: {
      const remedy = faults.map((one) => [one.path, one.message, one.remedy].filter(Boolean).join(': '));
      return new CommandError(code === 'refused' ? 2 : 3, word, message, remedy.join('\n'));
    }
  }
}

function noDaemon(error: unknown, path: string): CommandError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const lab = runningLab();
  const socket = lab === undefined ? '' : `: a lab that runs here has --api ${lab.api}`;
  const start = `Start it (systemctl start leakguardd), or name its socket with --api${socket}.`;
  const said = (message: string, remedy: string): CommandError =>
    new CommandError(3, 'no-daemon', message, remedy, error);
  if (code === 'EACCES') return said(`You may not open ${path}.`, 'Run this as root, or as its group.');
  if (code === 'ENOENT') return said(`The daemon is not running: there is no ${path}.`, start);
  if (code === 'ECONNREFUSED') return said(`The daemon is not running: nobody listens on ${path}.`, start);
  return said(`The daemon does not answer on ${path}.`, 'It may be starting or stopping: try again.');
}
