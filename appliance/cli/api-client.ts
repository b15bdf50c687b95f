// The commands' client of the daemon's API: turns its failures into CommandErrors with a remedy.

import { ApiClient } from '../../src/api/client.ts';
import type { ApiFault } from '../../src/api/client.ts';
import type { GuardEvent } from '../../src/api/status.ts';
import { CommandError } from './command.ts';
import { runningLab } from './commands/lab-files.ts';

const READ_TIMEOUT_MS = 5_000;
/** A change waits for the kernel or the disk, and a small board has a slow SD card. */
const CHANGE_TIMEOUT_MS = 60_000;

/**
 * Client of the daemon at this socket; connects with the first request. Its requests throw CommandError: 3 when the daemon does not answer
 * in time or its answer cannot be read, 2 when it rejects the input. A question may take 5 s, a change 60 s.
 */
export function daemonAt(socketPath: string): ApiClient {
  return new ApiClient({
    socketPath,
    patience: (kind) => (kind === 'look' ? READ_TIMEOUT_MS : CHANGE_TIMEOUT_MS),
    thrown: (fault) => toCommandError(fault, socketPath),
  });
}

/**
 * Passes the events of GET /v1/events to `onEvent`, the current status first, until `signal` is aborted. Throws CommandError 3 when the
 * daemon cannot be reached or the stream ends before that.
 */
export async function eventsOf(
  daemon: ApiClient,
  signal: AbortSignal,
  onEvent: (event: GuardEvent) => void,
): Promise<void> {
  await daemon.events(signal, onEvent);
  if (signal.aborted) return;
  const remedy =
    'What happened since then is unknown. See "leakguard status" and the log (journalctl -u leakguardd).';
  throw new CommandError(3, 'stream-ended', 'The daemon ended the event stream.', remedy);
}

function toCommandError(fault: ApiFault, socketPath: string): CommandError {
  const { code, word, message, faults } = fault;
  switch (code) {
    case 'unreachable':
      return noDaemon(fault.cause, socketPath);
    case 'silent':
      return new CommandError(
        3,
        'silent',
        'The daemon did not answer in time.',
        'It may be hanging: see its log (journalctl -u leakguardd), or restart it. The rules in the kernel stay in place.',
      );
    case 'garbled':
      return new CommandError(
        3,
        'garbled',
        "This command cannot read the daemon's answer.",
        'The daemon and this command may be different versions: restart the daemon.',
      );
    default: {
      const remedies = faults.map((each) =>
        [each.path, each.message, each.remedy].filter(Boolean).join(': '),
      );
      return new CommandError(code === 'refused' ? 2 : 3, word, message, remedies.join('\n'));
    }
  }
}

function noDaemon(error: unknown, path: string): CommandError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const lab = runningLab();
  const socket = lab === undefined ? '' : `: for the running lab, use --api ${lab.api}`;
  const start = `Start it (systemctl start leakguardd), or name its socket with --api${socket}.`;
  const failure = (message: string, remedy: string): CommandError =>
    new CommandError(3, 'no-daemon', message, remedy, error);
  if (code === 'EACCES')
    return failure(
      `No permission to open ${path}.`,
      "Run this as root or as a member of the socket's group.",
    );
  if (code === 'ENOENT') return failure(`The daemon is not running: ${path} does not exist.`, start);
  if (code === 'ECONNREFUSED')
    return failure(`The daemon is not running: nothing is listening on ${path}.`, start);
  return failure(`The daemon does not answer on ${path}.`, 'It may be starting or stopping: try again.');
}
