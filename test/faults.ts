// Where the inputs are that the product once got wrong.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `captures/`, `configs/` and scripts for the wire. */
export const FAULTS = fileURLToPath(new URL('../../shared/faults', import.meta.url));
/** A checkout by itself has none of them. */
export const hasFaults = existsSync(FAULTS);
if (!hasFaults)
  process.stdout.write('skipped: ../shared/faults is not there, nothing that was once wrong to try\n');
