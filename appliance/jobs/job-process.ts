// Runs jobs in a child process, one after the other, and kills it when a job takes too long. A process, not a thread: when a text exhausts
// stack or memory V8 ends the whole process, and a busy native module in a thread cannot be stopped.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import { afterReading } from '../os/after-reading.ts';

/** Jobs by kind; input and result are plain data. */
export type Jobs = Readonly<Record<string, { readonly given: unknown; readonly result: unknown }>>;

/** A job as it is sent to the process. The process sends `ready` once, then for each job its result, preceded by parts if it is large. */
export interface JobMessage {
  readonly kind: string;
  readonly given: unknown;
}

/**
 * Why a job has no result. `busy`: too many jobs wait · `too-costly`: killed for its time or memory · `unusable`: the process does not run
 * · `failed`: the job failed, and the message is that of its error.
 */
export class JobError extends Error {
  readonly code: 'busy' | 'too-costly' | 'unusable' | 'failed';

  constructor(code: JobError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'JobError';
    this.code = code;
  }
}

/** What a job may cost. */
export interface JobLimits {
  /** A job that takes longer is killed, milliseconds. */
  readonly deadlineMs: number;
  /** How long the process may take to start, milliseconds: on a small board under load it takes seconds. */
  readonly startMs: number;
  /** Most jobs that wait; further ones are refused. */
  readonly waiting: number;
  /** An idle process is ended after this time, milliseconds: it is rarely needed, its memory often is. */
  readonly idleMs: number;
  /** V8's heap limit, megabytes. */
  readonly heapMb: number;
}

/** For jobs on a policy text. */
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

/** One child process, started when the first job comes. */
export class JobProcess<J extends Jobs> {
  readonly #limits: JobLimits;
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #queue: Waiting[] = [];
  #child: ChildProcess | undefined;
  #isReady = false;
  #job: Waiting | undefined;
  /** Parts of the current result. */
  readonly #parts: Uint8Array[] = [];
  #callOff: () => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `program`: the path of a module that takes JobMessages from its parent. */
  constructor(program: string, limits: JobLimits = JOB_LIMITS, args: readonly string[] = []) {
    this.#program = program;
    this.#limits = limits;
    this.#args = args;
  }

  /** Runs a job after those before it; a result that was sent in parts arrives as one Buffer. Rejects with JobError. */
  run<K extends string & keyof J>(kind: K, given: J[K]['given']): Promise<J[K]['result']> {
    if (this.#queue.length >= this.#limits.waiting)
      return Promise.reject(new JobError('busy', 'too many such requests are waiting: try again'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ kind, given, settle: resolve, refuse: reject });
      this.#next();
    });
  }

  /** Ends the process and refuses the jobs that wait. */
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
      // No file descriptors or processes left: report that to the caller; the next job tries again.
      this.#fail('unusable', 'the process for this request cannot be started', error);
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
    this.#patience(this.#limits.startMs, 'unusable', 'the process for this request does not start');
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
        this.#fail('unusable', `the process for this request cannot run: ${error.message}`, error);
    });
    child.once('exit', () => {
      if (child !== this.#child) return;
      if (this.#isReady) this.#fail('too-costly', 'this request needs more memory than allowed');
      else this.#fail('unusable', 'the process for this request ended before it was ready');
    });
  }

  #send({ kind, given }: Waiting): void {
    this.#patience(this.#limits.deadlineMs, 'too-costly', 'this request takes longer than allowed');
    try {
      this.#child?.send({ kind, given }, (error) => {
        if (error !== null)
          this.#fail('unusable', `the process for this request is gone: ${error.message}`, error);
      });
    } catch (error) {
      this.#fail('too-costly', 'this request cannot be passed to its process', error);
    }
  }

  /** Fails unless the next message arrives within `ms`. A message that arrived while this process was held up and is still unread counts. */
  #patience(ms: number, code: JobError['code'], message: string): void {
    this.#callOff();
    this.#callOff = afterReading(ms, () => this.#fail(code, message));
  }

  /** Ends the process and refuses the current job; the next job gets a new process. */
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
    // Its exit must not be handled as a failure.
    child?.removeAllListeners().on('error', () => undefined);
    child?.kill('SIGKILL');
  }
}
