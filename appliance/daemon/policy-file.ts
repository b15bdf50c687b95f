// Knows: how a policy file becomes a policy or a list of faults in words. Must not know: what is done with either.

import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy } from '../../src/policy/schema.ts';
import { readRegularFile } from '../regular-file.ts';

export type PolicyReading =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly faults: readonly string[] };

/** Never throws: a file that is not there is a fault like any other. */
export function readPolicyFile(path: string): PolicyReading {
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    return {
      ok: false,
      faults: [`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
  const parsed = parsePolicy(text);
  if (parsed.ok) return parsed;
  const faults = parsed.faults.map((fault) => {
    const where = fault.path === '' ? path : `${path}: ${fault.path}`;
    return `${where} ${fault.message} (${fault.remedy})`;
  });
  return { ok: false, faults };
}
