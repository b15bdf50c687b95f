// Publishes changes of status and incidents: the first at once, further ones at a bounded rate. So the LED follows within milliseconds,
// and page and LED still respond under a flood.

import type { Incident } from '../../src/guard/incidents/incidents.ts';
import { viewOf } from '../../src/guard/incidents/incident-view.ts';
import { fairPick } from '../../src/guard/incidents/quotas.ts';
import type { GuardEvent, IncidentView, Status } from '../../src/api/status.ts';

/**
 * Pause after publishing, milliseconds: `min` after a quiet time, so that what follows at once (the visit after its question) is
 * published at once; doubled each time, up to `max`, while changes keep coming.
 */
const PAUSE_MS = { min: 10, max: 100 };
/** Most incidents published at once, chosen fairly by client, rule and kind; the API lists all of them. */
const INCIDENTS_AT_ONCE = 50;

/** Decides which events of the event stream are sent when. */
export class Publisher {
  readonly #status: () => Status;
  readonly #out: (event: GuardEvent) => void;
  readonly #changed = new Set<Incident>();
  #pause: NodeJS.Timeout | undefined;
  #pauseMs = PAUSE_MS.min;
  #waiting = false;
  #published = '';
  readonly #view: (incident: Incident) => IncidentView;

  /** `out` receives the events; `view` makes of an incident what the privacy in force may show of it. */
  constructor(
    status: () => Status,
    out: (event: GuardEvent) => void,
    view: (incident: Incident) => IncidentView = viewOf,
  ) {
    this.#status = status;
    this.#view = view;
    this.#out = out;
  }

  /** Something changed, of these incidents among other things: publishes now, or when the pause is over. */
  news(changed: readonly Incident[] = []): void {
    for (const incident of changed) this.#changed.add(incident);
    if (this.#pause === undefined) this.#publish();
    else this.#waiting = true;
  }

  /** Cancels the publication that waits for the end of a pause. */
  close(): void {
    clearTimeout(this.#pause);
  }

  #publish(): void {
    const status = this.#status();
    const text = essence(status);
    const kept = [...this.#changed].filter(({ foldedInto }) => foldedInto === undefined);
    // Reversed for the choice, which prefers the first.
    const incidents = fairPick(kept.reverse(), ({ share }) => share, INCIDENTS_AT_ONCE).reverse();
    this.#changed.clear();
    if (text === this.#published && incidents.length === 0) {
      this.#pauseMs = PAUSE_MS.min;
      return;
    }
    for (const incident of incidents) this.#out({ event: 'incident', data: this.#view(incident) });
    if (text !== this.#published) this.#out({ event: 'status', data: status });
    this.#published = text;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pauseMs = this.#waiting ? Math.min(2 * this.#pauseMs, PAUSE_MS.max) : PAUSE_MS.min;
      if (!this.#waiting) return;
      this.#waiting = false;
      this.#publish();
    }, this.#pauseMs);
  }
}

/** The part of a status whose change is published. Counters and health change all the time: clients ask for them. */
function essence(status: Status): string {
  const { counters, health, tunnels, allowed, ...rest } = status;
  const direct = allowed === undefined ? 0 : allowed.rows.length + allowed.more;
  const tunnelStates = tunnels.map(({ name, state }) => `${name} ${state}`);
  const taps = health.taps.map(({ port, state }) => `${port} ${state}`);
  return JSON.stringify([
    rest,
    direct,
    tunnelStates,
    taps,
    health.warnings,
    Object.keys(counters).length > 0,
  ]);
}
