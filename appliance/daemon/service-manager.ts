// Tells systemd that the daemon is ready and alive (sd_notify(3)). Node cannot send datagrams over Unix sockets, so systemd-notify(1)
// does; it is started by a timer of this process, so that a hung event loop falls silent and systemd kills it (WatchdogSec).

import { run } from '../os/run-command.ts';

/** What systemd sets in the environment of a service of Type=notify. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** Longest time between two signs of life, microseconds. */
  readonly WATCHDOG_USEC?: string | undefined;
}

/** The daemon's side of sd_notify(3). */
export class ServiceManager {
  readonly #notified: boolean;
  readonly #intervalMs: number;
  readonly #notify: (...args: string[]) => Promise<unknown>;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #faulty = false;

  /** Does nothing outside systemd. `onFault` is called when systemd cannot be notified, once until it works again. */
  constructor(
    environment: ServiceEnvironment,
    onFault: (error: unknown) => void,
    notify: (...args: string[]) => Promise<unknown> = async (...args) => run('systemd-notify', args),
  ) {
    this.#notified = (environment.NOTIFY_SOCKET ?? '') !== '';
    this.#intervalMs = Number(environment.WATCHDOG_USEC ?? 0) / 1_000 / 3;
    this.#onFault = onFault;
    this.#notify = notify;
  }

  /** Resolves when systemd was told; from then on it gets three signs of life per WATCHDOG_USEC. Never rejects. */
  async ready(): Promise<void> {
    if (!this.#notified) return;
    await this.#send('--ready');
    if (this.#intervalMs > 0) this.#beat();
  }

  /** Sends no further sign of life. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One after another, so that they do not pile up on a slow machine. */
  #beat(): void {
    this.#timer = setTimeout(() => {
      void this.#send('WATCHDOG=1').then(() => {
        this.#beat();
      });
    }, this.#intervalMs);
  }

  async #send(message: string): Promise<void> {
    try {
      await this.#notify(message);
      this.#faulty = false;
    } catch (error) {
      if (!this.#faulty) this.#onFault(error);
      this.#faulty = true;
    }
  }
}
