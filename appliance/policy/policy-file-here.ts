// Knows: how a program that serves nobody reads a policy file: by itself. Must not know: what is done with it.
// The daemon has others read it (appliance/jobs): whoever asks it something is not to wait.

import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { readPolicyFile } from './policy-file.ts';
import type { PolicyReading } from './policy-file.ts';

export function readPolicyFileHere(path: string): Promise<PolicyReading> {
  return readPolicyFile(path, parsePolicy);
}
