// Knows: how a tap process is kept alive, and with which rights. Must not know: what its reports mean.
// The tap keeps CAP_NET_RAW and nothing else (ARCHITECTURE.md, Processes); it dies with its port and with the daemon.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TapReport } from '../../src/guard/observation.ts';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import { afterReading } from '../os/after-reading.ts';
import { startChild } from './child.ts';
import type { Message, TapCommand, TapOrder } from './messages.ts';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const BACKOFF_MS = { first: 50, most: 500 };
/**
 * Who needed longer than the first is given twice the time: on a slow machine, ended and begun again for ever, it would never
 * see. That it is silent meanwhile is told by the guard (src/guard/guard.ts), and sooner than either.
 */
interface Patience {
  readonly first: number;
  readonly most: number;
}

/** What is run for a tap, and how long it may be silent, milliseconds. */
export interface TapProgram {
  /** The interface's name comes last. */
  readonly command: readonly [string, ...string[]];
  /** Before its first word it has to be loaded. */
  readonly startMs: Patience;
  /** It reports at least five times a second, also under flood. */
  readonly silenceMs: Patience;
}

/** A tap that has gone on for this long is not slow. */
const STEADY_MS = 60_000;

export type TapState = 'up' | 'restarting' | 'down';

export interface TapListener {
  report(report: TapReport): void;
  state(state: TapState, detail: string): void;
  /** What answers have opened by now: a tap that begins anew knows of none. */
  answered?(): readonly AnsweredAddress[];
}

export class TapSupervisor {
  readonly #listener: TapListener;
  readonly #program: TapProgram;
  #order: TapOrder;
  #child: ChildProcess | undefined;
  #backoff = BACKOFF_MS.first;
  #startMs: number;
  #silenceMs: number;
  #openedAt: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #callOffSilence = (): void => undefined;
  #stopped = true;
  #lastFault = '';

  constructor(order: TapOrder, listener: TapListener, program: TapProgram = OWN_PROGRAM) {
    this.#order = order;
    this.#listener = listener;
    this.#program = program;
    this.#startMs = program.startMs.first;
    this.#silenceMs = program.silenceMs.first;
  }

  start(): void {
    this.#stopped = false;
    this.#spawn();
  }

  /** Gives another order. Only another interface needs a new process; what leaves meanwhile is counted by the kernel. */
  renew(order: TapOrder): void {
    const before = this.#order;
    this.#order = order;
    if (order.interface === before.interface) {
      const { policy, learned, boxMacs, orders } = order;
      this.#send({
        type: 'judge',
        // Of twenty thousand servers it is made of megabytes, and what a tap has made of it stays good.
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
    // Said at once: who is told that the orders are in force must not take the old tap for one that reads by them.
    this.#listener.state('restarting', this.#lastFault);
    this.#child.kill('SIGKILL');
  }

  /** Tells what was learned; the tap goes on reading. */
  learn(change: Pick<TapOrder, 'learned' | 'orders'>): void {
    this.renew({ ...this.#order, ...change });
  }

  /** Tells which endpoints are in use; what the tap judges by stays. */
  use(inUse: readonly string[]): void {
    this.#order = { ...this.#order, inUse };
    this.#send({ type: 'use', inUse });
  }

  /** Tells what answers have opened and what is closed again: a frame that is sent on after this finds it known. */
  answered(opened: readonly AnsweredAddress[], gone: readonly AnsweredAddress[], orders: number): void {
    this.#order = { ...this.#order, orders };
    this.#send({ type: 'answered', opened, gone, orders });
  }

  /** Has the tap put a frame on another interface; nothing happens while there is no tap. */
  sendOn(interfaceName: string, frame: Uint8Array): void {
    this.#send({ type: 'send', interface: interfaceName, frame });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#callOffSilence();
    this.#child?.kill('SIGKILL');
    this.#listener.state('down', 'stopped');
  }

  /** Process id of the running tap, for tests and the health page. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  #spawn(): void {
    this.#lastFault = '';
    try {
      this.#child = startChild<TapReport>([...this.#program.command, this.#order.interface], 'inherit', {
        heard: (messages) => {
          this.#expect(this.#silenceMs);
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
      // Tried again like any other end of it.
      this.#lastFault = error instanceof Error ? error.message : String(error);
      this.#closed(null, null);
      return;
    }
    this.#openedAt = undefined;
    const answered = this.#listener.answered?.() ?? [];
    this.#send({ type: 'order', order: { ...this.#order, answered } });
    this.#expect(this.#startMs);
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
      this.#backoff = BACKOFF_MS.first;
      this.#startMs = this.#program.startMs.first;
      this.#openedAt = performance.now();
      this.#listener.state('up', 'reading');
    } else {
      this.#lastFault = message.message;
    }
  }

  /** Its next word must come within this, or it is hung. */
  #expect(withinMs: number): void {
    this.#callOffSilence();
    this.#callOffSilence = afterReading(withinMs, () => {
      this.#lastFault = `nothing heard from it for ${String(withinMs)} ms`;
      this.#growPatience();
      this.#child?.kill('SIGKILL');
    });
  }

  #growPatience(): void {
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
    this.#callOffSilence();
    if (this.#stopped) return;
    const end = signal === null ? `exit code ${String(code)}` : signal;
    this.#listener.state('restarting', this.#lastFault === '' ? end : this.#lastFault);
    this.#retry = setTimeout(() => {
      this.#spawn();
    }, this.#backoff);
    this.#backoff = Math.min(Math.max(BACKOFF_MS.first, this.#backoff * 2), BACKOFF_MS.most);
  }
}

/** Runs what follows without any right but that to open packet sockets. */
const PRIVILEGES = [
  'setpriv',
  '--inh-caps=-all,+net_raw',
  '--ambient-caps=-all,+net_raw',
  '--bounding-set=-all,+net_raw',
  '--no-new-privs',
  '--',
] as const;

/**
 * What a tap makes of a frame is gone with its report: room for what is young is all that V8 would take, and two taps would take it
 * twice (test/bench/RESULTS.md).
 */
const SMALL = ['--max-semi-space-size=2', '--max-old-space-size=128'] as const;

const OWN_PROGRAM: TapProgram = {
  command: [...PRIVILEGES, process.execPath, ...SMALL, MAIN],
  startMs: { first: 60_000, most: 480_000 },
  silenceMs: { first: 3_000, most: 48_000 },
};
