// Reads a policy file in this process. The daemon parses policies in a child process (appliance/jobs) instead, so that requests do not wait.

import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { readPolicyFile } from './policy-file.ts';
import type { PolicyReading } from './policy-file.ts';

/** Reads and parses the file at `path`, in this process and at once; errors are in the result (see readPolicyFile), and it does not reject. */
export function readPolicyFileHere(path: string): Promise<PolicyReading> {
  return readPolicyFile(path, parsePolicy);
}
