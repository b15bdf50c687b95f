// `leakguard block`. Succeeds only after the daemon has applied the rules and read them back from the kernel.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';

const HELP = `leakguard block: turn block mode on or off

  leakguard block on    only tunnel traffic, essential traffic and what the policy allows may leave; survives a reboot
  leakguard block off   watch mode: all traffic may leave, and all of it is judged

  --json         print the resulting status as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 done and verified, 2 usage error, 3 no daemon, or the kernel did not accept the rules.
`;

export const blockCommand: Command = {
  name: 'block',
  summary: 'on|off: turn block mode on or off',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('block', args, API_OPTIONS, 1);
    const [word] = positionals;
    if (word !== 'on' && word !== 'off')
      throw new CommandError(
        2,
        'usage',
        'Expected on or off.',
        'Use "leakguard block on" or "leakguard block off".',
      );
    const status = await daemonAt(values.api).ask('block', { body: { on: word === 'on' } });
    if (status.blockMode !== (word === 'on'))
      throw new CommandError(3, 'not-applied', `Block mode is still ${status.blockMode ? 'on' : 'off'}.`);
    const text = status.blockMode
      ? 'Block mode is on: only the tunnel, and what it needs to work, may leave.\n'
      : 'Block mode is off: all traffic may leave, and all of it is judged.\n';
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : text);
    return 0;
  },
};
