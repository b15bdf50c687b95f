// The version of this program.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { TOP } from './top-level.ts';

/** From package.json. */
export const VERSION: string = (
  JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { version: string }
).version;
