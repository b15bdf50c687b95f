// Knows: how much of a name is shown under each privacy setting. Must not know: where names come from or go.
// DESIGN section 4 (`privacy`). Judgement always works on whole names; only what is kept or shown is shortened.

import type { Policy } from '../policy/policy.ts';

export type Privacy = Policy['privacy'];

export const PRIVACIES: readonly Privacy[] = ['full', 'redacted', 'minimal'];

const HIDDEN = '(hidden)';

/** `full` as it is; `redacted` keeps the last two labels (`*.example.com`); `minimal` hides the name. */
export function showName(name: string, privacy: Privacy): string {
  if (privacy === 'full') return name;
  if (privacy === 'minimal') return HIDDEN;
  const labels = name.split('.');
  if (labels.length > 2) return `*.${labels.slice(-2).join('.')}`;
  // A host's own name (DHCP, NetBIOS) is all identity: nothing of it can stay.
  return labels.length === 2 ? name : HIDDEN;
}
