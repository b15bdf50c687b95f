// Knows: the words of `leakguard history`: how the past is kept, and its rewriting. Must not know: how it is rewritten.
// Follows README.md, Privacy: a stricter setting holds for what comes; the past is offered, never taken.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';
import { grouped } from '../terminal.ts';

const HELP = `leakguard history: how much of the past is kept, and in which detail

  leakguard history           the privacy in force, and incidents that are kept in more detail
  leakguard history rewrite   writes the past anew under the privacy in force, and deletes the key of its hashes;
                              what it hides is gone for good

  --json         one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 done, 2 usage, 3 no daemon, or the disk refused.
`;

const KEY_GONE =
  ' The key of its hashes is deleted: nobody can try names on them, and what comes is not linked with it.';

export const historyCommand: Command = {
  name: 'history',
  summary: '[rewrite]: in which detail the past is kept, and its rewriting',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('history', args, API_OPTIONS, 1);
    const [word] = positionals;
    if (word !== undefined && word !== 'rewrite')
      throw new CommandError(2, 'usage', `There is no "history ${word}".`, 'See "leakguard history --help".');
    const client = daemonAt(values.api);
    const told = word === 'rewrite' ? await client.ask('rewriteHistory') : await client.ask('history');
    const { privacy, laxerPast } = told;
    const text =
      laxerPast === 0
        ? `Privacy is ${privacy}, and so is the past.${word === 'rewrite' ? KEY_GONE : ''}\n`
        : `Privacy is ${privacy}; ${grouped(laxerPast)} incidents of the past are kept in more detail ("leakguard history rewrite").\n`;
    io.stdout.write(values.json ? `${JSON.stringify(told)}\n` : text);
    return 0;
  },
};
