// `watch` with a daemon: follows its events and prints what is new.
// The exit code depends on the growth of the ledger; an incident is printed when it appears and each time its frames have doubled.

import type { ApiClient } from '../../src/api/client.ts';
import { printable } from '../../src/api/shown.ts';
import type { GuardEvent, IncidentView, LedgerView, Status } from '../../src/api/status.ts';
import type { State } from '../../src/api/words.ts';
import { eventsOf } from './api-client.ts';
import type { CommandIo, ExitCode } from './command.ts';
import { incidentLine, openWords, stateMark } from './status-screen.ts';
import { grouped, styleOf } from './terminal.ts';
import type { Style } from './terminal.ts';

/** How `watch` prints, and when it ends. */
export interface WatchOptions {
  readonly json: boolean;
  readonly summaryOnly: boolean;
  /** Aborted when the time is up or the user ends the watch. */
  readonly until: AbortSignal;
}

/** The last line of `watch --json`. */
interface WatchSummary {
  readonly state: State;
  readonly seconds: number;
  /** Growth of the ledger while watching. */
  readonly ledger: LedgerView;
  readonly incidents: readonly IncidentView[];
  readonly blindSeen: boolean;
}

/**
 * Watches until `options.until` is aborted, printing what is new, and a summary at the end. Returns 1 when anything was attempted or
 * escaped, 3 when nothing was found but part of the time was not seen, otherwise 0. Throws CommandError 3 when the daemon does not answer
 * or ends the stream.
 */
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
  /** Frames of each incident when it was last printed; incidents from before the watch count as printed. */
  readonly #printedFrames: Map<string, number>;
  #state: State;
  #blindSeen = false;

  constructor(start: Status, options: WatchOptions, io: CommandIo, style: Style) {
    this.#start = start;
    this.#options = options;
    this.#io = io;
    this.#style = style;
    this.#state = start.state;
    this.#printedFrames = new Map(start.incidents.map((incident) => [incident.id, framesOf(incident)]));
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
    this.#io.stdout.write(
      this.#options.json ? json('summary', summary) : summaryText(summary, end, this.#style),
    );
    if (ledger.attempted + ledger.escaped > 0 || incidents.length > 0) return 1;
    return this.#blindSeen || ledger.unseen > 0 ? 3 : 0;
  }

  #incident(incident: IncidentView): void {
    const frames = framesOf(incident);
    const printed = this.#printedFrames.get(incident.id);
    if (printed !== undefined && frames <= printed && !this.#incidents.has(incident.id)) return;
    this.#incidents.set(incident.id, incident);
    if (this.#options.summaryOnly || (printed !== undefined && frames < printed * 2)) return;
    this.#printedFrames.set(incident.id, frames);
    const line = this.#options.json
      ? json('incident', incident)
      : incidentLine(incident, this.#style, new Date());
    this.#io.stdout.write(line);
  }

  #noteBlindness(state: State): void {
    if (state === 'blind' || state === 'starting') this.#blindSeen = true;
  }
}

/** Grows whenever one of the counters grows: a frame is counted as attempted first, then as escaped or blocked. */
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

/** What was new while watching; and, since the state counts them too, how many incidents nobody has acknowledged. */
function summaryText(
  { ledger, incidents, seconds, blindSeen }: WatchSummary,
  end: Status,
  { paint }: Style,
): string {
  const isNew = ledger.attempted + ledger.escaped > 0 || incidents.length > 0;
  const cannotTell = blindSeen || ledger.unseen > 0;
  const head = isNew
    ? paint(
        ledger.escaped > 0 ? 'red' : 'amber',
        `${grouped(incidents.length)} ${incidents.length === 1 ? 'incident' : 'incidents'} with new frames`,
      )
    : paint(cannotTell ? 'amber' : 'green', 'no new leak seen');
  const unseen = ledger.unseen > 0 ? `, ${paint('amber', `${grouped(ledger.unseen)} not inspected`)}` : '';
  const frames = isNew
    ? `: frames ${grouped(ledger.escaped)} got out, ${grouped(ledger.blocked)} stopped, ${grouped(ledger.attempted)} attempted`
    : '';
  const blind = blindSeen
    ? `\n${paint('red', 'The guard was blind for part of this time: these figures cover only the rest.')}`
    : '';
  const waiting = end.unacknowledged === 0 ? 'nothing to acknowledge' : openWords(end);
  return `${head} in ${seconds.toFixed(0)} s${frames}${unseen}${blind}\nThe state is ${end.state}; ${waiting}.\n`;
}
