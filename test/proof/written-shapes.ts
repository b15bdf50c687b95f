// Writes the proven shapes into the product (src/policy/compile/proven-shapes.ts), with a hash of the specification and the model that they were
// proven with, so that a test can say when they have to be proven anew.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { ProvenShapes } from '../../src/policy/compile/proven.ts';

const FILE = 'src/policy/compile/proven-shapes.ts';

/** What the proof rests on: another specification or model has proven nothing yet. */
const GROUND =
  /^(?:spec.*|what-.*|sight|clause|messages|terms|frame|model|bytecode|theorems|symbols|expr|prove)\.ts$/;

export function ground(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync('test/proof')
    .filter((file) => GROUND.test(file))
    .sort())
    hash.update(readFileSync(`test/proof/${name}`));
  return hash.digest('base64url').slice(0, 22);
}

/** `rests`: the ground when the proof began. */
export function writeShapes(shapes: ProvenShapes, rests: string): void {
  const lines = [
    '// Made by `npm run prove` (test/proof): the shapes of tables that were proven. Not to be changed by hand.',
    '',
    "import type { ProvenShapes } from './proven.ts';",
    '',
    '/** The specification and the model that they were proven with. */',
    `export const PROVEN_WITH = '${rests}';`,
    '',
    `export const PROVEN_SHAPES: ProvenShapes = ${JSON.stringify(shapes)};`,
    '',
  ];
  writeFileSync(FILE, lines.join('\n'));
  execFileSync(process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--write', FILE]);
}
