// Knows: that its input ends when the lab's owner does, however that came about. Must not know: what the owner does.
// A program of the lab: `reap ID`. It outlives Ctrl-C and the owner's kill -9, takes the lab down, and then ends.

import { planOf } from '../plan.ts';
import { teardown } from '../teardown.ts';

const [id] = process.argv.slice(2);
if (id === undefined) throw new Error('usage: reap ID');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.stdin.resume();
process.stdin.on('error', () => process.stdin.destroy());
await new Promise((resolve) => process.stdin.once('close', resolve));
await teardown(planOf(id));
