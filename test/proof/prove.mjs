// npm run prove [-- COUNT [SEED]]: proves the rulesets of COUNT random policies (1,000) and of all shipped ones, in every state, as root.
//          -- mutants [COUNT [SEED]]: makes one place of the bytecode wrong, and asks the theorems.
// Knows: how the work is shared and told. Must not know: what is proven. What a theorem does not hold for is printed, and is a capture beside.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const WORKERS = Math.min(2, availableParallelism());
const words = process.argv.slice(2);
const isMutation = words[0] === 'mutants';
const [count = isMutation ? 500 : 1000, seed = 1] = words.slice(isMutation ? 1 : 0).map(Number);

for (const [program, args] of [
  ['z3', ['--version']],
  ['nft', ['--version']],
]) {
  if (spawnSync(program, args).error === undefined) continue;
  process.stderr.write(
    `${program} is missing: apt-get install ${program === 'nft' ? 'nftables' : program}\n`,
  );
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  process.stderr.write('rulesets are proven as the kernel has them: run as root\n');
  process.exit(2);
}

const built = mkdtempSync(join(tmpdir(), 'leakguard-prove-'));
const refuted = isMutation ? '' : mkdtempSync(join(tmpdir(), 'leakguard-refuted-'));
const input = fileURLToPath(new URL('prove-share.ts', import.meta.url));
const bundle = await rolldown({ input, platform: 'node' });
await bundle.write({ file: join(built, 'prove.mjs'), format: 'esm' });
await bundle.close();

const root = fileURLToPath(new URL('../..', import.meta.url));
if (isMutation) {
  const done = spawnSync(
    process.execPath,
    [join(built, 'prove.mjs'), 'mutants', String(count), String(seed)],
    { stdio: 'inherit', cwd: root },
  );
  rmSync(built, { recursive: true });
  process.exit(done.status ?? 1);
}

const began = Date.now();
const sums = { policies: 0, states: 0, questions: 0, repeated: 0, refuted: 0, slowest: 0 };
const shares = Array.from({ length: WORKERS }, (_, at) => {
  const child = spawn(
    process.execPath,
    [join(built, 'prove.mjs'), at, count, WORKERS, seed, refuted].map(String),
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: root,
    },
  );
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { name, states, questions, repeated, seconds, refutations } = JSON.parse(line);
    sums.policies += 1;
    sums.states += states;
    sums.questions += questions;
    sums.repeated += repeated;
    sums.refuted += refutations.length;
    sums.slowest = Math.max(sums.slowest, seconds);
    for (const text of refutations) process.stdout.write(`\r\x1b[K${text}\n`);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text()} ${name}`);
    else if (sums.policies % 10 === 0) process.stderr.write(`${text()}\n`);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((done) => child.on('close', done));
});
const text = () => {
  const seconds = Math.round((Date.now() - began) / 1000);
  return `${sums.policies} policies, ${sums.states} states, ${sums.questions} questions (${sums.repeated} more were asked before), ${sums.refuted} refuted, ${seconds} s, at most ${sums.slowest.toFixed(1)} s for one policy`;
};
const ends = await Promise.all(shares);
rmSync(built, { recursive: true });
if (sums.refuted === 0) rmSync(refuted, { recursive: true });
process.stdout.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${text()}\n`);
process.exitCode = sums.refuted > 0 || ends.some((code) => code !== 0) ? 1 : 0;
