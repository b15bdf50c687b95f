// Knows: how the box lets go of the machine: bridge and settings as they were, then no rules. Must not know: policy.
// Order matters: the rules go last, when there is no bridge left that could forward anything.

import { join } from 'node:path';
import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import { applyRuleset } from '../bridge/nftables.ts';
import { UndoRecord } from '../os/undo-record.ts';

export function undoRecordIn(runtimeDir: string): UndoRecord {
  return new UndoRecord(join(runtimeDir, 'undo.json'));
}

/** What could not be taken back, one sentence each; the rules stay when there is any. */
export async function release(runtimeDir: string): Promise<readonly string[]> {
  const failures = await undoRecordIn(runtimeDir).undoAll();
  if (failures.length === 0)
    await applyRuleset(`table ${FAMILY} ${TABLE} {}\ndelete table ${FAMILY} ${TABLE}\n`);
  return failures;
}
