// Knows: how a process that captures lives, from both sides: started with few rights, obeys what comes down its IPC channel, tells what it
// has to say up a pipe, is gone with its parent. Must not know: what is captured, what for.
// A process of its own: it reads what strangers send, and libpcap aborts the process whose interface goes down.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { write, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { MessageReader, encode } from './messages.ts';
import type { Message } from './messages.ts';

/** File descriptor of the pipe in the child. */
const REPORT_FD = 3;

export interface ChildListener<Report> {
  /** What has come at once: nothing where it was a piece of a message. */
  heard(messages: readonly Message<Report>[]): void;
  /** It could not be started or told something. */
  failed(message: string): void;
  /** It is gone, and all that it had said was heard. */
  closed(code: number | null, signal: NodeJS.Signals | null): void;
}

/** Starts a capture child; `stderr` is where its own goes. Throws where the machine has no memory or processes. */
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
  // `close` comes after the last byte of the pipe was read.
  child.once('close', (code, signal) => {
    listener.closed(code, signal);
  });
  const reader = new MessageReader<Report>();
  // Without a handle left there is no pipe, and no process: `error` and `close` come in the next turn.
  const { stdio } = child as { readonly stdio?: ChildProcess['stdio'] };
  const pipe = stdio?.[REPORT_FD] as Readable | null | undefined;
  pipe?.on('data', (chunk: Buffer) => {
    listener.heard(reader.push(chunk));
  });
  return child;
}

/** This process as a capture child. */
export class CaptureChild<Command, Report> {
  /** What is on its way to the parent, and what else there is to say. */
  readonly #outbox: Buffer[] = [];
  readonly #atOnce: boolean;
  /** The code to end with when all is said. */
  #ending: number | undefined;

  /**
   * Does what it is told by `obey`; what that throws is a fault. Frames are read while a slow parent keeps words waiting, but with
   * `atOnce`: for a driver that does not return to the event loop while frames come.
   */
  constructor(obey: (command: Command) => void, atOnce = false) {
    this.#atOnce = atOnce;
    process.on('message', (command) => {
      try {
        obey(command as Command);
      } catch (error) {
        this.giveUp(error instanceof Error ? error.message : String(error));
      }
    });
    process.once('disconnect', () => process.exit(0));
  }

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Ends with the code `ending`, where there is one, when it is said. */
  say(message: Message<Report>, ending?: number): void {
    this.#ending ??= ending;
    this.#outbox.push(encode(message));
    if (this.#outbox.length === 1) this.#send(0);
  }

  /** Tells why there will be no more reports, and ends. */
  giveUp(message: string): void {
    this.say({ type: 'fault', message }, 3);
  }

  #send(from: number): void {
    const [bytes] = this.#outbox;
    if (bytes === undefined) {
      if (this.#ending !== undefined) process.exit(this.#ending);
      return;
    }
    const wrote = (error: Error | null, written: number): void => {
      // The parent is gone: nobody is left to report to.
      if (error !== null) process.exit(0);
      const isWhole = from + written === bytes.length;
      if (isWhole) this.#outbox.shift();
      this.#send(isWhole ? 0 : from + written);
    };
    if (this.#atOnce) wrote(...written(bytes, from));
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
