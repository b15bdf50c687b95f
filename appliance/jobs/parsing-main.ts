// Knows: how the process that parses takes one job after the other. Must not know: who asks, what a job does.
// Its parent ends it when a job takes too long: nothing here is worth keeping.

import type { JobMessage } from './job-process.ts';
import { doJob } from './parsing.ts';
import type { Given, JobKind } from './parsing.ts';
import { standBack } from './stand-back.ts';

/** A text can hold a hundred thousand errors of YAML, and nobody reads where in the parser each arose. */
Error.stackTraceLimit = 0;

standBack();
process.on('message', ({ kind, given }: JobMessage) => {
  process.send?.({ result: doJob(kind as JobKind, given as Given<JobKind>) });
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
