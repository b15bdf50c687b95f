// Knows: when news goes out: the first at once, then at a bounded rate. Must not know: what the news is about.
// DESIGN section 8: lamp within milliseconds, and page and lamp still answer under flood.

import type { Incident } from '../../src/guard/incidents.ts';
import { viewOf } from '../../src/guard/incident-view.ts';
import type { GuardEvent, Status } from '../../src/guard/status.ts';

/** Shortest time between two rounds of news, milliseconds. */
const PAUSE_MS = 100;
/** Incidents told about in one round; who needs all asks for them. */
const INCIDENTS_A_ROUND = 50;

export class Publisher {
  readonly #status: () => Status;
  readonly #out: (event: GuardEvent) => void;
  readonly #changed = new Set<Incident>();
  #pause: NodeJS.Timeout | undefined;
  #waiting = false;
  #told = '';

  constructor(status: () => Status, out: (event: GuardEvent) => void) {
    this.#status = status;
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
    const incidents = [...this.#changed].slice(-INCIDENTS_A_ROUND);
    this.#changed.clear();
    if (text === this.#told && incidents.length === 0) return;
    for (const incident of incidents) this.#out({ event: 'incident', data: viewOf(incident) });
    if (text !== this.#told) this.#out({ event: 'status', data: status });
    this.#told = text;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (!this.#waiting) return;
      this.#waiting = false;
      this.#tell();
    }, PAUSE_MS);
  }
}

/** What of a status is worth telling when it changes: counters and health move all the time, and are asked for. */
function essence(status: Status): string {
  const { counters, health, tunnels, ...rest } = status;
  const alive = tunnels.map(({ name, state }) => `${name} ${state}`);
  const taps = health.taps.map(({ port, state }) => `${port} ${state}`);
  return JSON.stringify([rest, alive, taps, health.warnings, Object.keys(counters).length > 0]);
}
