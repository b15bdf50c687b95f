// Knows: a process that parses what people and browsers send, one text at a time, and what becomes of one that takes too long.
// Must not know: what is parsed. A process, not a thread: V8 ends all of a process whose stack or memory a text has used up.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { afterReading } from '../after-reading.ts';
import type { Given, JobKind, Parsing, Result } from './jobs.ts';

/** `busy`: too many wait · `too-costly`: ended for its time or memory · `unusable`: there is no such process. */
export class ParsingError extends Error {
  readonly code: 'busy' | 'too-costly' | 'unusable';

  constructor(code: ParsingError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ParsingError';
    this.code = code;
  }
}

export interface ParserLimits {
  /** A text that takes longer is given up, milliseconds. */
  readonly deadlineMs: number;
  /** How long the process may take to start: seconds on a small board under load. */
  readonly startMs: number;
  /** Texts that wait; one more is refused. */
  readonly waiting: number;
  /** Without work the process ends after this: it is rarely needed, and its memory often. */
  readonly idleMs: number;
  /** What V8 may keep of it, megabytes. */
  readonly heapMb: number;
}

export const PARSER_LIMITS: ParserLimits = {
  ...{ deadlineMs: 2_000, startMs: 20_000, waiting: 8, idleMs: 5_000, heapMb: 128 },
};

interface Waiting {
  readonly kind: JobKind;
  readonly given: unknown;
  readonly settle: (result: unknown) => void;
  readonly refuse: (error: ParsingError) => void;
}

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

export class ParserProcess implements Parsing {
  readonly #limits: ParserLimits;
  readonly #program: string;
  readonly #queue: Waiting[] = [];
  #child: ChildProcess | undefined;
  #isReady = false;
  #job: Waiting | undefined;
  #callOff: () => void = () => undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(limits: ParserLimits = PARSER_LIMITS, program: string = MAIN) {
    this.#limits = limits;
    this.#program = program;
  }

  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>> {
    if (this.#queue.length >= this.#limits.waiting)
      return Promise.reject(new ParsingError('busy', 'too many texts wait to be read: try again'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ kind, given, settle: resolve as (result: unknown) => void, refuse: reject });
      this.#next();
    });
  }

  /** Ends the process; what waits is refused. */
  close(): void {
    this.#fail('unusable', 'the reader of texts was stopped');
    for (const waiting of this.#queue.splice(0))
      waiting.refuse(new ParsingError('unusable', 'the reader of texts was stopped'));
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
      // No handles or processes left: that is said to whoever asked, and the next text tries again.
      this.#fail('unusable', 'the reader of texts cannot be started', error);
      return;
    }
    this.#child = child;
    this.#isReady = false;
    this.#listen(child);
  }

  #fork(): ChildProcess {
    return fork(this.#program, [], {
      execArgv: [`--max-old-space-size=${this.#limits.heapMb}`, '--max-semi-space-size=4'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
  }

  #listen(child: ChildProcess): void {
    this.#patience(this.#limits.startMs, 'unusable', 'the reader of texts does not start');
    child.on('message', (message) => {
      if (child !== this.#child) return;
      this.#callOff();
      if (message === 'ready') {
        this.#isReady = true;
        if (this.#job !== undefined) this.#send(this.#job);
        return;
      }
      const job = this.#job;
      this.#job = undefined;
      job?.settle((message as { readonly result: unknown }).result);
      this.#next();
    });
    child.once('error', (error) => {
      if (child === this.#child)
        this.#fail('unusable', `the reader of texts cannot run: ${error.message}`, error);
    });
    child.once('exit', () => {
      if (child !== this.#child) return;
      if (this.#isReady) this.#fail('too-costly', 'this text takes more memory to read than it may');
      else this.#fail('unusable', 'the reader of texts ended before it began');
    });
  }

  #send({ kind, given }: Waiting): void {
    this.#patience(this.#limits.deadlineMs, 'too-costly', 'this text takes longer to read than it may');
    try {
      this.#child?.send({ kind, given }, (error) => {
        if (error !== null) this.#fail('unusable', `the reader of texts is gone: ${error.message}`, error);
      });
    } catch (error) {
      this.#fail('too-costly', 'this cannot be handed to the reader of texts', error);
    }
  }

  /** Its next word must come within this. An answer that waits to be read while this process was held up counts. */
  #patience(ms: number, code: ParsingError['code'], message: string): void {
    this.#callOff();
    this.#callOff = afterReading(ms, () => this.#fail(code, message));
  }

  /** Ends the process and what it was doing; the next text gets a new one. */
  #fail(code: ParsingError['code'], message: string, cause?: unknown): void {
    const job = this.#job;
    this.#job = undefined;
    this.#end();
    job?.refuse(new ParsingError(code, message, cause));
    this.#next();
  }

  #end(): void {
    this.#callOff();
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = undefined;
    // Its end is no news any more.
    child?.removeAllListeners().on('error', () => undefined);
    child?.kill('SIGKILL');
  }
}
