// Starts a tap process and restarts it when it ends or hangs. The tap keeps CAP_NET_RAW and no other right (ARCHITECTURE.md, Processes); it
// ends with its port and with the daemon.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TapReport } from '../../src/guard/observation.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import { afterReading } from '../os/after-reading.ts';
import { startChild } from './child.ts';
import type { Message, TapCommand, TapOrder } from './messages.ts';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const RETRY_MS = { first: 50, most: 500 };
/**
 * A timeout, doubled from `first` up to `most` each time it expires: otherwise, on a slow machine, a tap would be killed again and again and
 * never read. The guard reports a silent tap earlier than either (src/guard/guard.ts). Milliseconds.
 */
interface Timeout {
  readonly first: number;
  readonly most: number;
}

/** The program of a tap, and how long it may be silent. */
export interface TapProgram {
  /** The interface's name comes last. */
  readonly command: readonly [string, ...string[]];
  /** For its first message: the program has to be loaded before. */
  readonly startMs: Timeout;
  /** For each further message: a tap reports at least five times a second, also under flood. */
  readonly silenceMs: Timeout;
}

/** A tap that has been reading for this long is not slow, milliseconds. */
const STEADY_MS = 60_000;

/** `up`: reading; `restarting`: it has ended and is started again; `down`: stopped on purpose. */
export type TapState = 'up' | 'restarting' | 'down';

/** What the owner of a tap hears. `detail`: one clause. */
export interface TapListener {
  report(report: TapReport): void;
  state(state: TapState, detail: string): void;
  /** The addresses that answers have opened by now, for a tap that is restarted. */
  answered?(): readonly AnsweredAddress[];
}

/** One tap process. Faults go to the listener's `state`; what is sent while no tap is running is lost, except for its orders. */
export class TapSupervisor {
  readonly #listener: TapListener;
  readonly #program: TapProgram;
  #order: TapOrder;
  #child: ChildProcess | undefined;
  #backoff = RETRY_MS.first;
  #startMs: number;
  #silenceMs: number;
  #openedAt: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #cancelTimeout = (): void => undefined;
  #stopped = true;
  #lastFault = '';

  constructor(order: TapOrder, listener: TapListener, program: TapProgram = OWN_PROGRAM) {
    this.#order = order;
    this.#listener = listener;
    this.#program = program;
    this.#startMs = program.startMs.first;
    this.#silenceMs = program.silenceMs.first;
  }

  /** Starts the process; the listener hears of every success and failure. */
  start(): void {
    this.#stopped = false;
    this.#spawn();
  }

  /** Gives a new order. Only another interface needs a new process; the kernel counts what leaves in the meantime. */
  renew(order: TapOrder): void {
    const before = this.#order;
    this.#order = order;
    if (order.interface === before.interface) {
      const { policy, learned, boxMacs, orders } = order;
      this.#send({
        type: 'judge',
        // A policy with twenty thousand servers takes megabytes, and the tap has compiled it already.
        ...(policy === before.policy ? {} : { policy }),
        learned,
        boxMacs,
        orders,
      });
      return;
    }
    this.#lastFault = 'its orders changed';
    this.#backoff = 0;
    if (this.#child === undefined) return;
    // Reported at once: the guard must not count on the old tap as one that follows the new orders.
    this.#listener.state('restarting', this.#lastFault);
    this.#child.kill('SIGKILL');
  }

  /** Tells the tap what was learned; it keeps reading. */
  learn(change: Pick<TapOrder, 'learned' | 'orders'>): void {
    this.renew({ ...this.#order, ...change });
  }

  /** Tells the tap which endpoints are in use; this changes its capture filter only. */
  use(inUse: readonly string[]): void {
    this.#order = { ...this.#order, inUse };
    this.#send({ type: 'use', inUse });
  }

  /** Tells the tap which addresses answers have opened and which are closed again, before any frame that a later `sendOn` sends. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], orders: number): void {
    this.#order = { ...this.#order, orders };
    this.#send({ type: 'answered', opened, gone, orders });
  }

  /** Has the tap send a frame on another interface; does nothing while no tap is running. */
  sendOn(interfaceName: string, frame: Uint8Array): void {
    this.#send({ type: 'send', interface: interfaceName, frame });
  }

  /** Kills the process and starts no other. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#cancelTimeout();
    this.#child?.kill('SIGKILL');
    this.#listener.state('down', 'stopped');
  }

  /** Process id of the running tap; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  #spawn(): void {
    this.#lastFault = '';
    try {
      this.#child = startChild<TapReport>([...this.#program.command, this.#order.interface], 'inherit', {
        heard: (messages) => {
          this.#expectMessage(this.#silenceMs);
          for (const message of messages) this.#take(message);
        },
        failed: (message) => {
          this.#lastFault = message;
        },
        closed: (code, signal) => {
          this.#closed(code, signal);
        },
      });
    } catch (error) {
      // Retried as when a running tap ends.
      this.#lastFault = error instanceof Error ? error.message : String(error);
      this.#closed(null, null);
      return;
    }
    this.#openedAt = undefined;
    const answered = this.#listener.answered?.() ?? [];
    this.#send({ type: 'order', order: { ...this.#order, answered } });
    this.#expectMessage(this.#startMs);
  }

  #send(command: TapCommand): void {
    if (this.#child?.connected !== true) return;
    this.#child.send(command, (error) => {
      if (error !== null) this.#lastFault ||= error.message;
    });
  }

  #take(message: Message<TapReport>): void {
    if (message.type === 'report') {
      this.#listener.report(message.report);
      this.#send({ type: 'taken' });
    } else if (message.type === 'open') {
      this.#backoff = RETRY_MS.first;
      this.#startMs = this.#program.startMs.first;
      this.#openedAt = performance.now();
      this.#listener.state('up', 'reading');
    } else {
      this.#lastFault = message.message;
    }
  }

  /** Kills the tap unless its next message arrives within this time. */
  #expectMessage(withinMs: number): void {
    this.#cancelTimeout();
    this.#cancelTimeout = afterReading(withinMs, () => {
      this.#lastFault = `nothing heard from it for ${String(withinMs)} ms`;
      this.#extendTimeout();
      this.#child?.kill('SIGKILL');
    });
  }

  #extendTimeout(): void {
    const { startMs, silenceMs } = this.#program;
    if (this.#openedAt === undefined) {
      this.#startMs = Math.min(this.#startMs * 2, startMs.most);
      return;
    }
    const wasSteady = performance.now() - this.#openedAt > STEADY_MS;
    this.#silenceMs = Math.min((wasSteady ? silenceMs.first : this.#silenceMs) * 2, silenceMs.most);
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    this.#cancelTimeout();
    if (this.#stopped) return;
    const end = signal === null ? `exit code ${String(code)}` : signal;
    this.#listener.state('restarting', this.#lastFault === '' ? end : this.#lastFault);
    this.#retry = setTimeout(() => {
      this.#spawn();
    }, this.#backoff);
    this.#backoff = Math.min(Math.max(RETRY_MS.first, this.#backoff * 2), RETRY_MS.most);
  }
}

/** Runs the command that follows with only the right to open packet sockets. */
const PRIVILEGES = [
  'setpriv',
  '--inh-caps=-all,+net_raw',
  '--ambient-caps=-all,+net_raw',
  '--bounding-set=-all,+net_raw',
  '--no-new-privs',
  '--',
] as const;

/**
 * V8 heap limits, megabytes. What a tap allocates is garbage after its report, so a larger young generation would only use memory, once for
 * each tap (test/bench/RESULTS.md).
 */
const SMALL = ['--max-semi-space-size=2', '--max-old-space-size=128'] as const;

const OWN_PROGRAM: TapProgram = {
  command: [...PRIVILEGES, process.execPath, ...SMALL, MAIN],
  startMs: { first: 60_000, most: 480_000 },
  silenceMs: { first: 3_000, most: 48_000 },
};
