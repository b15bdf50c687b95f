// Knows: how the process that reads the past takes one question after the other. Must not know: who asks, what is asked.

import type { JobMessage } from './job-process.ts';
import { doPastJob } from './past.ts';
import type { PastJobs, PastKind } from './past.ts';

const [, , stateDir = ''] = process.argv;

process.on('message', ({ kind, given }: JobMessage) => {
  let answer: object;
  try {
    answer = { result: doPastJob(stateDir, kind as PastKind, given as PastJobs[PastKind]['given']) };
  } catch (error) {
    // What SQLite says is for whoever asked; the next question may find a disk that is well again.
    answer = { failed: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
