// What `npm run prove` (prove.mjs) runs, by its first word.

import { faults } from './faults.ts';
import { filterMutants } from './filter-mutants.ts';
import { mutation } from './mutation.ts';
import { all, share } from './prove-run.ts';
import { sendAll } from './sent.ts';

const [first = '', ...rest] = process.argv.slice(2);
if (first === 'mutants') await mutation(Number(rest[0] ?? 500), Number(rest[1] ?? 1));
else if (first === 'filter')
  process.stdout.write(`${JSON.stringify(await filterMutants(Number(rest[0] ?? 1)))}\n`);
else if (first === 'sent') process.exitCode = (await sendAll()) ? 0 : 1;
else if (first === 'faults') process.exitCode = (await faults()) ? 0 : 1;
else if (first === 'share') await share(rest);
else
  process.exitCode = (await all(process.argv[1] ?? '', Number(rest[0]), Number(rest[1]), rest[2] ?? '.'))
    ? 0
    : 1;
