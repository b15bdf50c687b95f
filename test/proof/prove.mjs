// npm run prove [-- COUNT [SEED]]: proves the rulesets of all shipped policies and of COUNT random ones (1,000) in every state, as root, and
//                                   writes the proven shapes down (src/policy/compile/proven-shapes.ts).
//          -- mutants [COUNT [SEED]]: makes one place of a ruleset's bytecode wrong at a time; a theorem must fail, or it is equivalent.
//          -- filter [STEP]: the same with each STEPth instruction of a capture filter.
//          -- faults: makes one compiler wrong at a time, and sends the frames that refute it over a real bridge.
//          -- sent: makes frames at every boundary, and sends them over a real bridge.
// This file bundles the TypeScript and starts it. A frame for which a theorem does not hold is printed, and written to a capture.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const PROGRAMS = new Set(['mutants', 'filter', 'faults', 'sent']);
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
const args = PROGRAMS.has(words[0] ?? '') ? words : ['all', count, seed, refuted];
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
