// Parses in two processes, so that a policy change never waits behind a preview.

import { fileURLToPath } from 'node:url';

import type { Given, JobKind, Parsing, ParsingJobs, Result } from './parsing.ts';
import { JOB_LIMITS, JobProcess } from './job-process.ts';

const MAIN = fileURLToPath(new URL('./parsing-main.js', import.meta.url));

/** Two processes, each started when needed: one for previews and imports, one for policy changes. */
export class ParsingLanes implements Parsing {
  readonly #previews = new JobProcess<ParsingJobs>(MAIN);
  /** Twenty thousand endpoints take a small board some seconds. */
  readonly #changes = new JobProcess<ParsingJobs>(MAIN, { ...JOB_LIMITS, deadlineMs: 10_000 });

  /** Does a job in the process for its kind; jobs of one process run one after the other. Rejects with JobError. */
  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>> {
    return (kind === 'import' || kind === 'settings' ? this.#previews : this.#changes).run(kind, given);
  }

  /** Ends both processes; jobs that wait are refused. */
  close(): void {
    this.#previews.close();
    this.#changes.close();
  }
}
