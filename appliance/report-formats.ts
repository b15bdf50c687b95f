// Knows: how a report reads as text, JSON, CSV (RFC 4180) and EVE JSON lines (as Suricata's alerts). Must not know: where it came from.
// Names come from the wire: what could move a cursor or start a formula in a spreadsheet is made harmless.

import type { Dossier, DossierSite } from '../src/guard/dossier.ts';
import { RULES, RULE_TEXTS, SYSTEMS } from '../src/guard/rule-texts.ts';
import { printable } from '../src/guard/status.ts';
import type { IncidentView } from '../src/guard/status.ts';
import type { Timeline } from '../src/guard/timeline.ts';
import type { Rule } from '../src/policy/verdict.ts';
import { grouped, padded } from './cli/terminal.ts';

export interface Report {
  readonly dossier: Dossier;
  /** Newest first. */
  readonly incidents: readonly IncidentView[];
  readonly timeline: Timeline;
}

const SITES_SHOWN = 40;
const INCIDENTS_SHOWN = 40;

export function reportText({ dossier, incidents }: Report): string {
  const { from, to, escaped, blocked } = dossier;
  const more = dossier.truncated ? ['There was more than this report looks at: it tells the newest.'] : [];
  const lines = [
    `${from ?? 'the beginning'} to ${to}, privacy ${dossier.privacy}`,
    escaped === 0 ? 'Nothing escaped.' : `ESCAPED: ${grouped(escaped)} frames past the tunnel`,
    `stopped: ${grouped(blocked)} frames`,
    ...more,
    ...section('What Eve can conclude', dossier.conclusions),
    ...section(
      'When the tunnel was silent',
      dossier.gaps.map(({ text }) => text),
    ),
    ...section('Sites', table(dossier.sites)),
    ...section('Destinations without a name', table(dossier.destinations)),
    ...section('Incidents', incidents.slice(0, INCIDENTS_SHOWN).map(incidentLine)),
    ...section('What to do', rulesOf(incidents).flatMap(remedyLines)),
    ...more,
  ];
  return `${lines.map((line) => printable(line)).join('\n')}\n`;
}

/** Rules that something was raised under, in their order. */
export function rulesOf(incidents: readonly IncidentView[]): Rule[] {
  return RULES.filter((rule) => incidents.some((incident) => incident.rule === rule));
}

function remedyLines(rule: Rule): string[] {
  const { title, remedy, systems } = RULE_TEXTS[rule];
  return [`${rule}  ${title}. ${remedy}`, ...SYSTEMS.map((system) => `     ${system}: ${systems[system]}`)];
}

export function reportJson(report: Report): string {
  return `${JSON.stringify({ ...report.dossier, incidents: report.incidents, timeline: report.timeline })}\n`;
}

const CSV_FIELDS = [
  ...(['id', 'first', 'last', 'severity', 'rule', 'kind', 'client', 'exposure', 'destination'] as const),
  ...(['attempted', 'escaped', 'blocked', 'acknowledged', 'breach', 'why', 'questions', 'visits'] as const),
];

export function reportCsv({ incidents }: Report): string {
  const rows = incidents.map((incident) =>
    CSV_FIELDS.map((field) => csvCell(String(incident[field] ?? ''))).join(','),
  );
  return [CSV_FIELDS.join(','), ...rows].map((row) => `${row}\r\n`).join('');
}

/** A spreadsheet takes what begins like this for a formula: an apostrophe makes it text. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One alert a line, oldest first; what Leakguard knows more than Suricata stands under `leakguard`. */
export function reportEve({ incidents }: Report): string {
  return incidents
    .toReversed()
    .map((incident) => {
      const { rule, kind, severity, why, first, destination, client, ...rest } = incident;
      return `${JSON.stringify({
        timestamp: first,
        event_type: 'alert',
        src_mac: client,
        ...(/^[\da-f.:]+$/.test(destination) ? { dest_ip: destination } : {}),
        app_proto: kind,
        alert: {
          action: rest.escaped > 0 ? 'allowed' : 'blocked',
          gid: 1,
          signature_id: rule.charCodeAt(0),
          rev: 1,
          signature: why,
          category: `Leakguard rule ${rule}`,
          severity: severity === 'red' ? 1 : 2,
        },
        leakguard: { rule, kind, destination, ...rest },
      })}\n`;
    })
    .join('');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function table(sites: readonly DossierSite[]): string[] {
  if (sites.length === 0) return [];
  const head = ['', 'how often', 'last'];
  const rows = sites.slice(0, SITES_SHOWN).map(({ site, words, last }) => [site, words, last]);
  const left = sites.length - rows.length;
  return [
    ...padded([head, ...rows]).map((row) => row.join('  ')),
    ...(left > 0 ? [`and ${grouped(left)} more`] : []),
  ];
}

function incidentLine({ last, rule, escaped, blocked, why }: IncidentView): string {
  return `${last}  ${rule}  escaped ${grouped(escaped)}, stopped ${grouped(blocked)}  ${why}`;
}
