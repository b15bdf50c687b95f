// `leakguard watch`: reads its options and decides when it ends.

import { parseMac } from '../../../src/wire/ip/address.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, durationText, readArguments, readDuration } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import { givenPolicy, givenRelays } from '../given-policy.ts';
import { watchDaemon } from '../watch-daemon.ts';
import type { WatchOptions } from '../watch-daemon.ts';
import { candidates, showCandidates, watchInterface } from '../listen/watch-interface.ts';

/** Longest `--duration`. */
const MOST_SECONDS = 86_400;

const HELP = `leakguard watch: print incidents as they happen

  leakguard watch [--duration 15s] [--follow] [--summary-only]     what the daemon sees
  leakguard watch --iface NAME [--tunnel udp:A:P]... [--policy FILE]  what this machine sees, without a daemon
  leakguard watch --iface-diag [-v]                                 which interfaces can be listened on, or why not

  --duration 15s     how long to watch (15s, 5m, 1h; at most ${durationText(MOST_SECONDS)})
  --follow           watch until Ctrl-C
  --summary-only     print only the summary at the end
  --iface NAME       listen on this interface (needs root or CAP_NET_RAW). Run it on the laptop itself, and it also names the
                     process behind each leak and how sure that is
  --tunnel, --policy, --learn, --relays, --client MAC   as for "leakguard analyze"
  --json             print one JSON object per line: {"event": "state"|"incident"|"summary", "data": ...}
  --api SOCKET       the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 no new leak seen, 1 new leaks seen, 2 usage error, 3 no daemon, cannot capture, or some traffic was not seen.
`;

const OPTIONS = {
  ...API_OPTIONS,
  duration: { type: 'string', default: '15s' },
  follow: { type: 'boolean', default: false },
  'summary-only': { type: 'boolean', default: false },
  iface: { type: 'string' },
  'iface-diag': { type: 'boolean', default: false },
  verbose: { type: 'boolean', short: 'v', default: false },
  tunnel: { type: 'string', multiple: true },
  policy: { type: 'string' },
  learn: { type: 'boolean', default: false },
  client: { type: 'string' },
  relays: { type: 'string' },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

export const watchCommand: Command = {
  name: 'watch',
  summary: 'print incidents as they happen; with --iface, without a daemon',
  help: HELP,
  run,
};

async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = readArguments('watch', args, OPTIONS);
  if (values['iface-diag']) return showCandidates(await candidates(), values, io);
  const duration = readDuration(values.duration, '--duration', MOST_SECONDS) * 1_000;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  // Not AbortSignal.timeout: Node may garbage-collect it before it fires when only a combined signal refers to it.
  const timer = values.follow ? undefined : setTimeout(end, duration);
  io.signal.addEventListener('abort', end, { once: true });
  if (io.signal.aborted) end();
  try {
    return await watch(
      values,
      { json: values.json, summaryOnly: values['summary-only'], until: ending.signal },
      io,
    );
  } finally {
    clearTimeout(timer);
    io.signal.removeEventListener('abort', end);
  }
}

async function watch(values: Values, options: WatchOptions, io: CommandIo): Promise<ExitCode> {
  if (values.iface === undefined) {
    if (
      values.policy !== undefined ||
      values.tunnel !== undefined ||
      values.learn ||
      values.client !== undefined ||
      values.relays !== undefined
    )
      throw new CommandError(
        2,
        'usage',
        'The daemon uses its own policy and lists.',
        'Add --iface NAME to watch without the daemon.',
      );
    return watchDaemon(daemonAt(values.api), options, io);
  }
  const client = values.client === undefined ? undefined : parseMac(values.client);
  if (values.client !== undefined && client === undefined)
    throw new CommandError(
      2,
      'usage',
      `--client ${values.client} is not a valid MAC address.`,
      'Write it like 02:00:00:00:00:0c.',
    );
  const policy = await givenPolicy(values.policy, values.tunnel ?? []);
  const relays = [...(await givenRelays(values.relays))];
  return watchInterface(
    { interface: values.iface, policy, client, learn: values.learn, relays },
    options,
    io,
  );
}
