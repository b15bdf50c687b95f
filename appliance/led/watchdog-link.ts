// The daemon's side of the LED watchdog: makes sure that one is running, sends it beats and checks its answers. The watchdog drives the LED;
// while no watchdog answers, the daemon itself shows red.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { monotonicMs } from '../os/clock.ts';
import { LIGHT_SOCKET, LineReader, SILENCE_PATTERN, SILENCE_MS } from './beat.ts';
import type { Beat, Echo, Farewell } from './beat.ts';
import { Light } from './light.ts';
import { writeLedRecord } from './record.ts';

const MAIN = fileURLToPath(new URL('./watchdog.js', import.meta.url));
/** V8 heap limits, megabytes: the watchdog needs no more. */
const SMALL = ['--max-old-space-size=16', '--max-semi-space-size=1'];
/** A watchdog that cannot be reached this long after its start is started again, milliseconds. */
const START_MS = 10_000;

/** What the link needs from the daemon. `runtimeDir` holds the watchdog's socket. */
export interface WatchdogLinkParts {
  readonly runtimeDir: string;
  /** Another process (systemd) starts the watchdog and restarts it. */
  readonly isStartedElsewhere: boolean;
  /** Called with what is wrong with the LED itself, as a sentence, or undefined. */
  readonly fault: (text: string | undefined) => void;
  /** Called with the reason why no watchdog is running, one clause, or undefined when one is. */
  readonly gone: (reason: string | undefined) => void;
}

/** The link to one watchdog. What is wrong goes to `fault` and `gone`. */
export class WatchdogLink {
  readonly #parts: WatchdogLinkParts;
  #config: LedConfig | undefined;
  #pattern: LedPattern = 'red';
  #socket: Socket | undefined;
  #isConnected = false;
  #heardAt = -Infinity;
  /** The LED as driven by this process, while no watchdog answers. */
  #ownLight: Light | undefined;
  #mustSetAgain = false;
  #child: ChildProcess | undefined;
  #startedAt = -Infinity;
  #openedAt = -Infinity;
  #closed = false;

  constructor(parts: WatchdogLinkParts) {
    this.#parts = parts;
  }

  /** Switches to another LED and leaves the old one red; false when it is the same. */
  open(config: LedConfig): boolean {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return false;
    const isFirst = !this.#isNeeded;
    this.#config = config;
    this.keep();
    if (isFirst) {
      // An earlier process may have left it green: red until a watchdog answers.
      this.#openedAt = monotonicMs();
      this.#takeOver('red');
    }
    this.beat();
    return true;
  }

  /** Has the LED show a pattern; sent at once when it is another one. */
  show(pattern: LedPattern): void {
    if (pattern === this.#pattern) return;
    this.#pattern = pattern;
    this.#sendBeat();
  }

  /** Tells the watchdog that the daemon is alive. Call it at least twice a second, and only while the daemon does its work. */
  beat(): void {
    if (this.#closed) return;
    if (this.#socket === undefined && this.#isNeeded) this.#connect();
    this.#sendBeat();
    const now = monotonicMs();
    const isLost = this.#isNeeded && now - Math.max(this.#heardAt, this.#openedAt) > SILENCE_MS;
    if (isLost) this.#lost();
    else if (!this.#isNeeded) this.#parts.gone(undefined);
    this.#ownLight?.show(isLost ? SILENCE_PATTERN : 'red');
  }

  /** Writes the LED's record, for programs that turn it red after a crash. */
  keep(): void {
    const config = this.#config;
    if (config !== undefined) this.#try(() => writeLedRecord(this.#parts.runtimeDir, config));
  }

  /** Says goodbye to the watchdog, and leaves the LED red. */
  close(): void {
    this.#closed = true;
    if (this.#isConnected) this.#socket?.write(`${JSON.stringify({ bye: true } satisfies Farewell)}\n`);
    // Set here as well, so that the LED is steady red before this process exits, whatever the watchdog does.
    this.#takeOver('red');
    this.#ownLight?.close();
  }

  get #isNeeded(): boolean {
    return this.#config !== undefined && this.#config.driver !== 'none';
  }

  #sendBeat(): void {
    const [socket, lamp] = [this.#socket, this.#config];
    if (lamp === undefined || socket === undefined || !this.#isConnected || socket.writableNeedDrain) return;
    const beat: Beat = {
      at: monotonicMs(),
      pattern: this.#pattern,
      lamp,
      ...(this.#mustSetAgain ? { again: true } : {}),
    };
    this.#mustSetAgain = false;
    socket.write(`${JSON.stringify(beat)}\n`);
  }

  #connect(): void {
    const reader = new LineReader();
    const socket = createConnection(join(this.#parts.runtimeDir, LIGHT_SOCKET));
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      this.#isConnected = true;
      this.#sendBeat();
    });
    socket.on('data', (text: string) => {
      for (const value of reader.push(text)) this.#receive(value);
    });
    socket.on('error', () => {
      this.#start();
    });
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      const wasConnected = this.#isConnected;
      this.#socket = undefined;
      this.#isConnected = false;
      if (this.#closed || !wasConnected) return;
      if (this.#isNeeded) this.#lost();
      this.beat();
    });
  }

  #receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('shown' in value)) return;
    const { fault } = value as Echo;
    this.#heardAt = monotonicMs();
    this.#parts.fault(fault);
    this.#parts.gone(undefined);
    if (this.#ownLight === undefined) return;
    this.#ownLight.close();
    this.#ownLight = undefined;
    // This process has changed the LED, which the watchdog cannot know.
    this.#mustSetAgain = true;
    this.#sendBeat();
  }

  #lost(): void {
    this.#heardAt = -Infinity;
    this.#openedAt = -Infinity;
    this.#takeOver(SILENCE_PATTERN);
    this.#parts.gone('the LED watchdog is gone');
  }

  #takeOver(pattern: LedPattern): void {
    if (this.#config === undefined || !this.#isNeeded) return;
    this.#ownLight ??= new Light(this.#parts.runtimeDir);
    this.#ownLight.take(this.#config);
    this.#ownLight.show(pattern);
  }

  /** Starts the watchdog in its own session (detached), so that it survives when the daemon's process group is killed. */
  #start(): void {
    if (this.#parts.isStartedElsewhere || this.#closed || !this.#isNeeded) return;
    const now = monotonicMs();
    if (this.#child !== undefined && now - this.#startedAt < START_MS) return;
    this.#child?.kill('SIGKILL');
    this.#startedAt = now;
    try {
      const args = [...SMALL, MAIN, '--runtime-dir', this.#parts.runtimeDir, '--for-daemon'];
      const child = spawn(process.execPath, args, { detached: true, stdio: 'ignore', cwd: '/' });
      this.#child = child;
      const gone = (): void => {
        if (this.#child === child) this.#child = undefined;
      };
      child.on('error', gone).on('exit', gone);
      child.unref();
    } catch {
      // No process or memory left: the LED turns red, and the next beat tries again.
      this.#child = undefined;
    }
  }

  #try(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#parts.fault(
        `The record of the LED cannot be written (${error instanceof Error ? error.message : String(error)}).`,
      );
    }
  }
}
