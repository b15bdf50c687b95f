// A report as one self-contained HTML page, with the timeline as SVG. Names come from the wire: every text is escaped, and the
// page's Content Security Policy allows no script and no request.

import type { DossierSite, GapView, Timeline, TimelineState } from '../../src/api/past.ts';
import { RULE_TEXTS, SYSTEMS } from '../../src/guard/incidents/rule-texts.ts';
import { placeText, printable } from '../../src/api/shown.ts';
import type { AllowedView, IncidentView } from '../../src/api/status.ts';
import type { Rule } from '../../src/policy/verdict.ts';
import { ALLOWED_TITLE, allowedWords, noLeakWords, rulesOf } from './report-formats.ts';
import type { Report } from './report-formats.ts';

const WIDTH = 960;
const HEIGHT = 120;
const STRIP = 16;

const TONES: Readonly<Record<TimelineState, string>> = {
  clear: '#2e7d32',
  blocked: '#7cb342',
  idle: '#f9a825',
  setup: '#f9a825',
  pass: '#6a1b9a',
  starting: '#9e9e9e',
  off: '#e0e0e0',
  blind: '#212121',
  leaking: '#c62828',
  breach: '#880e4f',
};

const SOURCES =
  '<p>Network operators: data from Route Views (routeviews.org) and <a href="https://db-ip.com">DB-IP</a> (CC BY 4.0)</p>';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}
svg{width:100%;height:auto}.red{color:#b71c1c;font-weight:bold}`;

/**
 * The complete HTML document, ending in a line feed, with all incidents of the report. It loads nothing and runs no script; every text in
 * it is escaped.
 */
export function reportHtml({ dossier, incidents, timeline }: Report): string {
  const verdict =
    dossier.escaped === 0
      ? text(noLeakWords(dossier))
      : `<span class="red">${String(dossier.escaped)} frames escaped outside the tunnel.</span>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Leakguard report</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Leakguard report</h1>
<p>${text(dossier.from ?? 'From the beginning')} to ${text(dossier.to)}, privacy ${text(dossier.privacy)}</p>
<p>${verdict} ${String(dossier.blocked)} frames were stopped.${dossier.truncated ? ' There is more data than this report covers: it shows the newest.' : ''}</p>
<h2>Timeline</h2>
${timelineSvg(timeline)}
<h2>What Eve can conclude</h2>
<ul>${dossier.conclusions.map((line) => `<li>${text(line)}</li>`).join('\n')}</ul>
${dossier.tunnels.some(({ operator }) => operator !== null) ? SOURCES : ''}
${gapList(dossier.gaps)}
${siteTable('Sites', dossier.sites)}
${siteTable('Destinations without a name', dossier.destinations)}
${siteTable('Multicast groups', dossier.groups ?? [])}
${allowedTable(dossier.allowed)}
${incidentTable(incidents)}
${remedies(rulesOf(incidents))}
</body>
</html>
`;
}

/** For each bucket, bars for escaped frames (red or amber) and stopped frames (green) above a strip in the state's colour, with a tooltip. */
function timelineSvg({ from, to, buckets }: Timeline): string {
  const width = WIDTH / Math.max(1, buckets.length);
  const height = HEIGHT - STRIP;
  const largest = Math.max(
    1,
    ...buckets.map((b) => b.redEscaped + b.amberEscaped + b.redBlocked + b.amberBlocked),
  );
  // The scale is logarithmic: a single escaped frame beside a million others must remain visible.
  const scaled = (frames: number): number =>
    frames === 0 ? 0 : Math.max(2, (Math.log1p(frames) / Math.log1p(largest)) * height);
  const bars = buckets.map((bucket, index) => {
    const x = (index * width).toFixed(2);
    const [escaped, blocked] = [
      bucket.redEscaped + bucket.amberEscaped,
      bucket.redBlocked + bucket.amberBlocked,
    ];
    const tone = bucket.redEscaped > 0 ? TONES.leaking : TONES.idle;
    const bar = (frames: number, fill: string): string => {
      const barHeight = scaled(frames);
      return barHeight === 0 ? '' : rect(x, height - barHeight, width, barHeight, fill);
    };
    const tooltip = `${bucket.from}: ${bucket.state}, tunnel ${bucket.tunnel}, block ${bucket.block}${bucket.pass ? ', pass' : ''}; escaped ${String(escaped)}, stopped ${String(blocked)}, not inspected ${String(bucket.unseen)}`;
    return `<g><title>${text(tooltip)}</title>${bar(blocked, TONES.blocked)}${bar(escaped, tone)}${rect(x, height, width, STRIP, TONES[bucket.state])}</g>`;
  });
  const label = `Timeline from ${from} to ${to}`;
  return `<svg viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${text(label)}">${bars.join('')}</svg>`;
}

function rect(x: string, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${x}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" fill="${fill}"/>`;
}

function gapList(gaps: readonly GapView[]): string {
  if (gaps.length === 0) return '';
  return `<h2>When the tunnel was silent</h2>
<ul>${gaps.map((gap) => `<li>${text(gap.text)}</li>`).join('\n')}</ul>`;
}

function siteTable(title: string, sites: readonly DossierSite[]): string {
  if (sites.length === 0) return '';
  const rows = sites.map(
    ({ site, words, clients, first, last }) =>
      `<tr>${cells(site, words, clients.join(', '), first, last)}</tr>`,
  );
  return `<h2>${text(title)}</h2>
<table><tr><th>what</th><th>how often</th><th>by</th><th>first</th><th>last</th></tr>
${rows.join('\n')}</table>`;
}

function allowedTable(allowed: AllowedView | undefined): string {
  if (allowed === undefined) return '';
  const rows = allowed.rows.map(
    (row) =>
      `<tr>${cells(row.name, placeText(row), row.client, String(row.connections), String(row.frames), row.first, row.last)}</tr>`,
  );
  const table =
    rows.length === 0
      ? ''
      : `\n<table><tr><th>name</th><th>to</th><th>by</th><th>connections</th><th>frames</th><th>first</th><th>last</th></tr>\n${rows.join('\n')}</table>`;
  return `<h2>${ALLOWED_TITLE}</h2>\n<p>${text(allowedWords(allowed))}</p>${table}`;
}

function incidentTable(incidents: readonly IncidentView[]): string {
  if (incidents.length === 0) return '';
  const rows = incidents.map(
    ({ last, rule, severity, escaped, blocked, why }) =>
      `<tr>${cells(last, rule, severity, String(escaped), String(blocked), why)}</tr>`,
  );
  return `<h2>Incidents</h2>
<table><tr><th>last</th><th>rule</th><th>severity</th><th>escaped</th><th>stopped</th><th>why</th></tr>
${rows.join('\n')}</table>`;
}

function remedies(rules: readonly Rule[]): string {
  if (rules.length === 0) return '';
  const sections = rules.map((rule) => {
    const { title, remedy, systems } = RULE_TEXTS[rule];
    const list = SYSTEMS.map((system) => `<li>${text(`${system}: ${systems[system]}`)}</li>`).join('\n');
    return `<h3>${text(`${rule}: ${title}`)}</h3>\n<p>${text(remedy)}</p>\n<ul>${list}</ul>`;
  });
  return `<h2>What to do</h2>\n${sections.join('\n')}`;
}

function cells(...values: readonly string[]): string {
  return values.map((value) => `<td>${text(value)}</td>`).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function text(value: string): string {
  return printable(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
