// One of the processes of `npm run prove` (prove.mjs).

import { mutation } from './mutation.ts';
import { main } from './prove.ts';

const [first = '', ...rest] = process.argv.slice(2);
if (first === 'mutants') await mutation(Number(rest[0] ?? 500), Number(rest[1] ?? 1));
else await main([first, ...rest]);
