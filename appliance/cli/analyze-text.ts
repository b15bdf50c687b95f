// Knows: how the report of a capture reads for people. Must not know: how it came about.
// The most important line comes first: whether anything leaked. Colour is not used, so nothing depends on it.

import type { AnalysisReport } from '../../src/analysis/analysis.ts';
import type { CountedName } from '../../src/analysis/analysis-names.ts';

/** What a capture holds and was not read; `what` is the fault's code, `packets` or `stopped`. */
export interface LostPart {
  readonly what: string;
  readonly message: string;
  readonly packets?: number;
  readonly bytes?: number;
}

/** The report with how it was read. */
export interface ReadReport extends AnalysisReport {
  /** All that the capture holds was read: only then is "no leak" a verdict. */
  readonly complete: boolean;
  readonly lost: readonly LostPart[];
  /** What was taken off every frame. */
  readonly behind: readonly string[];
}

const BAR = 24;
const MOST_INCIDENTS = 20;
const MOST_NAMES = 20;

/** The report as text for a terminal of 100 columns. */
export function analysisText(report: ReadReport): string {
  const { leak, tunnel, essential, allowed, others } = report.verdicts;
  const lines = [
    headLine(report, leak),
    ...report.lost.map(({ message }) => `not read: ${message}`),
    ...(report.behind.length > 0 ? [`read without what wraps every frame: ${report.behind.join(', ')}`] : []),
    `tunnel ${tunnel}, essential traffic ${essential}, allowed ${allowed}, leak ${leak}${others === undefined ? '' : `, sent by others ${others}`}; ` +
      `${report.bytes} bytes in ${report.seconds.toFixed(1)} s of traffic, read in ${report.elapsedMs} ms`,
    ...tunnelLines(report),
    ...section('kinds', kindLines(report)),
    ...section('incidents', incidentLines(report)),
    ...section('names that Eve reads', nameLines(report.names)),
    ...section('names in answers, whose question was not seen', nameLines(report.answered)),
    ...section('not told', limitLines(report)),
  ];
  return `${lines.join('\n')}\n`;
}

function headLine({ packets, file, complete, rules }: ReadReport, leak: number): string {
  if (leak > 0) {
    const more = complete ? '' : ', and not all could be read';
    return `LEAK: ${leak} of ${packets} frames went past the tunnel${more} (${file})`;
  }
  if (!complete)
    return `INCOMPLETE: no leak in the ${packets} frames that could be read, which says nothing of the rest (${file})`;
  const warned = (rules.T ?? 0) > 0 ? ', but the network pulls traffic out of tunnels (rule T)' : '';
  return `no leak in ${packets} frames${warned} (${file})`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function tunnelLines(report: AnalysisReport): string[] {
  if (report.tunnels.length === 0) return ['no tunnel is known: give --tunnel, --policy or --learn'];
  return report.tunnels.map(
    ({ protocol, endpoint, packets, learned }) =>
      `tunnel ${endpoint} (${protocol}${learned ? ', learned' : ''}): ${packets} frames`,
  );
}

function kindLines({ kinds }: AnalysisReport): string[] {
  const entries = Object.entries(kinds).sort(([, a], [, b]) => b - a);
  const most = entries[0]?.[1] ?? 1;
  return entries.map(([kind, frames]) => {
    const bar = '#'.repeat(Math.max(1, Math.round((frames / most) * BAR))).padEnd(BAR);
    return `${kind.padEnd(11)} ${bar} ${frames}`;
  });
}

function incidentLines({ incidents }: AnalysisReport): string[] {
  const lines = [...incidents]
    .sort((a, b) => severityOrder(a.severity) - severityOrder(b.severity) || b.escaped - a.escaped)
    .slice(0, MOST_INCIDENTS)
    .map(
      ({ rule, severity, escaped, client, why }) =>
        `${severity.padEnd(5)} ${rule}  ${escaped}×  ${client}  ${why}`,
    );
  if (incidents.length > MOST_INCIDENTS)
    lines.push(`and ${incidents.length - MOST_INCIDENTS} more (see --json)`);
  return lines;
}

function severityOrder(severity: 'red' | 'amber'): number {
  return severity === 'red' ? 0 : 1;
}

function nameLines(names: readonly CountedName[]): string[] {
  const lines = [...names]
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_NAMES)
    .map(
      ({ name, via, count, outer }) =>
        `${via.padEnd(5)} ${name}${outer === true ? ' (outer)' : ''}  ${count}×`,
    );
  if (names.length > MOST_NAMES) lines.push(`and ${names.length - MOST_NAMES} more (see --json)`);
  return lines;
}

function limitLines({ limits }: AnalysisReport): string[] {
  const told: readonly (readonly [number, string])[] = [
    [limits.incidentsDropped, 'leak frames found no room in the list of incidents'],
    [limits.namesDropped, 'names found no room'],
    [limits.flowsEvicted, 'flows were forgotten for newer ones'],
    [limits.streamsRefused, 'pieces of TCP streams were given up'],
    [limits.fragmentsEvicted, 'fragmented packets were given up'],
  ];
  return told.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}
