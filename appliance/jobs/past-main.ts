// The process that reads the history: it answers one question after the other.

import type { JobMessage } from './job-process.ts';
import { doPastJob } from './past.ts';
import type { PastKind } from './past.ts';
import type { PastOrders } from './past-lanes.ts';
import { lowerPriority } from './stand-back.ts';

/** Most bytes of a message: the reader of a message appends each piece that arrives by copying everything before it. */
const PART = 131_072;

const [, , stateDir = ''] = process.argv;

lowerPriority();
process.on('message', ({ kind, given }: JobMessage) => {
  let answer: object = { result: undefined };
  try {
    const { asked, eyes } = given as PastOrders[PastKind]['given'];
    const bytes = doPastJob(stateDir, kind as PastKind, asked, eyes);
    for (let at = 0; at < bytes.length; at += PART) process.send?.({ part: bytes.slice(at, at + PART) });
  } catch (error) {
    // SQLite's error goes to the caller; the process goes on, because the disk may work again for the next question.
    answer = { failed: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
