// Knows: the words and options of `leakguard report`. Must not know: how the past is kept, how a format is written.
// What is printed is what the daemon tells, under the privacy in force.

import { INCIDENTS_MOST } from '../../../src/api/words.ts';
import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo, ExitCode } from '../command.ts';
import type { Report } from '../../report/report-formats.ts';
import { REPORTS } from '../../report/report.ts';

const HELP = `leakguard report: what Eve knows, from everything that escaped

  leakguard report [options]

  --since T      24h, 7d, or a time such as 2026-01-31T08:00Z (default 24h)
  --until T      the same (default now)
  --client MAC   only this laptop
  --rule A       only this rule, A to F or T
  --format F     text, json, csv, html (one page, nothing is fetched) or eve (JSON lines as Suricata writes alerts)
  --json         the same as --format json
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit: 0 no leak escaped, 1 something did, 2 usage, 3 no daemon.
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
      `--format ${format} is no format.`,
      'Say text, json, csv, html or eve.',
    );
  const now = Date.now();
  const until = values.until === undefined ? now : timeOf(values.until, now, '--until');
  const since = timeOf(values.since, now, '--since');
  if (since >= until) throw new CommandError(2, 'usage', '--since is not before --until.');
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
    client.ask('incidents', { query: { ...question, limit: String(INCIDENTS_MOST) } }),
    client.ask('timeline', { query: span }),
  ]);
  const report: Report = { dossier, incidents, timeline };
  io.stdout.write(REPORTS[format].write(report));
  return report.dossier.escaped > 0 ? 1 : 0;
}

function isFormat(text: string): text is keyof typeof REPORTS {
  return Object.hasOwn(REPORTS, text);
}

/** `24h` is so long before now; anything else is a date. */
function timeOf(text: string, now: number, option: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : now - Number(count) * (UNITS[unit] ?? 0);
  if (!Number.isNaN(time)) return time;
  throw new CommandError(2, 'usage', `${option} ${text} is no time.`, 'Say 24h, 7d, or 2026-01-31T08:00Z.');
}
