// Knows: what is known of one tap. Must not know: processes.

import type { TapReport } from './observation.ts';
import type { TapHealth } from './status.ts';

export class TapRecord {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  state: TapHealth['state'] = 'down';
  detail = 'not started yet';
  /** A report that was closed, drained, at this monotonic time had everything that was on the wire before it. */
  drainedAt = 0;
  /** When it was last heard, monotonic milliseconds. */
  heardAt = 0;
  #frames = 0;
  #restarts = 0;

  constructor(port: 'lan' | 'wan', interfaceName: string) {
    this.port = port;
    this.interface = interfaceName;
  }

  take(report: TapReport, now: number): void {
    this.heardAt = now;
    this.#frames = report.frames;
    if (report.drained) this.drainedAt = report.at;
  }

  become(state: TapHealth['state'], detail: string, now: number): void {
    this.heardAt = now;
    if (state === 'restarting' && this.state !== 'restarting') this.#restarts += 1;
    this.state = state;
    this.detail = detail;
  }

  view(): TapHealth {
    const { port, interface: name, state, detail } = this;
    return { port, interface: name, state, frames: this.#frames, restarts: this.#restarts, detail };
  }
}
