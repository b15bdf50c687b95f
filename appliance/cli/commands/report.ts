// `leakguard report`: prints the daemon's history and dossier, redacted under the privacy setting in force.

import { MAX_INCIDENTS } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import type { Report } from '../../report/report-formats.ts';
import { REPORTS } from '../../report/report.ts';

const HELP = `leakguard report: what Eve, an eavesdropper behind the box, knows from everything that escaped

  leakguard report [options]

  --since T      24h, 7d, or a time such as 2026-01-31T08:00Z (default 24h)
  --until T      likewise (default now)
  --client MAC   only this laptop
  --rule A       only this rule, A to F or T
  --format F     text, json, csv, html (one self-contained page) or eve (JSON lines in the format of Suricata's alerts)
  --json         same as --format json
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 no leak escaped, 1 leaks escaped, 2 usage error, 3 no daemon.
`;

const OPTIONS = {
  ...API_OPTIONS,
  since: { type: 'string', default: '24h' },
  until: { type: 'string' },
  client: { type: 'string' },
  rule: { type: 'string' },
  format: { type: 'string', default: 'text' },
} as const;

const BUCKETS = '240';
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export const reportCommand: Command = {
  name: 'report',
  summary: '[--since 24h] [--format text|json|csv|html|eve]: what Eve knows',
  help: HELP,
  run,
};

async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values } = readArguments('report', args, OPTIONS);
  const format = values.json ? 'json' : values.format;
  if (!isFormat(format))
    throw new CommandError(
      2,
      'usage',
      `--format ${format} is not a known format.`,
      'Use text, json, csv, html or eve.',
    );
  const now = Date.now();
  const until = values.until === undefined ? now : timeOf(values.until, now, '--until');
  const since = timeOf(values.since, now, '--since');
  if (since >= until) throw new CommandError(2, 'usage', '--since must be before --until.');
  const question = {
    since: String(since),
    until: String(until),
    ...(values.client === undefined ? {} : { client: values.client }),
    ...(values.rule === undefined ? {} : { rule: values.rule.toUpperCase() }),
  };
  const client = daemonAt(values.api);
  const span = { from: String(since), to: String(until), buckets: BUCKETS };
  const [dossier, { incidents }, timeline] = await Promise.all([
    client.ask('dossier', { query: question }),
    client.ask('incidents', { query: { ...question, limit: String(MAX_INCIDENTS) } }),
    client.ask('timeline', { query: span }),
  ]);
  const report: Report = { dossier, incidents, timeline };
  io.stdout.write(REPORTS[format].write(report));
  return report.dossier.escaped > 0 ? 1 : 0;
}

function isFormat(text: string): text is keyof typeof REPORTS {
  return Object.hasOwn(REPORTS, text);
}

/** Parses `24h` as that long before `now`, anything else as a date; returns wall-clock milliseconds. */
function timeOf(text: string, now: number, option: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : now - Number(count) * (UNITS[unit] ?? 0);
  if (!Number.isNaN(time)) return time;
  throw new CommandError(
    2,
    'usage',
    `${option} ${text} is not a valid time.`,
    'Use a form such as 24h, 7d, or 2026-01-31T08:00Z.',
  );
}
