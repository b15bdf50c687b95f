// Knows: when news goes out: the first at once, then at a bounded rate. Must not know: what the news is about.
// LED within milliseconds, and page and LED still answer under flood.

import type { Incident } from '../../src/guard/incidents/incidents.ts';
import { viewOf } from '../../src/guard/incidents/incident-view.ts';
import { fairPick } from '../../src/guard/incidents/quotas.ts';
import type { GuardEvent, IncidentView, Status } from '../../src/api/status.ts';

/**
 * Shortest time between two rounds of news, milliseconds: the least after a silence, so that what follows at once (a visit on its
 * question) is told at once; twice as long with each round, up to the most, while news does not end.
 */
const PAUSE_MS = { least: 10, most: 100 };
/** Incidents told about in one round, of each client, rule and kind some; who needs all asks for them. */
const INCIDENTS_A_ROUND = 50;

export class Publisher {
  readonly #status: () => Status;
  readonly #out: (event: GuardEvent) => void;
  readonly #changed = new Set<Incident>();
  #pause: NodeJS.Timeout | undefined;
  #pauseMs = PAUSE_MS.least;
  #waiting = false;
  #told = '';
  readonly #view: (incident: Incident) => IncidentView;

  /** `view`: an incident as it may be shown. */
  constructor(
    status: () => Status,
    out: (event: GuardEvent) => void,
    view: (incident: Incident) => IncidentView = viewOf,
  ) {
    this.#status = status;
    this.#view = view;
    this.#out = out;
  }

  /** Something changed: tells now, or when the pause is over. */
  news(changed: readonly Incident[] = []): void {
    for (const incident of changed) this.#changed.add(incident);
    if (this.#pause === undefined) this.#tell();
    else this.#waiting = true;
  }

  close(): void {
    clearTimeout(this.#pause);
  }

  #tell(): void {
    const status = this.#status();
    const text = essence(status);
    const kept = [...this.#changed].filter(({ foldedInto }) => foldedInto === undefined);
    // Newest first while they are chosen.
    const incidents = fairPick(kept.reverse(), ({ share }) => share, INCIDENTS_A_ROUND).reverse();
    this.#changed.clear();
    if (text === this.#told && incidents.length === 0) {
      this.#pauseMs = PAUSE_MS.least;
      return;
    }
    for (const incident of incidents) this.#out({ event: 'incident', data: this.#view(incident) });
    if (text !== this.#told) this.#out({ event: 'status', data: status });
    this.#told = text;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pauseMs = this.#waiting ? Math.min(2 * this.#pauseMs, PAUSE_MS.most) : PAUSE_MS.least;
      if (!this.#waiting) return;
      this.#waiting = false;
      this.#tell();
    }, this.#pauseMs);
  }
}

/** What of a status is worth telling when it changes: counters and health move all the time, and are asked for. */
function essence(status: Status): string {
  const { counters, health, tunnels, allowed, ...rest } = status;
  const direct = allowed === undefined ? 0 : allowed.rows.length + allowed.more;
  const alive = tunnels.map(({ name, state }) => `${name} ${state}`);
  const taps = health.taps.map(({ port, state }) => `${port} ${state}`);
  return JSON.stringify([rest, direct, alive, taps, health.warnings, Object.keys(counters).length > 0]);
}
