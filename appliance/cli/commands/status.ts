// Knows: the words and options of `leakguard status`. Must not know: how the state comes about.
// Follows README.md, Commands.

import type { State } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import type { Command, ExitCode } from '../command.ts';
import { statusScreen } from '../status-screen.ts';
import { styleOf } from '../terminal.ts';

const HELP = `leakguard status: what the light says, and why

  leakguard status [--json]

  --json         the daemon's answer as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 nothing gets out, 1 leaking or breach, 2 usage, 3 no daemon, or it is blind or starting and cannot say.
`;

/** Nobody may take "cannot say" for "no leak": that is 3. */
export function exitCodeOf(state: State): ExitCode {
  if (state === 'leaking' || state === 'breach') return 1;
  return state === 'blind' || state === 'starting' ? 3 : 0;
}

export const statusCommand: Command = {
  name: 'status',
  summary: 'one screen: state, block mode, tunnels, last incidents, health',
  help: HELP,
  async run(args, io) {
    const { values } = readArguments('status', args, API_OPTIONS);
    const status = await daemonAt(values.api).ask('status');
    const text = values.json ? `${JSON.stringify(status)}\n` : statusScreen(status, styleOf(io), new Date());
    io.stdout.write(text);
    return exitCodeOf(status.state);
  },
};
