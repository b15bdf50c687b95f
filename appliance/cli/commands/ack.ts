// `leakguard ack`.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { grouped } from '../terminal.ts';

const HELP = `leakguard ack: acknowledge incidents, so that the light no longer shows them

  leakguard ack [all]   all incidents
  leakguard ack ID      one incident, by the id that "leakguard status --json" and "watch" show

  --json         print the resulting status as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 success, 2 no such incident, 3 no daemon.
`;

export const ackCommand: Command = {
  name: 'ack',
  summary: '[ID|all]: acknowledge incidents',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('ack', args, API_OPTIONS, 1);
    const status = await daemonAt(values.api).ask('acknowledge', { body: { id: positionals[0] ?? 'all' } });
    const left = status.unacknowledged;
    const text = `Acknowledged. ${left === 0 ? 'No incidents' : grouped(left)} left to acknowledge; the state is ${status.state}.\n`;
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : text);
    return 0;
  },
};
