// Knows: how a program is started, listened to and ended. Must not know: which programs, and that there is a lab.
// Every child is its own process group: Ctrl-C on the terminal reaches the lab only, and the lab ends its children itself.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { LabError } from '../error.ts';

export type Argv = readonly [program: string, ...rest: readonly string[]];

export interface Outcome {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** SIGKILL after this long; the outcome then has code null. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Everything it says is appended here too. */
  readonly log?: string;
  /** How many of its last lines are kept; 1000 unless told. */
  readonly remember?: number;
}

/** All a child needs of an environment: nothing of the caller's reaches into the lab. */
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

/** What stands in for a program that could not be started at all. */
function notStarted(argv: Argv, cause: NodeJS.ErrnoException): LabError {
  const missing = cause.code === 'ENOENT';
  return new LabError(
    missing ? 'command-missing' : 'not-started',
    missing ? `${argv[0]}: not installed` : `${argv[0]}: ${cause.message}`,
    cause,
  );
}

/** Runs to its end. A non-zero exit is an outcome, not an error; a program that is not there is a LabError. */
export function run(argv: Argv, options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = launch(argv, options.env);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A child that ends before it has read its input is judged by its exit code.
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

/** Runs to its end, which must be exit 0; anything else is a LabError with what it said. */
export async function must(argv: Argv, options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (outcome.code === 0) return outcome;
  const said = (outcome.stderr || outcome.stdout).trim();
  throw new LabError('command-failed', `${argv.join(' ')}: exit ${outcome.code ?? 'by signal'}: ${said}`);
}

/** A program that keeps running. Its lines (both streams) can be waited for, from the first one on. */
export class Running {
  readonly argv: Argv;
  readonly pid: number;
  /** Its exit code, null when a signal ended it. Never rejects. */
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
    // The log is a convenience: when its directory has just been taken down, nobody is left to read it.
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

  /** Resolves once the program is running (exec succeeded); rejects with a LabError when it cannot be. */
  static start(argv: Argv, options: StartOptions = {}): Promise<Running> {
    const child = launch(argv, options.env);
    return new Promise((resolve, reject) => {
      child.once('error', (cause) => reject(notStarted(argv, cause)));
      child.once('spawn', () => {
        if (child.pid !== undefined) resolve(new Running(argv, child, child.pid, options));
      });
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What it said lately, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The first line that matches, said already or yet to come. LabError when it ends or the time is up before. */
  line(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
    const said = this.#lines.find((line) => pattern.test(line));
    if (said !== undefined) return Promise.resolve(said);
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

  /** Signals it and waits for its end; SIGKILL when it does not obey within `graceMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 5000): Promise<number | null> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Nothing happens when it has ended: its number may be another's by now. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }
}
