// Knows: a process that does one job after the other, and what becomes of a job that takes too long. Must not know: any job.
// A process, not a thread: V8 ends all of a process whose stack or memory a text has used up, and a native module that is busy
// cannot be stopped in a thread.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import { afterReading } from '../os/after-reading.ts';

/** Jobs by their kind: what is given and what comes back is plain data. */
export type Jobs = Readonly<Record<string, { readonly given: unknown; readonly result: unknown }>>;

/** What the process is sent. It says `ready` when it is, and answers each job with its result, or with the parts of it. */
export interface JobMessage {
  readonly kind: string;
  readonly given: unknown;
}

/** `busy`: too many wait · `too-costly`: ended for its time or memory · `unusable`: there is no such process · `failed`: it says why. */
export class JobError extends Error {
  readonly code: 'busy' | 'too-costly' | 'unusable' | 'failed';

  constructor(code: JobError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'JobError';
    this.code = code;
  }
}

export interface JobLimits {
  /** A job that takes longer is given up, milliseconds. */
  readonly deadlineMs: number;
  /** How long the process may take to start: seconds on a small board under load. */
  readonly startMs: number;
  /** Jobs that wait; one more is refused. */
  readonly waiting: number;
  /** Without work the process ends after this: it is rarely needed, and its memory often. */
  readonly idleMs: number;
  /** What V8 may keep of it, megabytes. */
  readonly heapMb: number;
}

export const JOB_LIMITS: JobLimits = {
  deadlineMs: 2_000,
  startMs: 20_000,
  waiting: 8,
  idleMs: 5_000,
  heapMb: 128,
};

interface Waiting extends JobMessage {
  readonly settle: (result: unknown) => void;
  readonly refuse: (error: JobError) => void;
}

export class JobProcess<J extends Jobs> {
  readonly #limits: JobLimits;
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #queue: Waiting[] = [];
  #child: ChildProcess | undefined;
  #isReady = false;
  #job: Waiting | undefined;
  /** Of an answer that comes in pieces. */
  readonly #parts: Uint8Array[] = [];
  #callOff: () => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `program`: the path of a module that takes JobMessages from its parent. */
  constructor(program: string, limits: JobLimits = JOB_LIMITS, args: readonly string[] = []) {
    this.#program = program;
    this.#limits = limits;
    this.#args = args;
  }

  /** Rejects with JobError. */
  run<K extends string & keyof J>(kind: K, given: J[K]['given']): Promise<J[K]['result']> {
    if (this.#queue.length >= this.#limits.waiting)
      return Promise.reject(new JobError('busy', 'too much of this kind waits: try again'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ kind, given, settle: resolve, refuse: reject });
      this.#next();
    });
  }

  /** Ends the process; what waits is refused. */
  close(): void {
    this.#fail('unusable', 'the box is stopping');
    for (const waiting of this.#queue.splice(0))
      waiting.refuse(new JobError('unusable', 'the box is stopping'));
  }

  #next(): void {
    if (this.#job !== undefined) return;
    this.#job = this.#queue.shift();
    clearTimeout(this.#idle);
    if (this.#job !== undefined) {
      if (this.#child === undefined) this.#start();
      else if (this.#isReady) this.#send(this.#job);
    } else if (this.#child !== undefined) {
      this.#idle = setTimeout(() => this.#end(), this.#limits.idleMs);
    }
  }

  #start(): void {
    let child: ChildProcess;
    try {
      child = this.#fork();
    } catch (error) {
      // No handles or processes left: that is said to whoever asked, and the next job tries again.
      this.#fail('unusable', 'the process for this cannot be started', error);
      return;
    }
    this.#child = child;
    this.#isReady = false;
    this.#listen(child);
  }

  #fork(): ChildProcess {
    return fork(this.#program, [...this.#args], {
      execArgv: [`--max-old-space-size=${this.#limits.heapMb}`, '--max-semi-space-size=4'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
  }

  #listen(child: ChildProcess): void {
    this.#patience(this.#limits.startMs, 'unusable', 'the process for this does not start');
    child.on('message', (message) => {
      if (child !== this.#child) return;
      const { part } = message as { readonly part?: Uint8Array };
      if (part !== undefined) {
        this.#parts.push(part);
        return;
      }
      this.#callOff();
      if (message === 'ready') {
        this.#isReady = true;
        if (this.#job !== undefined) this.#send(this.#job);
        return;
      }
      const job = this.#job;
      this.#job = undefined;
      const { result, failed } = message as { readonly result?: unknown; readonly failed?: string };
      const parts = this.#parts.splice(0);
      if (failed === undefined) job?.settle(parts.length > 0 ? Buffer.concat(parts) : result);
      else job?.refuse(new JobError('failed', failed));
      this.#next();
    });
    child.once('error', (error) => {
      if (child === this.#child)
        this.#fail('unusable', `the process for this cannot run: ${error.message}`, error);
    });
    child.once('exit', () => {
      if (child !== this.#child) return;
      if (this.#isReady) this.#fail('too-costly', 'this takes more memory than it may');
      else this.#fail('unusable', 'the process for this ended before it began');
    });
  }

  #send({ kind, given }: Waiting): void {
    this.#patience(this.#limits.deadlineMs, 'too-costly', 'this takes longer than it may');
    try {
      this.#child?.send({ kind, given }, (error) => {
        if (error !== null) this.#fail('unusable', `the process for this is gone: ${error.message}`, error);
      });
    } catch (error) {
      this.#fail('too-costly', 'this cannot be handed to the process for it', error);
    }
  }

  /** Its next word must come within this. An answer that waits to be read while this process was held up counts. */
  #patience(ms: number, code: JobError['code'], message: string): void {
    this.#callOff();
    this.#callOff = afterReading(ms, () => this.#fail(code, message));
  }

  /** Ends the process and what it was doing; the next job gets a new one. */
  #fail(code: JobError['code'], message: string, cause?: unknown): void {
    const job = this.#job;
    this.#job = undefined;
    this.#end();
    job?.refuse(new JobError(code, message, cause));
    this.#next();
  }

  #end(): void {
    this.#callOff();
    clearTimeout(this.#idle);
    this.#parts.length = 0;
    const child = this.#child;
    this.#child = undefined;
    // Its end is no news any more.
    child?.removeAllListeners().on('error', () => undefined);
    child?.kill('SIGKILL');
  }
}
