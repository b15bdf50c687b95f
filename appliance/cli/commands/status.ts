// `leakguard status`.

import type { State } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import type { Command, ExitCode } from '../command.ts';
import { statusScreen } from '../status-screen.ts';
import { styleOf } from '../terminal.ts';

const HELP = `leakguard status: show the light, and why it is as it is

  leakguard status [--json]

  --json         print the daemon's answer as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 nothing gets out, 1 leaking or breach, 2 usage error, 3 no daemon, or it is blind or starting and cannot tell.
`;

/**
 * The exit code of `leakguard status`: 1 for `leaking` and `breach`, 3 for `blind` and `starting`, in which the daemon cannot tell and
 * which must not be taken for "no leak", otherwise 0.
 */
export function exitCodeOf(state: State): ExitCode {
  if (state === 'leaking' || state === 'breach') return 1;
  return state === 'blind' || state === 'starting' ? 3 : 0;
}

export const statusCommand: Command = {
  name: 'status',
  summary: 'show state, block mode, tunnels, latest incidents and health on one screen',
  help: HELP,
  async run(args, io) {
    const { values } = readArguments('status', args, API_OPTIONS);
    const status = await daemonAt(values.api).ask('status');
    const text = values.json ? `${JSON.stringify(status)}\n` : statusScreen(status, styleOf(io), new Date());
    io.stdout.write(text);
    return exitCodeOf(status.state);
  },
};
