// Knows: how the process that parses takes one job after the other. Must not know: who asks, what a job does.
// Its parent ends it when a job takes too long: nothing here is worth keeping.

import { doJob } from './jobs.ts';
import type { Given, JobKind } from './jobs.ts';

export interface JobMessage<K extends JobKind = JobKind> {
  readonly kind: K;
  readonly given: Given<K>;
}

/** A text can hold a hundred thousand errors of YAML, and nobody reads where in the parser each arose. */
Error.stackTraceLimit = 0;

process.on('message', ({ kind, given }: JobMessage) => {
  process.send?.({ result: doJob(kind, given) });
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
