// Which benches there are, by name.
// npm run bench -- NAME [what the bench takes]; build first.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES = [
  'history',
  'names',
  'visits',
  'day',
  'analyze',
  'endpoints',
  'lists',
  'page',
  'capture',
  'requests',
  'wire',
];
const [name = '', ...rest] = process.argv.slice(2);
if (!BENCHES.includes(name)) {
  process.stderr.write(`npm run bench -- ${BENCHES.join(' | ')}\n`);
  process.exit(2);
}
const path = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
process.exitCode = spawnSync(process.execPath, [path, ...rest], { stdio: 'inherit' }).status ?? 1;
