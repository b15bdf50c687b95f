// `leakguard history`. A stricter privacy setting applies to new incidents; the stored history is rewritten only on request
// (README.md, Privacy).

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';
import { grouped } from '../terminal.ts';

const HELP = `leakguard history: show how much detail the history keeps, and rewrite it

  leakguard history           show the privacy setting, and how many incidents are kept in more detail than it allows
  leakguard history rewrite   rewrite the history under the current privacy setting, and delete the key of its hashes;
                              details that the setting redacts are lost for good

  --json         print one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 success, 2 usage error, 3 no daemon, or the disk could not be written.
`;

const KEY_GONE =
  ' The key of its hashes is deleted: nobody can guess names by hashing them, and new incidents cannot be linked to old ones.';

export const historyCommand: Command = {
  name: 'history',
  summary: '[rewrite]: show how much detail the history keeps, or rewrite it',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('history', args, API_OPTIONS, 1);
    const [word] = positionals;
    if (word !== undefined && word !== 'rewrite')
      throw new CommandError(2, 'usage', `There is no "history ${word}".`, 'See "leakguard history --help".');
    const client = daemonAt(values.api);
    const answer = word === 'rewrite' ? await client.ask('rewriteHistory') : await client.ask('history');
    const { privacy, laxerPast } = answer;
    const text =
      laxerPast === 0
        ? `The privacy setting is ${privacy}, and the whole history complies with it.${word === 'rewrite' ? KEY_GONE : ''}\n`
        : `The privacy setting is ${privacy}; ${grouped(laxerPast)} older incidents are kept in more detail. Rewrite them with "leakguard history rewrite".\n`;
    io.stdout.write(values.json ? `${JSON.stringify(answer)}\n` : text);
    return 0;
  },
};
