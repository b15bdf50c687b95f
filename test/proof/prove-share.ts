// One of the processes of `npm run prove` (prove.mjs).

import { main } from './prove.ts';

await main(process.argv.slice(2));
