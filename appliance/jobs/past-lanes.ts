// Answers questions about the history in one process and rewrites it in another, so that neither holds up the daemon.

import { fileURLToPath } from 'node:url';

import { JOB_LIMITS, JobProcess } from './job-process.ts';
import type { RedactionKey, PastJobs, PastKind } from './past.ts';

const MAIN = fileURLToPath(new URL('./past-main.js', import.meta.url));

/** A question reads tens of thousands of rows, which takes seconds on a small board. */
const QUESTION = { ...JOB_LIMITS, deadlineMs: 20_000, heapMb: 192 };
/** Rewriting reads and writes everything, and vacuums the file. */
const REWRITE = { ...QUESTION, deadlineMs: 300_000, waiting: 1, idleMs: 100 };

/** A question, and how its answer is redacted. */
export type PastOrders = {
  readonly [K in PastKind]: {
    readonly given: { readonly asked: PastJobs[K]['given']; readonly eyes: RedactionKey };
    readonly result: PastJobs[K]['result'];
  };
};

/** Two processes: one for questions, one for rewriting. */
export class PastLanes {
  readonly #questions: JobProcess<PastOrders>;
  readonly #rewrite: JobProcess<PastOrders>;

  /** `stateDir` holds the history's file; it is opened anew for each question. */
  constructor(stateDir: string) {
    this.#questions = new JobProcess(MAIN, QUESTION, [stateDir]);
    this.#rewrite = new JobProcess(MAIN, REWRITE, [stateDir]);
  }

  /** Answers a question: bytes as they are sent to the client. `eyes`: how it is redacted. Rejects with JobError. */
  run<K extends PastKind>(kind: K, asked: PastJobs[K]['given'], eyes: RedactionKey): Promise<Uint8Array> {
    return (kind === 'rewrite' ? this.#rewrite : this.#questions).run(kind, { asked, eyes });
  }

  /** Ends both processes; questions that wait are refused. */
  close(): void {
    this.#questions.close();
    this.#rewrite.close();
  }
}
