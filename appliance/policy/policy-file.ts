// Reads a policy file into a policy, or into a list of error messages.

import type { Fault } from '../../src/policy/fault.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../src/policy/schema/schema.ts';
import { readRegularFile } from '../os/regular-file.ts';

/** A policy and its text, or every fault as one message with place and remedy. */
export type PolicyReading =
  | { readonly ok: true; readonly policy: Policy; readonly text: string }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads `path` and parses it with `parse`. Does not reject when the file is missing, too large or invalid: the result then lists the faults
 * as text, at least one. Rejects only when `parse` does.
 */
export async function readPolicyFile(
  path: string,
  parse: (text: string) => ParsedPolicy | Promise<ParsedPolicy>,
): Promise<PolicyReading> {
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    return {
      ok: false,
      faults: [`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
  const parsed = await parse(text);
  if (parsed.ok) return { ...parsed, text };
  return { ok: false, faults: faultWords(path, parsed.faults) };
}

/** One message for each fault: place, message and remedy. */
function faultWords(path: string, faults: readonly Fault[]): string[] {
  return faults.map((fault) => {
    const where = fault.path === '' ? path : `${path}: ${fault.path}`;
    return `${where} ${fault.message} (${fault.remedy})`;
  });
}
