// The policy of the guard while no valid one is in force. It has no tunnel, and nothing seen under it is kept: the state can only be `blind`.

import { barePolicy } from '../../../src/policy/schema/bare-policy.ts';
import type { Policy } from '../../../src/policy/policy.ts';

/** A new policy without tunnels, privacy `minimal`, one day of history. It is for the guard only: the kernel gets `closedRuleset` instead. */
export function closedPolicy(): Policy {
  return { ...barePolicy(), localChatter: 'red', privacy: 'minimal', retentionDays: 1 };
}
