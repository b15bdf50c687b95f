// Knows: how the process that reads the past takes one question after the other. Must not know: who asks, what is asked.

import type { JobMessage } from './job-process.ts';
import { doPastJob } from './past.ts';
import type { PastKind } from './past.ts';
import type { PastOrders } from './past-lanes.ts';
import { standBack } from './stand-back.ts';

/** Bytes of a message: its reader joins what comes of it piece by piece, and copies all that is there each time. */
const PART = 131_072;

const [, , stateDir = ''] = process.argv;

standBack();
process.on('message', ({ kind, given }: JobMessage) => {
  let answer: object = { result: undefined };
  try {
    const { asked, eyes } = given as PastOrders[PastKind]['given'];
    const bytes = doPastJob(stateDir, kind as PastKind, asked, eyes);
    for (let at = 0; at < bytes.length; at += PART) process.send?.({ part: bytes.slice(at, at + PART) });
  } catch (error) {
    // What SQLite says is for whoever asked; the next question may find a disk that is well again.
    answer = { failed: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
