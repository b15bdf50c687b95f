// How to run the fuzz tests for longer than a test run should.
// node test/bench/fuzz.mjs [frames a seed, default 20 million] [seed]

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [frames = '20000000', seed] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const env = { ...process.env, FUZZ_FRAMES: frames, ...(seed === undefined ? {} : { FUZZ_SEED: seed }) };
const run = spawnSync(process.execPath, [vitest, 'run', 'test/property/fuzz.test.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exitCode = run.status ?? 1;
