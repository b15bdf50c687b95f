// The status as text for a terminal: the state first, then the reason, then the figures.
// Every text goes through `printable`: a name from the wire may contain terminal escape sequences.

import { placeText, printable, serverText } from '../../src/api/shown.ts';
import type { IncidentView, Status } from '../../src/api/status.ts';
import type { State } from '../../src/api/words.ts';
import { bar, clockTime, cut, grouped, padded } from './terminal.ts';
import type { Style, Tone } from './terminal.ts';

/** Either the mark or the colour alone identifies how alarming the state is. */
const STATE_MARKS: Readonly<Record<State, readonly [mark: string, tone: Tone]>> = {
  clear: ['✔', 'green'],
  blocked: ['▣', 'green'],
  leaking: ['✖', 'red'],
  breach: ['‼', 'red'],
  blind: ['?', 'red'],
  pass: ['◐', 'amber'],
  idle: ['–', 'amber'],
  setup: ['+', 'amber'],
  starting: ['…', 'dim'],
};

/** Mark and colour of the state. `clear` with an amber LED means a minor leak and is not shown green. */
export function stateMark({ state, lamp }: Status): readonly [mark: string, tone: Tone] {
  return state === 'clear' && lamp === 'amber' ? ['▲', 'amber'] : STATE_MARKS[state];
}

const BAR_WIDTH = 24;
const INCIDENTS_SHOWN = 10;
const ALLOWED_SHOWN = 5;
const KINDS_SHOWN = 8;

/** The whole screen, ending in a line feed; `now` decides which times need a date. */
export function statusScreen(status: Status, style: Style, now: Date): string {
  const shown = printable(status);
  return [
    headline(shown, style, now),
    ledger(shown, style),
    tunnels(shown, style, now),
    meshes(shown, style, now),
    incidents(shown, style, now),
    allowed(shown, style, now),
    health(shown, style, now),
    kinds(shown, style),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** One incident as one line: `12:00:00  ✖ got out 3        A dns    what is exposed, or the destination`. */
export function incidentLine(incident: IncidentView, style: Style, now: Date): string {
  const shown = printable(incident);
  const [label, tone] = outcome(shown);
  const cells = `${clockTime(shown.last, now)}  ${style.paint(tone, label.padEnd(16))} ${shown.rule} ${shown.kind.padEnd(6)} `;
  const room = style.columns - (clockTime(shown.last, now).length + label.padEnd(16).length + 13);
  const text = shown.exposure === '' ? shown.destination : shown.exposure;
  return `${cells} ${cut(text, Math.max(24, room))}${shown.acknowledged ? style.paint('dim', ' acknowledged') : ''}\n`;
}

function outcome(incident: IncidentView): readonly [string, Tone] {
  if (incident.breach) return [`‼ breach ${grouped(incident.escaped)}`, 'red'];
  const amber = incident.severity === 'amber';
  if (incident.escaped > 0)
    return [`${amber ? '▲' : '✖'} got out ${grouped(incident.escaped)}`, amber ? 'amber' : 'red'];
  if (incident.blocked > 0) return [`▣ stopped ${grouped(incident.blocked)}`, 'green'];
  return [`… attempted ${grouped(incident.attempted)}`, 'amber'];
}

function headline(status: Status, { paint }: Style, now: Date): string {
  const [mark, tone] = stateMark(status);
  const block = status.blockMode ? paint('green', 'block mode on') : 'block mode off';
  const pass = status.passUntil === null ? '' : ` · pass until ${clockTime(status.passUntil, now)}`;
  const direct = status.direct === undefined ? '' : `, direct: ${status.direct}`;
  return (
    `${paint(tone, `${mark} ${status.state.toUpperCase()}`)}  ${paint('bold', status.why)}\n` +
    `  since ${clockTime(status.since, now)} · ${block} · ${status.profile}${direct}${pass}\n`
  );
}

function ledger({ ledger: counted }: Status, { paint }: Style): string {
  const largest = Math.max(counted.attempted, counted.escaped, counted.blocked, counted.unseen);
  const rows: (readonly [string, number, Tone])[] = [
    ['got out', counted.escaped, counted.escaped > 0 ? 'red' : 'green'],
    ['stopped', counted.blocked, 'green'],
    ['attempted', counted.attempted, 'plain'],
    ['not inspected', counted.unseen, counted.unseen > 0 ? 'amber' : 'plain'],
  ];
  const width = Math.max(...rows.map(([, count]) => grouped(count).length));
  return rows
    .map(([name, count, tone]) => {
      const figure = `${name.padEnd(14)} ${grouped(count).padStart(width)}`;
      return `  ${paint(tone, figure)}  ${paint(tone, bar(count, largest, BAR_WIDTH))}`.trimEnd() + '\n';
    })
    .join('');
}

function tunnels(status: Status, { paint }: Style, now: Date): string {
  if (status.tunnels.length === 0) return `${paint('bold', 'Tunnels')}\n  none configured\n`;
  const words = { up: 'up', stale: 'quiet', down: 'not seen' } as const;
  const tones = { up: 'green', stale: 'amber', down: 'dim' } as const;
  const cells = padded(
    status.tunnels.map((tunnel) => [tunnel.name, tunnel.protocol, serverText(tunnel), '']),
  );
  const lines = status.tunnels.map((tunnel, index) => {
    const unproven = tunnel.source === 'answer' && tunnel.proven === false;
    const seen = tunnel.lastSeen === null ? 'never seen' : `last seen ${clockTime(tunnel.lastSeen, now)}`;
    const tail = tunnel.state === 'up' ? '' : ` (${seen})`;
    const doubt = unproven
      ? `\n    ${paint('amber', "the server's address comes from DNS answers on the wire; no handshake has confirmed it yet")}`
      : '';
    const limits = tunnel.limits === undefined ? '' : `\n    ${paint('amber', tunnel.limits)}`;
    const list = tunnel.listIsOld === true ? ', which is outdated: import a new one' : '';
    const listed =
      tunnel.listed === undefined
        ? ''
        : `\n    ${paint(list === '' ? 'dim' : 'amber', `servers from a list dated ${tunnel.listed}${list}`)}`;
    return `  ${(cells[index] ?? []).join('  ')}${paint(tones[tunnel.state], words[tunnel.state])}${tail}${doubt}${listed}${limits}\n`;
  });
  return `${paint('bold', 'Tunnels')}\n${lines.join('')}`;
}

function meshes({ meshes: seen = [] }: Status, { paint }: Style, now: Date): string {
  if (seen.length === 0) return '';
  const lines = seen.map(
    ({ name, how, seen: at, words, trusted }) =>
      `  ${paint(trusted ? 'plain' : 'amber', name)}  ${how}, ${clockTime(at, now)}\n    ${words}\n`,
  );
  return `${paint('bold', 'Meshes')}\n${lines.join('')}`;
}

function incidents(status: Status, style: Style, now: Date): string {
  if (status.incidents.length === 0) return '';
  const waiting = status.unacknowledged > 0 ? ` (${grouped(status.unacknowledged)} to acknowledge)` : '';
  const lines = status.incidents
    .slice(0, INCIDENTS_SHOWN)
    .map((incident) => `  ${incidentLine(incident, { ...style, columns: style.columns - 2 }, now)}`);
  const more = status.incidents.length - INCIDENTS_SHOWN;
  const rest = more > 0 ? `  and ${grouped(more)} more: leakguard status --json\n` : '';
  return `${style.paint('bold', 'Incidents')}${waiting}\n${lines.join('')}${rest}`;
}

/** Direct traffic that the profile allows is not a leak; without this part the screen would suggest that nothing else had left. */
function allowed({ allowed: seen }: Status, { paint }: Style, now: Date): string {
  if (seen === undefined) return '';
  const totals = `${grouped(seen.connections)} connections or queries, ${grouped(seen.frames)} frames since ${clockTime(seen.since, now)}`;
  const cells = padded(
    seen.rows
      .slice(0, ALLOWED_SHOWN)
      .map((row) => [
        row.name === '' ? '(no name)' : row.name,
        placeText(row),
        `${grouped(row.frames)} frames`,
      ]),
  );
  const lines = cells.map((row) => `  ${row.join('  ').trimEnd()}\n`);
  const left = seen.rows.length + seen.more - lines.length;
  const rest = left > 0 ? `  and ${grouped(left)} more: leakguard report\n` : '';
  return `${paint('bold', 'Allowed by profile')}: not leaks, but readable on the wire\n  ${totals}\n${lines.join('')}${rest}`;
}

function health({ health: seen }: Status, { paint }: Style, now: Date): string {
  const good = (ok: boolean, text: string): string => (ok ? text : paint('red', text));
  const taps = seen.taps.map((tap) => {
    const detail = tap.state === 'up' || tap.detail === '' ? '' : ` (${tap.detail})`;
    return good(tap.state === 'up', `tap ${tap.interface} ${tap.state}${detail}`);
  });
  const rules = seen.ruleset.detail === '' || seen.ruleset.verified ? '' : ` (${seen.ruleset.detail})`;
  const parts = [
    ...(taps.length === 0 ? [paint('red', 'no tap')] : taps),
    good(seen.ruleset.verified, `rules ${seen.ruleset.verified ? 'verified' : 'not verified'}${rules}`),
    ...(seen.ruleset.shape === undefined ? [] : [`shape of the rules: ${seen.ruleset.shape}`]),
    ...(seen.proof === undefined
      ? []
      : [
          good(
            seen.proof.at !== null,
            `test leak ${seen.proof.at === null ? 'not caught' : `caught ${clockTime(seen.proof.at, now)}`}`,
          ),
        ]),
    good(seen.counters.readable, `counters ${seen.counters.readable ? 'read' : 'not readable'}`),
  ];
  const folded = seen.limits.incidentsFolded + seen.limits.observationsFolded;
  if (folded > 0) parts.push(paint('amber', `${grouped(folded)} aggregated during a flood`));
  const warnings = seen.warnings.map((warning) => `  ${paint('amber', warning)}\n`).join('');
  return `${paint('bold', 'Self-check')}\n  ${parts.join(' · ')}\n${warnings}`;
}

function kinds({ counters }: Status, { paint }: Style): string {
  const ranked = Object.entries(counters)
    .filter(([, frames]) => frames > 0)
    .sort(([, a], [, b]) => b - a);
  if (ranked.length === 0) return '';
  const largest = ranked[0]?.[1] ?? 1;
  const shown = ranked.slice(0, KINDS_SHOWN);
  const width = Math.max(...shown.map(([, frames]) => grouped(frames).length));
  const lines = shown.map(
    ([kind, frames]) =>
      `  ${kind.padEnd(14)} ${grouped(frames).padStart(width)}  ${paint('dim', bar(frames, largest, BAR_WIDTH))}\n`,
  );
  const more = ranked.length - shown.length;
  return `${paint('bold', 'Frames by kind')}\n${lines.join('')}${more > 0 ? `  and ${more} more kinds\n` : ''}`;
}
