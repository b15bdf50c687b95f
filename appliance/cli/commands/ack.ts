// Knows: the words of `leakguard ack`. Must not know: what an acknowledgement changes.
// Follows README.md, Commands.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { grouped } from '../terminal.ts';

const HELP = `leakguard ack: say that you have seen an incident; the light lets go of it

  leakguard ack [all]   every incident
  leakguard ack ID      one, by the id that "leakguard status --json" and "watch" show

  --json         the status afterwards as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 done, 2 no such incident, 3 no daemon.
`;

export const ackCommand: Command = {
  name: 'ack',
  summary: '[ID|all]: acknowledge what got out or tried',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('ack', args, API_OPTIONS, 1);
    const status = await daemonAt(values.api).ask('acknowledge', { body: { id: positionals[0] ?? 'all' } });
    const left = status.unacknowledged;
    const said = `Acknowledged. ${left === 0 ? 'Nothing is left' : `${grouped(left)} left`}; the state is ${status.state}.\n`;
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : said);
    return 0;
  },
};
