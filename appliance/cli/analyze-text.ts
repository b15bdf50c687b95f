// The report of a capture as text. The first line says whether anything leaked. No colour is used.

import type { AnalysisReport } from '../../src/analysis/analysis.ts';
import type { CountedName } from '../../src/analysis/analysis-names.ts';

/**
 * A part of the capture that was not read; `what` is the error's code, `packets` or `stopped`. `packets` and `bytes`: how much, where that
 * is known.
 */
export interface LostPart {
  readonly what: string;
  readonly message: string;
  readonly packets?: number;
  readonly bytes?: number;
}

/** The report, and how much of the capture it covers. */
export interface ReadReport extends AnalysisReport {
  /** The whole capture was read: only then may the report say "no leak". */
  readonly complete: boolean;
  readonly lost: readonly LostPart[];
  /** The encapsulations that were removed from every frame. */
  readonly behind: readonly string[];
}

const BAR = 24;
const INCIDENTS_SHOWN = 20;
const NAMES_SHOWN = 20;

/**
 * The report as text for a terminal of 100 columns, without colour, ending in a line feed. Lists at most 20 incidents and 20 names, and
 * says how many more there are.
 */
export function analysisText(report: ReadReport): string {
  const { leak, tunnel, essential, allowed, others } = report.verdicts;
  const lines = [
    headLine(report, leak),
    ...report.lost.map(({ message }) => `not read: ${message}`),
    ...(report.behind.length > 0
      ? [`encapsulation removed from every frame: ${report.behind.join(', ')}`]
      : []),
    `tunnel ${tunnel}, essential traffic ${essential}, allowed ${allowed}, leak ${leak}${others === undefined ? '' : `, sent by others ${others}`}; ` +
      `${report.bytes} bytes in ${report.seconds.toFixed(1)} s of traffic, read in ${report.elapsedMs} ms`,
    ...tunnelLines(report),
    ...section('kinds', kindLines(report)),
    ...section('incidents', incidentLines(report)),
    ...section('names that Eve can read', nameLines(report.names)),
    ...section('names in answers whose query was not seen', nameLines(report.answered)),
    ...section('left out', limitLines(report)),
  ];
  return `${lines.join('\n')}\n`;
}

function headLine({ packets, file, complete, rules }: ReadReport, leak: number): string {
  if (leak > 0) {
    const more = complete ? '' : ', and part of the capture could not be read';
    return `LEAK: ${leak} of ${packets} frames left outside the tunnel${more} (${file})`;
  }
  if (!complete)
    return `INCOMPLETE: no leak in the ${packets} frames that could be read; the rest is unknown (${file})`;
  const warned = (rules.T ?? 0) > 0 ? ', but the network tries to pull traffic out of tunnels (rule T)' : '';
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
  const largest = entries[0]?.[1] ?? 1;
  return entries.map(([kind, frames]) => {
    const bar = '#'.repeat(Math.max(1, Math.round((frames / largest) * BAR))).padEnd(BAR);
    return `${kind.padEnd(11)} ${bar} ${frames}`;
  });
}

function incidentLines({ incidents }: AnalysisReport): string[] {
  const lines = [...incidents]
    .sort((a, b) => severityOrder(a.severity) - severityOrder(b.severity) || b.escaped - a.escaped)
    .slice(0, INCIDENTS_SHOWN)
    .map(
      ({ rule, severity, escaped, client, why }) =>
        `${severity.padEnd(5)} ${rule}  ${escaped}×  ${client}  ${why}`,
    );
  if (incidents.length > INCIDENTS_SHOWN)
    lines.push(`and ${incidents.length - INCIDENTS_SHOWN} more (see --json)`);
  return lines;
}

function severityOrder(severity: 'red' | 'amber'): number {
  return severity === 'red' ? 0 : 1;
}

function nameLines(names: readonly CountedName[]): string[] {
  const lines = [...names]
    .sort((a, b) => b.count - a.count)
    .slice(0, NAMES_SHOWN)
    .map(
      ({ name, via, count, outer }) =>
        `${via.padEnd(5)} ${name}${outer === true ? ' (outer)' : ''}  ${count}×`,
    );
  if (names.length > NAMES_SHOWN) lines.push(`and ${names.length - NAMES_SHOWN} more (see --json)`);
  return lines;
}

function limitLines({ limits }: AnalysisReport): string[] {
  const counts: readonly (readonly [number, string])[] = [
    [limits.incidentsDropped, 'leak frames did not fit in the list of incidents'],
    [limits.namesDropped, 'names did not fit'],
    [limits.flowsEvicted, 'flows were evicted to make room for newer ones'],
    [limits.streamsRefused, 'TCP stream segments were dropped'],
    [limits.fragmentsEvicted, 'fragmented packets were dropped'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}
