// The status as text for a terminal: the state first, then the reason, then the figures.
// Every text goes through `printable`: a name from the wire may contain terminal escape sequences.

import { TUNNEL_STATE_WORDS, outcomeOf, placeText, printable, serverText } from '../../src/api/shown.ts';
import type { IncidentView, Status, TunnelView } from '../../src/api/status.ts';
import { OUTCOMES } from '../../src/api/words.ts';
import type { Outcome, State } from '../../src/api/words.ts';
import { clockTime, cut, grouped, padded } from './terminal.ts';
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

/** Mark and colour of the state: nothing is shown green while the LED is amber. */
export function stateMark({ state, lamp }: Status): readonly [mark: string, tone: Tone] {
  const [mark, tone] = STATE_MARKS[state];
  if (tone !== 'green' || lamp !== 'amber') return [mark, tone];
  return [state === 'clear' ? '▲' : mark, 'amber'];
}

const INCIDENTS_SHOWN = 10;
const ALLOWED_SHOWN = 5;

/**
 * The whole screen, ending in a line feed, with at most 10 incidents, 5 rows of allowed traffic and 8 kinds; `now` decides which times need
 * a date. Times are local; control characters in names are made harmless.
 */
export function statusScreen(status: Status, style: Style, now: Date): string {
  const shown = printable(status);
  return [
    headline(shown, style, now),
    tunnels(shown, style, now),
    meshes(shown, style, now),
    incidents(shown, style, now),
    allowed(shown, style, now),
    health(shown, style, now),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/**
 * One incident as one line with a line feed: `12:00:00 ✖ got out 3 A dns what is exposed, or the destination`. Cut to the style's columns;
 * the time is that of its last frame, local.
 */
export function incidentLine(incident: IncidentView, style: Style, now: Date): string {
  const shown = printable(incident);
  const [label, tone] = outcome(shown);
  const cells = `${clockTime(shown.last, now)}  ${style.paint(tone, label.padEnd(16))} ${shown.rule} ${shown.kind.padEnd(6)} `;
  const room = style.columns - (clockTime(shown.last, now).length + label.padEnd(16).length + 13);
  const text = shown.exposure === '' ? shown.destination : shown.exposure;
  return `${cells} ${cut(text, Math.max(24, room))}${shown.acknowledged ? style.paint('dim', ' acknowledged') : ''}\n`;
}

function outcome(incident: IncidentView): readonly [string, Tone] {
  switch (outcomeOf(incident)) {
    case 'breach':
      return [`‼ breach ${grouped(incident.escaped)}`, 'red'];
    case 'escaped':
      return [`✖ got out ${grouped(incident.escaped)}`, 'red'];
    case 'minor':
      return [`▲ got out ${grouped(incident.escaped)}`, 'amber'];
    case 'shown':
      return ['✖ shown', 'red'];
    case 'warning':
      return ['▲ warning', incident.severity === 'red' ? 'red' : 'amber'];
    case 'blocked':
      return [`▣ stopped ${grouped(incident.blocked)}`, 'green'];
    case 'seen':
      return [`… attempted ${grouped(incident.attempted)}`, 'amber'];
  }
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

const OPEN_WORDS: Readonly<Record<Outcome, string>> = {
  breach: 'got past the block',
  escaped: 'got out',
  shown: 'shown by the network',
  minor: 'minor',
  warning: 'network attacks',
  blocked: 'stopped',
  seen: 'undecided',
};

/** `3 to acknowledge: 1 got out, 2 stopped`. */
export function openWords({ unacknowledged, open }: Pick<Status, 'unacknowledged' | 'open'>): string {
  const parts = OUTCOMES.filter((name) => open[name] > 0).map(
    (name) => `${grouped(open[name])} ${OPEN_WORDS[name]}`,
  );
  return `${grouped(unacknowledged)} to acknowledge${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function tunnels(status: Status, { paint }: Style, now: Date): string {
  if (status.tunnels.length === 0) return `${paint('bold', 'Tunnels')}\n  none configured\n`;
  const tones = { up: 'green', quiet: 'green', trying: 'amber', down: 'dim' } as const;
  const cells = padded(
    status.tunnels.map((tunnel) => [
      tunnel.name,
      tunnel.protocol,
      ...((tunnel.servers ?? []).length > 1 ? [] : [serverText(tunnel)]),
      '',
    ]),
  );
  const lines = status.tunnels.map((tunnel, index) => {
    const unproven = tunnel.source === 'answer' && tunnel.proven === false;
    const seen = tunnel.lastSeen === null ? 'never seen' : `last seen ${clockTime(tunnel.lastSeen, now)}`;
    const tail = tunnel.state === 'up' ? '' : ` (${seen})`;
    const doubt = unproven
      ? `\n    ${paint('amber', "the server's address comes from DNS answers on the wire; no handshake has confirmed it yet")}`
      : '';
    const servers =
      (tunnel.servers ?? []).length > 1
        ? serverLines(tunnel, now)
            .map((line) => `\n  ${line}`)
            .join('')
        : '';
    const explained =
      tunnel.explained === undefined
        ? ''
        : `\n    ${grouped(tunnel.explained)} unacknowledged incidents were its own traffic: leakguard ack --tunnel ${shellWord(tunnel.name)}`;
    const limits = tunnel.limits === undefined ? '' : `\n    ${paint('amber', tunnel.limits)}`;
    const list = tunnel.listIsOld === true ? ', which is outdated: import a new one' : '';
    const listed =
      tunnel.listed === undefined
        ? ''
        : `\n    ${paint(list === '' ? 'dim' : 'amber', `servers from a list dated ${tunnel.listed}${list}`)}`;
    return `  ${(cells[index] ?? []).join('  ')}${paint(tones[tunnel.state], TUNNEL_STATE_WORDS[tunnel.state])}${tail}${servers}${explained}${doubt}${listed}${limits}\n`;
  });
  return `${paint('bold', 'Tunnels')}\n${lines.join('')}`;
}

/** As it is typed in a shell. */
function shellWord(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The tunnel's endpoints, one a line, each with when it was last seen. */
export function serverLines(tunnel: TunnelView, now: Date): readonly string[] {
  const { servers = [], endpoints = servers.length } = tunnel;
  const cells = padded(
    servers.map(({ endpoint, server, lastSeen }) => [
      serverText({ endpoint, server }),
      lastSeen === null ? 'never seen' : `last seen ${clockTime(lastSeen, now)}`,
    ]),
  );
  const more = endpoints - servers.length;
  return [
    ...cells.map((row) => `  ${row.join('  ').trimEnd()}`),
    ...(more > 0 ? [`  and ${grouped(more)} more: leakguard tunnels list`] : []),
  ];
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
  const waiting = status.unacknowledged > 0 ? `, ${openWords(status)}` : ', all acknowledged';
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
  return `${paint('bold', 'Allowed by profile')}: not leaks, but visible on the wire\n  ${totals}\n${lines.join('')}${rest}`;
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
