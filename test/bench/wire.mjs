// Which tests on the wire have a long form that tells figures.
// npm run bench -- wire NAME, as root and after a build. ADVERSARY_SEEDS, ADVERSARY_SECONDS and ACCOUNT_SEEDS choose less of it;
// `day` is a day of forged leaks in simulated time, for which nobody has to be root.

import { spawnSync } from 'node:child_process';

/** @type {Readonly<Record<string, readonly string[]>>} */
const TESTS = {
  adversary: ['netns', 'test/netns/adversary.test.ts'],
  account: ['netns', 'test/netns/account.test.ts'],
  floods: ['netns', 'test/netns/floods.test.ts'],
  canary: ['netns', 'test/netns/canary-sight.test.ts'],
  differential: ['netns', 'test/netns/differential.test.ts'],
  names: ['netns', 'test/netns/named-life.test.ts'],
  split: ['netns', 'test/netns/split.test.ts'],
  day: ['unit', 'test/appliance/tap/canary-day.test.ts'],
};
const [name = '', ...rest] = process.argv.slice(2);
const [project, file] = TESTS[name] ?? [];
if (project === undefined || file === undefined) {
  process.stderr.write(`npm run bench -- wire ${Object.keys(TESTS).join(' | ')}\n`);
  process.exit(2);
}
const env = { CANARY_HOURS: '24', ...process.env, LEAKGUARD_LONG: '1' };
const { status } = spawnSync('npx', ['vitest', 'run', '--project', project, file, ...rest], {
  stdio: 'inherit',
  env,
});
process.exitCode = status ?? 1;
