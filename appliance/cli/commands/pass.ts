// Knows: the words of `leakguard pass`. Must not know: what a pass opens, or how the kernel closes it.
// A pass is for a captive portal's login: the kernel ends it even when every process is dead.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments, readDuration } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';

const HELP = `leakguard pass: a timed opening in block mode, to log in to a captive portal

  leakguard pass 5m                          for every client
  leakguard pass 5m --client 02:00:00:00:00:0c   for one client only
  leakguard pass end                         close it now

It lets through DNS to the network's own resolvers and HTTP/HTTPS, nothing else; what crosses is listed as escaped.
It ends at its time, at the first tunnel handshake, or by "pass end", whichever comes first. At most 1h.

  --client MAC   only this client
  --json         the status afterwards as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 done and verified, 2 usage, 3 no daemon, or the kernel did not take it.
`;

const OPTIONS = { ...API_OPTIONS, client: { type: 'string' } } as const;

export const passCommand: Command = {
  name: 'pass',
  summary: '5m|end: a timed opening to log in to a captive portal',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('pass', args, OPTIONS, 1);
    const [word] = positionals;
    if (word === undefined) {
      throw new CommandError(
        2,
        'usage',
        'For how long?',
        'Say "leakguard pass 5m", or "leakguard pass end".',
      );
    }
    const daemon = daemonAt(values.api);
    const client = values.client === undefined ? {} : { client: values.client };
    const status =
      word === 'end'
        ? await daemon.ask('endPass')
        : await daemon.ask('openPass', {
            body: { seconds: readDuration(word, 'the time') / 1000, ...client },
          });
    const until = status.passUntil;
    const said = until === null ? 'No pass is open.\n' : `A pass is open until ${until}.\n`;
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : said);
    return 0;
  },
};
