// Knows: what of a policy's text is known without reading it again, and what a text that could not be read means for who sent it.
// Must not know: HTTP, YAML, where texts are parsed.

import { createHash } from 'node:crypto';

import type { Policy } from '../../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../../src/policy/schema/schema.ts';
import { settingsOf } from '../../../src/guard/settings.ts';
import type { Settings } from '../../../src/api/box.ts';
import { readRegularFile } from '../../os/regular-file.ts';
import type { Given, JobKind, Parsing, Result } from '../../jobs/parsing.ts';
import { ApiError } from '../routes/api-server.ts';
import { refusedJob } from '../routes/refused-job.ts';

export class PolicyTexts implements Parsing {
  readonly #parsing: Parsing;
  #known: { readonly digest: string; readonly settings: Settings } | undefined;

  constructor(parsing: Parsing) {
    this.#parsing = parsing;
  }

  /** Rejects with ApiError when the text cannot be read for its cost, or nobody reads it. */
  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>> {
    return this.#parsing.run(kind, given).catch(refusedJob);
  }

  /** The policy of the file; one that nobody could read is a fault of it like any other. */
  async policy(text: string): Promise<ParsedPolicy> {
    try {
      return await this.run('policy', text);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { ok: false, faults: [{ path: '', message: error.message, remedy: 'Reload the daemon.' }] };
    }
  }

  /** This text is that policy: what is asked of it next costs nothing. */
  note(text: string, policy: Policy): void {
    this.#known = { digest: policyDigest(text), settings: settingsOf(policy) };
  }

  /** ApiError 409 with every fault when the text is no policy: it can be replaced, not edited. */
  async settings(text: string): Promise<Settings> {
    const digest = policyDigest(text);
    if (this.#known?.digest === digest) return this.#known.settings;
    const settings = await this.run('settings', text);
    if ('faults' in settings) throw invalidFile(settings.faults);
    this.#known = { digest, settings };
    return settings;
  }
}

export function invalidFile(faults: ApiError['faults']): ApiError {
  return new ApiError(409, 'policy', 'the policy file is invalid: replace it by a valid one', faults);
}

/** Names a policy text; any other text has another. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The policy file as it stands, comments and all. Throws ApiError 409. */
export function policyText({ configPath }: { readonly configPath: string }): string {
  try {
    return readRegularFile(configPath);
  } catch (error) {
    throw new ApiError(409, 'no-policy', 'the policy file cannot be read', [], error);
  }
}
