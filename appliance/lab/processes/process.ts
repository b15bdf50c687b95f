// Starts and ends programs and reads their output. Every child is in its own process group: Ctrl-C on the terminal reaches only the
// lab, which then ends its children itself.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { LabError } from '../error.ts';

/** A command line. No shell sees it. */
export type Argv = readonly [program: string, ...rest: readonly string[]];

/** How a program ended; its output is decoded as UTF-8. */
export interface Outcome {
  /** Exit code; null when the program was ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  /** What it gets on stdin; nothing by default. */
  readonly input?: string;
  /** SIGKILL after so many milliseconds; the outcome then has code null. No limit by default. */
  readonly timeoutMs?: number;
  /** Added to a fixed environment (PATH and locale). */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program is started in the background. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A file to which all output is appended. */
  readonly log?: string;
  /** Number of recent lines that are kept; default 1000. */
  readonly remember?: number;
}

/** The complete environment of a child: the caller's environment must not affect the lab. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};
const REMEMBERED_LINES = 1000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function launch(argv: Argv, env: Readonly<Record<string, string>> = {}): Child {
  const [program, ...rest] = argv;
  return spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...ENVIRONMENT, ...env },
  });
}

/** The error for a program that could not be started: `command-missing` or `not-started`. */
function notStarted(argv: Argv, cause: NodeJS.ErrnoException): LabError {
  const missing = cause.code === 'ENOENT';
  return new LabError(
    missing ? 'command-missing' : 'not-started',
    missing ? `${argv[0]}: not installed` : `${argv[0]}: ${cause.message}`,
    cause,
  );
}

/**
 * Runs a program to its end. A non-zero exit code and a timeout are no errors. Rejects with LabError `command-missing` or `not-started`
 * when it cannot be started.
 */
export function run(argv: Argv, options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = launch(argv, options.env);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A child may end before it has read its input: its exit code counts, not the broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(notStarted(argv, cause));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({
        code,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      });
    });
  });
}

/** Runs a program to its end. Rejects with LabError `command-failed` and its output unless it exits with 0, and as `run` does. */
export async function must(argv: Argv, options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (outcome.code === 0) return outcome;
  const output = (outcome.stderr || outcome.stdout).trim();
  throw new LabError('command-failed', `${argv.join(' ')}: exit ${outcome.code ?? 'by signal'}: ${output}`);
}

/** A program in the background. The lines of both its output streams can be waited for, from the first one on. */
export class Running {
  readonly argv: Argv;
  readonly pid: number;
  /** Its exit code, or null when it was ended by a signal. Never rejects. */
  readonly exited: Promise<number | null>;
  readonly #child: Child;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string | undefined) => void>();
  #ended = false;

  private constructor(argv: Argv, child: Child, pid: number, options: StartOptions) {
    this.argv = argv;
    this.#child = child;
    this.pid = pid;
    const { log, remember = REMEMBERED_LINES } = options;
    const file = log === undefined ? undefined : createWriteStream(log, { flags: 'a' });
    // Errors of the log are ignored: its directory may just have been removed with the lab.
    file?.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > remember) this.#lines.shift();
        file?.write(`${line}\n`);
        for (const listener of this.#listeners) listener(line);
      });
    child.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#ended = true;
        file?.end();
        for (const listener of this.#listeners) listener(undefined);
        resolve(code);
      });
    });
  }

  /** Starts a program; resolves once exec has succeeded. Rejects with LabError `command-missing` or `not-started`. */
  static start(argv: Argv, options: StartOptions = {}): Promise<Running> {
    const child = launch(argv, options.env);
    return new Promise((resolve, reject) => {
      child.once('error', (cause) => reject(notStarted(argv, cause)));
      child.once('spawn', () => {
        if (child.pid !== undefined) resolve(new Running(argv, child, child.pid, options));
      });
    });
  }

  /** Whether it has ended and its output is complete. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The recent lines of its output, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /**
   * The first line, past or future, of either output stream that matches. Rejects with LabError `not-ready` when the program ends or
   * `timeoutMs` pass first.
   */
  line(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
    const earlier = this.#lines.find((line) => pattern.test(line));
    if (earlier !== undefined) return Promise.resolve(earlier);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const fail = (what: string): void => {
        finish();
        const tail = this.#lines.slice(-5).join(' | ');
        reject(
          new LabError('not-ready', `${this.argv.join(' ')}: ${what} before ${String(pattern)}: ${tail}`),
        );
      };
      const listener = (line: string | undefined): void => {
        if (line === undefined) fail('ended');
        else if (pattern.test(line)) {
          finish();
          resolve(line);
        }
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      this.#listeners.add(listener);
      if (this.#ended) fail('ended');
    });
  }

  /** Sends `signal` and waits for the end; sends SIGKILL after `graceMs`. Returns the exit code, or null when a signal ended it. Never rejects. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 5000): Promise<number | null> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Sends a signal, unless the program has ended: its process number may have been reused. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }
}
