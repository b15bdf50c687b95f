// Knows: where this project, or what is installed of it, begins. Must not know: what lies there.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function topLevel(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder)
      throw new Error(`no package.json above ${import.meta.dirname}: is this an installation?`);
    folder = above;
  }
  return folder;
}

/** Where package.json is. */
export const TOP = topLevel();
