// Restores the machine: bridge and settings first, the rules last, when there is no bridge left that could forward anything.

import { join } from 'node:path';
import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import { applyRuleset } from '../bridge/nftables.ts';
import { UndoRecord } from '../os/undo-record.ts';

/**
 * The record of everything that was changed on this machine, in undo.json in this directory. A file that is missing or invalid counts as
 * empty; does not throw.
 */
export function undoRecordIn(runtimeDir: string): UndoRecord {
  return new UndoRecord(join(runtimeDir, 'undo.json'));
}

/**
 * Undoes all changes to the machine, then removes the rules. Returns what could not be undone, one sentence each; if there is anything, the
 * rules stay. Empty: all is as before Leakguard. Rejects with RunError when nft fails.
 */
export async function release(runtimeDir: string): Promise<readonly string[]> {
  const failures = await undoRecordIn(runtimeDir).undoAll();
  if (failures.length === 0)
    await applyRuleset(`table ${FAMILY} ${TABLE} {}\ndelete table ${FAMILY} ${TABLE}\n`);
  return failures;
}
