// Knows: the words of `leakguard block`. Must not know: how the kernel is told.
// Done means that the kernel has the rules and they were read back.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';

const HELP = `leakguard block: only the tunnel may leave, or everything may

  leakguard block on    only tunnel, essential traffic and what the policy allows crosses; it survives a reboot
  leakguard block off   watch mode: everything crosses, everything is judged

  --json         the status afterwards as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 done and verified, 2 usage, 3 no daemon, or the kernel did not take it.
`;

export const blockCommand: Command = {
  name: 'block',
  summary: 'on|off: let only the tunnel out, or everything',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('block', args, API_OPTIONS, 1);
    const [word] = positionals;
    if (word !== 'on' && word !== 'off')
      throw new CommandError(
        2,
        'usage',
        'Block mode on or off?',
        'Say "leakguard block on" or "leakguard block off".',
      );
    const status = await daemonAt(values.api).ask('block', { body: { on: word === 'on' } });
    if (status.blockMode !== (word === 'on'))
      throw new CommandError(3, 'not-applied', `Block mode is still ${status.blockMode ? 'on' : 'off'}.`);
    const said = status.blockMode
      ? 'Block mode is on: only the tunnel and what it needs may leave.\n'
      : 'Block mode is off: everything may leave, and everything is judged.\n';
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : said);
    return 0;
  },
};
