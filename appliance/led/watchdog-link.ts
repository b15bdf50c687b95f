// Knows: the daemon's end of the light: that a keeper is there, hears each beat and answers; and that the light is red where none
// does. Must not know: states, rounds. The keeper drives the light; the daemon touches it only while it has no keeper.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LedPattern } from '../../src/api/words.ts';
import type { LedConfig } from '../../src/policy/policy.ts';
import { monotonicMs } from '../os/clock.ts';
import { LIGHT_SOCKET, LineReader, NOBODY_WATCHES, SILENCE_MS } from './beat.ts';
import type { Beat, Echo, Farewell } from './beat.ts';
import { Light } from './light.ts';
import { writeLedRecord } from './record.ts';

const MAIN = fileURLToPath(new URL('./watchdog.js', import.meta.url));
/** It shows one word: a heap of this size is never full. */
const SMALL = ['--max-old-space-size=16', '--max-semi-space-size=1'];
/** A keeper that was started and cannot be reached after this long is none, milliseconds. */
const START_MS = 10_000;

export interface WatchdogLinkParts {
  readonly runtimeDir: string;
  /** Somebody else (systemd) starts the keeper and keeps it running. */
  readonly isStartedElsewhere: boolean;
  /** What is wrong with the LED itself, or nothing. */
  readonly fault: (text: string | undefined) => void;
  /** Why nobody keeps the light, or undefined when somebody does. */
  readonly gone: (reason: string | undefined) => void;
}

export class WatchdogLink {
  readonly #parts: WatchdogLinkParts;
  #config: LedConfig | undefined;
  #pattern: LedPattern = 'red';
  #socket: Socket | undefined;
  #isConnected = false;
  #heardAt = -Infinity;
  /** The light in this process's own hands, while no keeper answers. */
  #own: Light | undefined;
  #again = false;
  #child: ChildProcess | undefined;
  #startedAt = -Infinity;
  #openedAt = -Infinity;
  #closed = false;

  constructor(parts: WatchdogLinkParts) {
    this.#parts = parts;
  }

  /** Takes another LED, and leaves the old one red; false when it is the same. */
  open(config: LedConfig): boolean {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return false;
    const isFirst = !this.#isNeeded;
    this.#config = config;
    this.keep();
    if (isFirst) {
      // What an earlier process left there may be green: red until a keeper answers.
      this.#openedAt = monotonicMs();
      this.#takeOver('red');
    }
    this.beat();
    return true;
  }

  show(pattern: LedPattern): void {
    if (pattern === this.#pattern) return;
    this.#pattern = pattern;
    this.#say();
  }

  /** Tells the keeper that the daemon lives. Called twice a second at least, and only while it does its work. */
  beat(): void {
    if (this.#closed) return;
    if (this.#socket === undefined && this.#isNeeded) this.#connect();
    this.#say();
    const now = monotonicMs();
    const isLost = this.#isNeeded && now - Math.max(this.#heardAt, this.#openedAt) > SILENCE_MS;
    if (isLost) this.#lost();
    else if (!this.#isNeeded) this.#parts.gone(undefined);
    this.#own?.show(isLost ? NOBODY_WATCHES : 'red');
  }

  /** What must be found at a restart was removed. */
  keep(): void {
    const config = this.#config;
    if (config !== undefined) this.#attempt(() => writeLedRecord(this.#parts.runtimeDir, config));
  }

  close(): void {
    this.#closed = true;
    if (this.#isConnected) this.#socket?.write(`${JSON.stringify({ bye: true } satisfies Farewell)}\n`);
    // Before this process ends, whatever the keeper is about: red, and steady.
    this.#takeOver('red');
    this.#own?.close();
  }

  get #isNeeded(): boolean {
    return this.#config !== undefined && this.#config.driver !== 'none';
  }

  #say(): void {
    const [socket, lamp] = [this.#socket, this.#config];
    if (lamp === undefined || socket === undefined || !this.#isConnected || socket.writableNeedDrain) return;
    const beat: Beat = {
      at: monotonicMs(),
      pattern: this.#pattern,
      lamp,
      ...(this.#again ? { again: true } : {}),
    };
    this.#again = false;
    socket.write(`${JSON.stringify(beat)}\n`);
  }

  #connect(): void {
    const reader = new LineReader();
    const socket = createConnection(join(this.#parts.runtimeDir, LIGHT_SOCKET));
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      this.#isConnected = true;
      this.#say();
    });
    socket.on('data', (text: string) => {
      for (const value of reader.push(text)) this.#heard(value);
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

  #heard(value: unknown): void {
    if (typeof value !== 'object' || value === null || !('shown' in value)) return;
    const { fault } = value as Echo;
    this.#heardAt = monotonicMs();
    this.#parts.fault(fault);
    this.#parts.gone(undefined);
    if (this.#own === undefined) return;
    this.#own.close();
    this.#own = undefined;
    // This process had its hand at the light.
    this.#again = true;
    this.#say();
  }

  #lost(): void {
    this.#heardAt = -Infinity;
    this.#openedAt = -Infinity;
    this.#takeOver(NOBODY_WATCHES);
    this.#parts.gone('the LED watchdog is gone');
  }

  #takeOver(pattern: LedPattern): void {
    if (this.#config === undefined || !this.#isNeeded) return;
    this.#own ??= new Light(this.#parts.runtimeDir);
    this.#own.take(this.#config);
    this.#own.show(pattern);
  }

  /** A process of its own session: what ends the daemon's group must not end it. */
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
      // No process or memory left: said by the light itself, and tried again.
      this.#child = undefined;
    }
  }

  #attempt(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#parts.fault(
        `The LED cannot be written down (${error instanceof Error ? error.message : String(error)}).`,
      );
    }
  }
}
