// Knows: what is known of one tap. Must not know: processes.

import type { TapReport } from './observation.ts';
import type { TapHealth } from '../api/status.ts';

export class TapRecord {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  state: TapHealth['state'] = 'down';
  detail = 'not started yet';
  /** A report that was closed, drained, at this monotonic time had everything that was on the wire before it. */
  drainedAt = -Infinity;
  /** Since when it reads without a break or a loss, monotonic milliseconds; Infinity while it does not. */
  readsSince = Infinity;
  /** When it was last heard, monotonic milliseconds. */
  heardAt = 0;
  #frames = 0;
  #lost = 0;
  #forgotten = 0;
  #restarts = 0;

  constructor(port: 'lan' | 'wan', interfaceName: string) {
    this.port = port;
    this.interface = interfaceName;
  }

  /** True when the tap has lost frames since its last report. */
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

  view(): TapHealth {
    const { port, interface: name, state } = this;
    const forgotten = `${this.#forgotten} flows and questions not kept: there were too many`;
    const detail = this.#forgotten === 0 ? this.detail : `${this.detail}; ${forgotten}`;
    return { port, interface: name, state, frames: this.#frames, restarts: this.#restarts, detail };
  }
}
