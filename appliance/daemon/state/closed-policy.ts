// Knows: what the guard goes by while no valid policy is in force. Must not know: files.
// It names no tunnel, and nothing of what is seen under it is kept: whatever is shown can only be `blind`.

import { barePolicy } from '../../../src/policy/schema/bare-policy.ts';
import type { Policy } from '../../../src/policy/policy.ts';

export function closedPolicy(): Policy {
  return { ...barePolicy(), localChatter: 'red', privacy: 'minimal', retentionDays: 1 };
}
