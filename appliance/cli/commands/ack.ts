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
    const [id = 'all'] = positionals;
    const daemon = daemonAt(values.api);
    const waiting =
      id === 'all'
        ? (await daemon.ask('status')).unacknowledged
        : Number(!(await daemon.ask('incident', { params: { id } })).acknowledged);
    const status = await daemon.ask('acknowledge', { body: { id } });
    const left = status.unacknowledged;
    const done =
      waiting > 0
        ? `${grouped(waiting)} ${waiting === 1 ? 'incident' : 'incidents'} acknowledged.`
        : id === 'all'
          ? 'There was nothing to acknowledge.'
          : `${id} was acknowledged before.`;
    const text = `${done} ${left === 0 ? 'None is' : `${grouped(left)} ${left === 1 ? 'is' : 'are'}`} left to acknowledge; the state is ${status.state}.\n`;
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : text);
    return 0;
  },
};
