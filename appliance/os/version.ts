// Knows: which version this is. Must not know: anything else.

import { readFileSync } from 'node:fs';

/** From package.json, two levels above the compiled file. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
