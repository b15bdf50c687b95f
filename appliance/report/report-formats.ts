// A report as text, JSON, CSV (RFC 4180) and EVE JSON lines (the format of Suricata's alerts).
// Names come from the wire: terminal control characters and spreadsheet formulas in them are made harmless.

import type { Dossier, DossierSite, Timeline } from '../../src/api/past.ts';
import { RULE_TEXTS, SYSTEMS } from '../../src/guard/incidents/rule-texts.ts';
import { RULES } from '../../src/policy/verdict.ts';
import { placeText, printable } from '../../src/api/shown.ts';
import type { AllowedRow, AllowedView, IncidentView } from '../../src/api/status.ts';
import type { Rule } from '../../src/policy/verdict.ts';
import { grouped, padded } from './columns.ts';

/** What all formats are made from, as the privacy in force shows it. */
export interface Report {
  readonly dossier: Dossier;
  /** Newest first, at most MAX_INCIDENTS. */
  readonly incidents: readonly IncidentView[];
  readonly timeline: Timeline;
}

const SITES_SHOWN = 40;
const INCIDENTS_SHOWN = 40;
const ALLOWED_SHOWN = 40;

/**
 * The report as plain text, ending in a line feed; times in ISO 8601. Lists at most 40 sites, incidents and rows of allowed traffic.
 * Control characters in names are made harmless.
 */
export function reportText({ dossier, incidents }: Report): string {
  const { from, to, escaped, blocked } = dossier;
  const more = dossier.truncated ? ['There is more data than this report covers: it shows the newest.'] : [];
  const lines = [
    `${from ?? 'the beginning'} to ${to}, privacy ${dossier.privacy}`,
    escaped === 0 ? noLeakWords(dossier) : `ESCAPED: ${grouped(escaped)} frames left outside the tunnel`,
    `stopped: ${grouped(blocked)} frames`,
    ...more,
    ...section('What Eve can conclude', dossier.conclusions),
    ...section(
      'When the tunnel was silent',
      dossier.gaps.map(({ text }) => text),
    ),
    ...section('Sites', table(dossier.sites)),
    ...section('Destinations without a name', table(dossier.destinations)),
    ...section('Multicast groups', table(dossier.groups ?? [])),
    ...section(ALLOWED_TITLE, allowedTable(dossier.allowed)),
    ...section('Incidents', incidentLines(incidents)),
    ...section('What to do', rulesOf(incidents).flatMap(remedyLines)),
    ...more,
  ];
  return `${lines.map((line) => printable(line)).join('\n')}\n`;
}

/** The last line of a list that leaves out so many. */
function andMore(left: number): string[] {
  return left > 0 ? [`and ${grouped(left)} more`] : [];
}

function incidentLines(incidents: readonly IncidentView[]): string[] {
  const left = incidents.length - INCIDENTS_SHOWN;
  return [...incidents.slice(0, INCIDENTS_SHOWN).map(incidentLine), ...andMore(left)];
}

/** Title of the section about allowed traffic, in all formats for people. */
export const ALLOWED_TITLE = 'Allowed by profile';

/**
 * The headline when no leak escaped, one or two sentences. If the profile lets other traffic go direct, it does not say "nothing"
 * (README.md, Profiles).
 */
export function noLeakWords({ allowed }: Dossier): string {
  if (allowed === undefined) return 'Nothing escaped.';
  const listed = allowed.frames === 0 ? '' : `: ${grouped(allowed.frames)} frames, listed below`;
  return `No leak escaped. The profile lets other traffic leave outside the tunnel${listed}.`;
}

/** The introduction to the direct traffic that the profile allows: since when it was recorded, and the totals. */
export function allowedWords({ since, connections, frames, more }: AllowedView): string {
  const left = more === 0 ? '' : ` ${grouped(more)} more rows did not fit.`;
  return `Not leaks, but readable on the wire. Recorded since ${since}; the record is lost at a restart. ${grouped(connections)} connections or queries, ${grouped(frames)} frames.${left}`;
}

function allowedTable(allowed: AllowedView | undefined): string[] {
  if (allowed === undefined) return [];
  const head = ['name', 'to', 'by', 'connections', 'frames', 'last'];
  const rows = allowed.rows
    .slice(0, ALLOWED_SHOWN)
    .map((row) => [
      row.name === '' ? '(no name)' : row.name,
      placeText(row),
      row.client,
      grouped(row.connections),
      grouped(row.frames),
      row.last,
    ]);
  const left = allowed.rows.length - rows.length;
  return [
    allowedWords(allowed),
    ...(rows.length === 0 ? [] : padded([head, ...rows]).map((row) => row.join('  '))),
    ...andMore(left),
  ];
}

/** The rules (A to F, T; README.md, Rules and remedies) of the incidents, each once, in the order of RULES; empty without incidents. */
export function rulesOf(incidents: readonly IncidentView[]): Rule[] {
  return RULES.filter((rule) => incidents.some((incident) => incident.rule === rule));
}

function remedyLines(rule: Rule): string[] {
  const { title, remedy, systems } = RULE_TEXTS[rule];
  return [`${rule}  ${title}. ${remedy}`, ...SYSTEMS.map((system) => `     ${system}: ${systems[system]}`)];
}

/** The report as one JSON object (RFC 8259) and a line feed: the dossier's fields, `incidents` and `timeline`. */
export function reportJson(report: Report): string {
  return `${JSON.stringify({ ...report.dossier, incidents: report.incidents, timeline: report.timeline })}\n`;
}

/** Rows of allowed traffic use the same columns and leave those empty that only a leak has. */
const CSV_ALLOWED = ['allowed_frames', 'allowed_connections'] as const;

const CSV_FIELDS = [
  ...(['id', 'first', 'last', 'severity', 'rule', 'kind', 'client', 'exposure', 'destination'] as const),
  ...(['attempted', 'escaped', 'blocked', 'acknowledged', 'breach', 'why', 'questions', 'visits'] as const),
];

/**
 * The incidents, then the allowed traffic, as CSV with a header line, each line ended by CR LF (RFC 4180 section 2). Fields that a row does
 * not have are empty; times are ISO 8601, flags `true` or `false`. A cell that a spreadsheet would take for a formula gets an apostrophe
 * before it.
 */
export function reportCsv({ dossier, incidents }: Report): string {
  const leaks = incidents.map((incident) => [
    ...CSV_FIELDS.map((field) => String(incident[field] ?? '')),
    ...CSV_ALLOWED.map(() => ''),
  ]);
  const allowed = (dossier.allowed?.rows ?? []).map((row) => {
    const { first, last, kind, client, destination, name, frames, connections } = row;
    const exposure = name === '' ? destination : name;
    const why = `allowed by the profile: ${kind} to ${placeText(row)}`;
    const fields: Partial<Record<string, string>> = { first, last, kind, client, exposure, destination, why };
    return [...CSV_FIELDS.map((field) => fields[field] ?? ''), String(frames), String(connections)];
  });
  return [[...CSV_FIELDS, ...CSV_ALLOWED], ...leaks, ...allowed]
    .map((row) => `${row.map(csvCell).join(',')}\r\n`)
    .join('');
}

/** Quotes a cell if needed. A spreadsheet takes a text that begins with one of these characters for a formula; an apostrophe prevents that. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * EVE JSON lines (Suricata's documentation, EVE JSON format): one alert for each incident, oldest first, then one flow for each row of
 * allowed traffic, likewise. `timestamp` is when it was first seen; `dest_ip` is there only where the destination is an address. Fields
 * that Suricata does not have are under `leakguard`.
 */
export function reportEve({ dossier, incidents }: Report): string {
  const alerts = incidents.toReversed().map(eveAlert);
  const flows = (dossier.allowed?.rows ?? []).toReversed().map(eveFlow);
  return [...alerts, ...flows].map((event) => `${JSON.stringify(event)}\n`).join('');
}

type EveEvent = Readonly<Record<string, unknown>>;

const isAddress = (text: string): boolean => /^[\da-f.:]+$/.test(text);

function eveFlow(row: AllowedRow): EveEvent {
  const { first, last, client, destination, transport, port, kind, frames, name, connections } = row;
  return {
    timestamp: first,
    event_type: 'flow',
    src_mac: client,
    ...(isAddress(destination) ? { dest_ip: destination } : {}),
    ...(port === null ? {} : { dest_port: port }),
    proto: transport.toUpperCase(),
    app_proto: kind,
    flow: { pkts_toserver: frames, start: first, end: last },
    leakguard: { allowed: 'by the profile', kind, destination, name, connections, frames, first, last },
  };
}

function eveAlert(incident: IncidentView): EveEvent {
  const { rule, kind, severity, why, first, destination, client, ...rest } = incident;
  return {
    timestamp: first,
    event_type: 'alert',
    src_mac: client,
    ...(isAddress(destination) ? { dest_ip: destination } : {}),
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
  };
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function table(sites: readonly DossierSite[]): string[] {
  if (sites.length === 0) return [];
  const head = ['', 'how often', 'last'];
  const rows = sites.slice(0, SITES_SHOWN).map(({ site, words, last }) => [site, words, last]);
  const left = sites.length - rows.length;
  return [...padded([head, ...rows]).map((row) => row.join('  ')), ...andMore(left)];
}

function incidentLine({ last, rule, escaped, blocked, why }: IncidentView): string {
  return `${last}  ${rule}  escaped ${grouped(escaped)}, stopped ${grouped(blocked)}  ${why}`;
}
