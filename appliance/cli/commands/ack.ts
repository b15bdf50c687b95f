// `leakguard ack`.

import type { ApiClient } from '../../../src/api/client.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command } from '../command.ts';
import { grouped } from '../terminal.ts';

const HELP = `leakguard ack: acknowledge incidents, so that the light no longer shows them

  leakguard ack [all]   all incidents
  leakguard ack --tunnel NAME   what was this tunnel's own traffic, from before it was trusted
  leakguard ack ID      one incident, by the id that "leakguard status --json" and "watch" show

  --json         print the resulting status as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 success, 2 no such incident, 3 no daemon.
`;

const OPTIONS = { ...API_OPTIONS, tunnel: { type: 'string' } } as const;

export const ackCommand: Command = {
  name: 'ack',
  summary: '[ID|all|--tunnel NAME]: acknowledge incidents',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('ack', args, OPTIONS, 1);
    const { api, tunnel: name } = values;
    if (name !== undefined && positionals.length > 0)
      throw new CommandError(
        2,
        'usage',
        'An incident and --tunnel exclude each other.',
        'See "leakguard ack --help".',
      );
    const [id = 'all'] = positionals;
    const daemon = daemonAt(api);
    const waiting = await waitingOf(daemon, id, name);
    const status =
      name === undefined
        ? await daemon.ask('acknowledge', { body: { id } })
        : await daemon.ask('acknowledgeTunnel', { params: { name } });
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

/** How many incidents the command will acknowledge: the tunnel's own, one, or all. */
async function waitingOf(daemon: ApiClient, id: string, tunnelName: string | undefined): Promise<number> {
  if (tunnelName === undefined && id !== 'all')
    return Number(!(await daemon.ask('incident', { params: { id } })).acknowledged);
  const { unacknowledged, tunnels } = await daemon.ask('status');
  if (tunnelName === undefined) return unacknowledged;
  return tunnels.find(({ name }) => name === tunnelName)?.explained ?? 0;
}
