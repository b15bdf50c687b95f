// Knows: that who changes the policy does not wait behind who has a file looked at. Must not know: what is parsed.

import { fileURLToPath } from 'node:url';

import type { Given, JobKind, Parsing, ParsingJobs, Result } from './parsing.ts';
import { JOB_LIMITS, JobProcess } from './job-process.ts';

const MAIN = fileURLToPath(new URL('./parsing-main.js', import.meta.url));

/** Two processes, each started when it is needed: one for what is looked at, one for what is to be in force. */
export class ParsingLanes implements Parsing {
  readonly #looks = new JobProcess<ParsingJobs>(MAIN);
  /** Twenty thousand endpoints take a small board some seconds. */
  readonly #changes = new JobProcess<ParsingJobs>(MAIN, { ...JOB_LIMITS, deadlineMs: 10_000 });

  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>> {
    return (kind === 'import' || kind === 'settings' ? this.#looks : this.#changes).run(kind, given);
  }

  close(): void {
    this.#looks.close();
    this.#changes.close();
  }
}
