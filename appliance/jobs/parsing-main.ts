// The process that parses: it does one job after the other. It keeps no state, so its parent can kill it when a job takes too long.

import type { JobMessage } from './job-process.ts';
import { doJob } from './parsing.ts';
import type { Given, JobKind } from './parsing.ts';
import { lowerPriority } from './stand-back.ts';

/** A text can have a hundred thousand YAML errors, and nobody needs their stack traces. */
Error.stackTraceLimit = 0;

lowerPriority();
process.on('message', ({ kind, given }: JobMessage) => {
  process.send?.({ result: doJob(kind as JobKind, given as Given<JobKind>) });
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
