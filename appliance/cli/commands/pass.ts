// `leakguard pass`: the captive-portal exception. The kernel ends it in time even when no process of Leakguard is running.

import { daemonAt } from '../api-client.ts';
import { MAX_PASS_SECONDS } from '../../../src/api/words.ts';
import { API_OPTIONS, durationText, readArguments, readDuration } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';
import { clockTime } from '../terminal.ts';

const MOST = durationText(MAX_PASS_SECONDS);

const HELP = `leakguard pass: a captive-portal exception: a temporary opening in block mode to log in to a network

  leakguard pass 5m                          for every client
  leakguard pass 5m --client 02:00:00:00:00:0c   for one client only
  leakguard pass end                         end it now

It allows DNS to the network's own resolvers and HTTP/HTTPS, nothing else; what leaves is reported as escaped.
It ends after the given time, at the first tunnel handshake, or with "pass end", whichever comes first.
It lasts at most ${MOST}, and is refused while block mode is off: then everything may leave already.

  --client MAC   only this client
  --json         print the resulting status as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 done and verified, 2 usage error or block mode is off, 3 no daemon, or the kernel did not accept the rules.
`;

const OPTIONS = { ...API_OPTIONS, client: { type: 'string' } } as const;

export const passCommand: Command = {
  name: 'pass',
  summary: '5m|end: temporarily allow the login to a captive portal',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('pass', args, OPTIONS, 1);
    const [word] = positionals;
    if (word === undefined) {
      throw new CommandError(
        2,
        'usage',
        'No duration was given.',
        'Use "leakguard pass 5m", or "leakguard pass end".',
      );
    }
    const daemon = daemonAt(values.api);
    if (word === 'end') {
      const { passUntil } = await daemon.ask('status');
      const status = await daemon.ask('endPass');
      const text =
        passUntil === null
          ? 'No pass was open; nothing was changed.'
          : `The pass that was open until ${clockTime(passUntil, new Date())} has ended.`;
      io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : `${text}\n`);
      return 0;
    }
    const seconds = readDuration(word, 'the time', MAX_PASS_SECONDS);
    const client = values.client === undefined ? {} : { client: values.client };
    const status = await daemon.ask('openPass', { body: { seconds, ...client } });
    const { passUntil } = status;
    if (passUntil === null)
      throw new CommandError(3, 'not-applied', 'The pass has ended already.', 'See "leakguard status".');
    const text = `A pass is open until ${clockTime(passUntil, new Date())}${values.client === undefined ? '' : `, for ${values.client}`}.\n`;
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : text);
    return 0;
  },
};
