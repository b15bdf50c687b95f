// npm run prove [-- COUNT [SEED]]: proves the rulesets of COUNT random policies (1,000) and of all shipped ones, in every state, as root.
//          -- mutants [COUNT [SEED]]: makes one place of the bytecode wrong, and asks the theorems.
//          -- faults: makes one compiler wrong at a time, and sends the frames that refute it over a real bridge.
// Knows: how the proof is built and begun. Must not know: what is proven. What a theorem does not hold for is printed, and is a capture beside.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const words = process.argv.slice(2);
const [count = 1000, seed = 1] = words.map(Number);

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
const refuted = mkdtempSync(join(tmpdir(), 'leakguard-refuted-'));
const input = fileURLToPath(new URL('prove-share.ts', import.meta.url));
const bundle = await rolldown({ input, platform: 'node' });
await bundle.write({ file: join(built, 'prove.mjs'), format: 'esm' });
await bundle.close();

const root = fileURLToPath(new URL('../..', import.meta.url));
const args = words[0] === 'mutants' || words[0] === 'faults' ? words : ['all', count, seed, refuted];
const child = spawn(process.execPath, [join(built, 'prove.mjs'), ...args.map(String)], {
  stdio: 'inherit',
  cwd: root,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  rmSync(built, { recursive: true });
  if (code === 0) rmSync(refuted, { recursive: true });
  process.exitCode = code ?? 1;
});
