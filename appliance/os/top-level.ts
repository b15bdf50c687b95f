// The top-level directory of this project or of its installation.

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

/** The directory that holds package.json. */
export const TOP = topLevel();
