// Knows: how systemd is told that the daemon is ready and alive (sd_notify(3)). Must not know: what ready means.
// Node cannot send datagrams over Unix sockets, so systemd's own small program does (systemd-notify(1)); it is this
// process's timers that start it, so that a hung event loop is a silent one, and is killed (WatchdogSec).

import { run } from '../os/run-command.ts';

/** What systemd puts into the environment of a service of Type=notify. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** Microseconds between two signs of life, at most. */
  readonly WATCHDOG_USEC?: string | undefined;
}

export class ServiceManager {
  readonly #notified: boolean;
  readonly #intervalMs: number;
  readonly #notify: (...args: string[]) => Promise<unknown>;
  readonly #onFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #faulty = false;

  /** Outside systemd everything here does nothing. */
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

  /** Resolves when systemd was told; from then on it hears a sign of life three times in the time it allows. */
  async ready(): Promise<void> {
    if (!this.#notified) return;
    await this.#say('--ready');
    if (this.#intervalMs > 0) this.#live();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One after another: a slow machine must not pile them up. */
  #live(): void {
    this.#timer = setTimeout(() => {
      void this.#say('WATCHDOG=1').then(() => {
        this.#live();
      });
    }, this.#intervalMs);
  }

  async #say(word: string): Promise<void> {
    try {
      await this.#notify(word);
      this.#faulty = false;
    } catch (error) {
      if (!this.#faulty) this.#onFault(error);
      this.#faulty = true;
    }
  }
}
