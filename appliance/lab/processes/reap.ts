// Program of the lab: `reap ID` takes the lab down when its input ends, which happens when the lab's owner ends for any reason. It
// ignores Ctrl-C and outlives a kill -9 of the owner.

import { planOf } from '../plan.ts';
import { teardown } from '../teardown.ts';

const [id] = process.argv.slice(2);
if (id === undefined) throw new Error('usage: reap ID');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.stdin.resume();
process.stdin.on('error', () => process.stdin.destroy());
await new Promise((resolve) => process.stdin.once('close', resolve));
await teardown(planOf(id));
