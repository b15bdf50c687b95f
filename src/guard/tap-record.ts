// What the guard knows about one tap.

import type { TapReport } from './observation.ts';
import type { TapHealth } from '../api/status.ts';

/** A tap's state, its counts and how far it has read. Times are monotonic milliseconds. */
export class TapRecord {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  state: TapHealth['state'] = 'down';
  /** For people. */
  detail = 'not started yet';
  /** When the last drained report was closed: everything on the wire before that has been reported. -Infinity while it is not reading. */
  drainedAt = -Infinity;
  /** Since when it has been reading without interruption or loss; Infinity while it is not reading. */
  readsSince = Infinity;
  /** When it last reported or changed its state. */
  heardAt = 0;
  #frames = 0;
  #lost = 0;
  #forgotten = 0;
  #restarts = 0;

  constructor(port: 'lan' | 'wan', interfaceName: string) {
    this.port = port;
    this.interface = interfaceName;
  }

  /** Takes a report at `now`. Returns true when the tap has lost frames since its last report. */
  take(report: TapReport, now: number): boolean {
    const hasLost = report.lost > this.#lost;
    this.heardAt = now;
    this.#frames = report.frames;
    this.#forgotten = report.forgotten ?? 0;
    if (hasLost) this.readsSince = report.until;
    this.#lost = report.lost;
    if (report.drained) this.drainedAt = report.at;
    return hasLost;
  }

  /** Sets the tap's state; a tap that starts or stops reading is counted from scratch. */
  become(state: TapHealth['state'], detail: string, now: number): void {
    this.heardAt = now;
    if (state === 'restarting' && this.state !== 'restarting') this.#restarts += 1;
    if (state !== 'up' || this.state !== 'up') {
      this.readsSince = state === 'up' ? now : Infinity;
      this.drainedAt = -Infinity;
      this.#lost = 0;
    }
    this.state = state;
    this.detail = detail;
  }

  /** The tap as the status shows it. */
  view(): TapHealth {
    const { port, interface: name, state } = this;
    const forgotten = `${this.#forgotten} flows and questions were not kept: there were too many`;
    const detail = this.#forgotten === 0 ? this.detail : `${this.detail}; ${forgotten}`;
    return { port, interface: name, state, frames: this.#frames, restarts: this.#restarts, detail };
  }
}
