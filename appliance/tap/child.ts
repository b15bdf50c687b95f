// Both ends of a capture process: it starts with few rights, takes commands from its IPC channel, sends reports up a pipe, and exits with its
// parent. It is a separate process because it reads untrusted traffic, and because libpcap aborts the process when its interface goes down.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { write, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { MessageReader, encode } from './messages.ts';
import type { Message } from './messages.ts';

/** File descriptor of the pipe in the child. */
const REPORT_FD = 3;

/** What the parent of a capture child hears. */
export interface ChildListener<Report> {
  /** Messages that were completed by one chunk of the pipe; none when it held only part of a message. */
  heard(messages: readonly Message<Report>[]): void;
  /** The child could not be started, or a command could not be sent. */
  failed(message: string): void;
  /** The child has exited, and `heard` has been called with everything that it sent. Both null when it could not be started. */
  closed(code: number | null, signal: NodeJS.Signals | null): void;
}

/**
 * Starts a capture child with this command; `stderr` says what becomes of its stderr. Its environment holds PATH only. A failure that comes
 * later goes to `failed` and `closed`. Throws when the machine has no memory or process left.
 */
export function startChild<Report>(
  [program, ...args]: readonly [string, ...string[]],
  stderr: 'inherit' | 'ignore',
  listener: ChildListener<Report>,
): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', stderr, 'pipe', 'ipc'],
    serialization: 'advanced',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.on('error', (error) => {
    listener.failed(error.message);
  });
  // Unlike `exit`, `close` comes after the last byte of the pipe was read.
  child.once('close', (code, signal) => {
    listener.closed(code, signal);
  });
  const reader = new MessageReader<Report>();
  // When no file handle is left there is no pipe and no process: `error` and `close` follow in the next turn of the event loop.
  const { stdio } = child as { readonly stdio?: ChildProcess['stdio'] };
  const pipe = stdio?.[REPORT_FD] as Readable | null | undefined;
  pipe?.on('data', (chunk: Buffer) => {
    listener.heard(reader.push(chunk));
  });
  return child;
}

/** This process as a capture child. */
export class CaptureChild<Command, Report> {
  /** Messages to the parent; the first is being written. */
  readonly #outbox: Buffer[] = [];
  readonly #isSynchronous: boolean;
  /** The exit code, once the process is to exit when everything is written. */
  #exitCode: number | undefined;

  /**
   * `obey` runs each command; an error that it throws is sent as a fault. Writing does not block reading, except with `isSynchronous`: for a
   * driver that does not return to the event loop while frames arrive.
   */
  constructor(obey: (command: Command) => void, isSynchronous = false) {
    this.#isSynchronous = isSynchronous;
    process.on('message', (command) => {
      try {
        obey(command as Command);
      } catch (error) {
        this.giveUp(error instanceof Error ? error.message : String(error));
      }
    });
    process.once('disconnect', () => process.exit(0));
  }

  /** The process will exit once everything is written. */
  get isEnding(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Sends a message; with an `exitCode` the process exits once everything is written. Never throws: without its parent the process ends. */
  say(message: Message<Report>, exitCode?: number): void {
    this.#exitCode ??= exitCode;
    this.#outbox.push(encode(message));
    if (this.#outbox.length === 1) this.#send(0);
  }

  /** Sends the reason why there will be no more reports, and exits with code 3. */
  giveUp(message: string): void {
    this.say({ type: 'fault', message }, 3);
  }

  #send(from: number): void {
    const [bytes] = this.#outbox;
    if (bytes === undefined) {
      if (this.#exitCode !== undefined) process.exit(this.#exitCode);
      return;
    }
    const wrote = (error: Error | null, written: number): void => {
      // The parent is gone.
      if (error !== null) process.exit(0);
      const isWhole = from + written === bytes.length;
      if (isWhole) this.#outbox.shift();
      this.#send(isWhole ? 0 : from + written);
    };
    if (this.#isSynchronous) wrote(...written(bytes, from));
    else write(REPORT_FD, bytes, from, wrote);
  }
}

function written(bytes: Buffer, from: number): [Error | null, number] {
  try {
    return [null, writeSync(REPORT_FD, bytes, from)];
  } catch (error) {
    return [error as Error, 0];
  }
}
