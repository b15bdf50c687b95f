// The rows of the help page's table: what happens to each kind of traffic, by profile, as measured in profile-table.ts.

import { filled } from '../dossier/eve-words.ts';
import { PROFILE_TABLE } from './help-texts.ts';
import { MEASURED } from './profile-table.ts';

/** A row of the table: what a client does, and what becomes of it. */
export interface ProfileRow {
  readonly action: string;
  /** One text for each profile. */
  readonly cells: readonly string[];
}

/** One row for each line of MEASURED, with one cell for each of PROFILE_HEADS. */
export const PROFILE_ROWS: readonly ProfileRow[] = MEASURED.map((line) => {
  const [action = '', ...fates] = line.split(' | ');
  const cells = fates.flatMap((watched, at) => (at % 2 === 0 ? [words(watched, fates[at + 1] ?? '')] : []));
  return { action, cells };
});

function words(watched: string, blocked: string): string {
  const [, rules] = watched.split(': ');
  const leak = rules === undefined ? PROFILE_TABLE.allowed : filled(PROFILE_TABLE.leak, { rules });
  const isStopped = blocked.startsWith('stopped');
  if (rules === undefined && !isStopped) return leak;
  return `${leak}, ${isStopped ? PROFILE_TABLE.stopped : PROFILE_TABLE.leaves}`;
}
