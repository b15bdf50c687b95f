// Parses policy texts in another process, remembers the settings of the last one, and turns failures of that process into API errors.

import { createHash } from 'node:crypto';

import type { Policy } from '../../../src/policy/policy.ts';
import type { ParsedPolicy } from '../../../src/policy/schema/schema.ts';
import { settingsOf } from '../../../src/guard/settings.ts';
import type { Settings } from '../../../src/api/box.ts';
import { readRegularFile } from '../../os/regular-file.ts';
import type { Given, JobKind, Parsing, Result } from '../../jobs/parsing.ts';
import { ApiError } from '../routes/api-server.ts';
import { refusedJob } from '../routes/refused-job.ts';

/** The jobs on policy texts (src/policy), one answer each. */
export class PolicyTexts implements Parsing {
  readonly #parsing: Parsing;
  #known: { readonly digest: string; readonly settings: Settings } | undefined;

  constructor(parsing: Parsing) {
    this.#parsing = parsing;
  }

  /** Has another process do a job on a text. Rejects with ApiError when the text is too costly or that process is busy or fails. */
  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>> {
    return this.#parsing.run(kind, given).catch(refusedJob);
  }

  /** Parses a policy text. When the other process fails, this is a fault of the result like any other, with an empty path. */
  async policy(text: string): Promise<ParsedPolicy> {
    try {
      return await this.run('policy', text);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { ok: false, faults: [{ path: '', message: error.message, remedy: 'Reload the daemon.' }] };
    }
  }

  /** Remembers that this text is that policy, so that its settings need not be parsed again. */
  note(text: string, policy: Policy): void {
    this.#known = { digest: policyDigest(text), settings: settingsOf(policy) };
  }

  /** The settings of a policy text. Rejects with ApiError 409 and every fault when it is invalid: then it can be replaced but not edited. */
  async settings(text: string): Promise<Settings> {
    const digest = policyDigest(text);
    if (this.#known?.digest === digest) return this.#known.settings;
    const settings = await this.run('settings', text);
    if ('faults' in settings) throw invalidFile(settings.faults);
    this.#known = { digest, settings };
    return settings;
  }
}

/** The error for an edit of a policy file that is invalid: ApiError 409 `policy` with its faults. Returned, not thrown. */
export function invalidFile(faults: ApiError['faults']): ApiError {
  return new ApiError(409, 'policy', 'the policy file is invalid: replace it with a valid one', faults);
}

/** SHA-256 of a policy text in UTF-8, base64url (RFC 4648 section 5) without padding, 43 characters: comments and spaces count. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * The text of the policy file as it is on disk, with its comments; it need not be valid. Throws ApiError 409 `no-policy` when it cannot be
 * read.
 */
export function policyText({ configPath }: { readonly configPath: string }): string {
  try {
    return readRegularFile(configPath);
  } catch (error) {
    throw new ApiError(409, 'no-policy', 'the policy file cannot be read', [], error);
  }
}
