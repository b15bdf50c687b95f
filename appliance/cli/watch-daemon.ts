// Knows: how to follow the daemon for a while and say what was new. Must not know: options, captures.
// What counts is the ledger's growth; incidents are told as they come, and again when they have doubled.

import type { ApiClient } from '../../src/api/client.ts';
import { printable } from '../../src/api/shown.ts';
import type { GuardEvent, IncidentView, LedgerView, Status } from '../../src/api/status.ts';
import type { State } from '../../src/api/words.ts';
import { eventsOf } from './api-client.ts';
import type { CommandIo, ExitCode } from './command.ts';
import { incidentLine, stateMark } from './status-screen.ts';
import { grouped, styleOf } from './terminal.ts';
import type { Style } from './terminal.ts';

export interface WatchOptions {
  readonly json: boolean;
  readonly summaryOnly: boolean;
  /** Ends the watch: time is up, or somebody wants it to end. */
  readonly until: AbortSignal;
}

/** The last line of `watch --json`. */
interface WatchSummary {
  readonly state: State;
  readonly seconds: number;
  /** What was added while watching. */
  readonly ledger: LedgerView;
  readonly incidents: readonly IncidentView[];
  readonly blindSeen: boolean;
}

/** Exit 1 when anything tried or got out meanwhile, 3 when part of the time was not seen and nothing was found. */
export async function watchDaemon(
  client: ApiClient,
  options: WatchOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const start = await client.ask('status');
  const began = performance.now();
  const watch = new Watch(start, options, io, styleOf(io));
  await eventsOf(client, options.until, (event) => watch.hear(event));
  const end = await client.ask('status');
  watch.hear({ event: 'status', data: end });
  return watch.finish(end, (performance.now() - began) / 1000);
}

class Watch {
  readonly #start: Status;
  readonly #options: WatchOptions;
  readonly #io: CommandIo;
  readonly #style: Style;
  readonly #incidents = new Map<string, IncidentView>();
  /** Frames of an incident when it was last told; those of before the watch count as told. */
  readonly #told: Map<string, number>;
  #state: State;
  #blindSeen = false;

  constructor(start: Status, options: WatchOptions, io: CommandIo, style: Style) {
    this.#start = start;
    this.#options = options;
    this.#io = io;
    this.#style = style;
    this.#state = start.state;
    this.#told = new Map(start.incidents.map((incident) => [incident.id, framesOf(incident)]));
    this.#noteBlindness(start.state);
    if (!options.summaryOnly && !options.json) io.stdout.write(stateLine(start, style));
  }

  hear(event: GuardEvent): void {
    if (event.event === 'incident') {
      this.#incident(event.data);
      return;
    }
    const { data } = event;
    this.#noteBlindness(data.state);
    if (data.state === this.#state) return;
    this.#state = data.state;
    if (this.#options.summaryOnly) return;
    this.#io.stdout.write(
      this.#options.json ? json('state', { state: data.state, why: data.why }) : stateLine(data, this.#style),
    );
  }

  finish(end: Status, seconds: number): ExitCode {
    const [before, after] = [this.#start.ledger, end.ledger];
    const ledger: LedgerView = {
      attempted: Math.max(0, after.attempted - before.attempted),
      escaped: Math.max(0, after.escaped - before.escaped),
      blocked: Math.max(0, after.blocked - before.blocked),
      unseen: Math.max(0, after.unseen - before.unseen),
    };
    const incidents = [...this.#incidents.values()];
    const summary = { state: end.state, seconds, ledger, incidents, blindSeen: this.#blindSeen };
    this.#io.stdout.write(this.#options.json ? json('summary', summary) : summaryText(summary, this.#style));
    if (ledger.attempted + ledger.escaped > 0 || incidents.length > 0) return 1;
    return this.#blindSeen || ledger.unseen > 0 ? 3 : 0;
  }

  #incident(incident: IncidentView): void {
    const frames = framesOf(incident);
    const told = this.#told.get(incident.id);
    if (told !== undefined && frames <= told && !this.#incidents.has(incident.id)) return;
    this.#incidents.set(incident.id, incident);
    if (this.#options.summaryOnly || (told !== undefined && frames < told * 2)) return;
    this.#told.set(incident.id, frames);
    const line = this.#options.json
      ? json('incident', incident)
      : incidentLine(incident, this.#style, new Date());
    this.#io.stdout.write(line);
  }

  #noteBlindness(state: State): void {
    if (state === 'blind' || state === 'starting') this.#blindSeen = true;
  }
}

/** Grows with whatever grows: a frame is first attempted, then escaped or blocked. */
function framesOf({ attempted, escaped, blocked }: IncidentView): number {
  return attempted + escaped + blocked;
}

function json(event: string, data: unknown): string {
  return `${JSON.stringify({ event, data })}\n`;
}

function stateLine(status: Status, { paint }: Style): string {
  const [mark, tone] = stateMark(status);
  return `${paint(tone, `${mark} ${status.state.toUpperCase()}`)}  ${printable(status.why)}\n`;
}

function summaryText({ ledger, incidents, seconds, blindSeen }: WatchSummary, { paint }: Style): string {
  const found = ledger.attempted + ledger.escaped > 0 || incidents.length > 0;
  const head = found
    ? paint(
        ledger.escaped > 0 ? 'red' : 'amber',
        `${grouped(incidents.length)} ${incidents.length === 1 ? 'incident' : 'incidents'}`,
      )
    : paint('green', 'no leak seen');
  const unseen = ledger.unseen > 0 ? ` · ${paint('amber', `not looked at ${grouped(ledger.unseen)}`)}` : '';
  const blind = blindSeen
    ? `\n${paint('red', 'The guard was blind for a part of it: what it says covers the rest.')}`
    : '';
  return (
    `${head} in ${seconds.toFixed(0)} s: got out ${grouped(ledger.escaped)} · stopped ${grouped(ledger.blocked)} · ` +
    `tried ${grouped(ledger.attempted)}${unseen}${blind}\n`
  );
}
