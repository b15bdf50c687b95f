// Knows: which texts of people and browsers are parsed in a process of their own, and what each comes to. Must not know: processes, HTTP.
// Every job is a pure function of its text; what is given and what comes back is plain data.

import type { Fault } from '../../src/policy/fault.ts';
import { importConfig } from '../../src/policy/import.ts';
import type { Import } from '../../src/policy/imported.ts';
import { parsePolicy } from '../../src/policy/schema.ts';
import type { ParsedPolicy } from '../../src/policy/schema.ts';
import { withSettings, withTunnel, withoutTunnel } from '../../src/policy/schema-edit.ts';
import type { TunnelEdit } from '../../src/policy/schema-edit.ts';
import { settingsOf } from '../../src/policy/settings.ts';
import type { Settings } from '../../src/policy/settings.ts';

/** Of a policy text that is none, every fault. */
export interface NoPolicy {
  readonly faults: readonly Fault[];
}

export type ParsingJobs = {
  readonly policy: { readonly given: string; readonly result: ParsedPolicy };
  readonly settings: { readonly given: string; readonly result: Settings | NoPolicy };
  readonly change: {
    readonly given: { readonly text: string; readonly settings: Readonly<Record<string, unknown>> };
    readonly result: string | NoPolicy;
  };
  readonly addTunnel: {
    readonly given: { readonly text: string; readonly tunnel: TunnelEdit };
    readonly result: string | NoPolicy;
  };
  /** Undefined when there is no tunnel of that name. */
  readonly removeTunnel: {
    readonly given: { readonly text: string; readonly name: string };
    readonly result: string | NoPolicy | undefined;
  };
  /** A file's bytes, or a text that somebody typed. Undefined for what is no tunnel configuration. */
  readonly import: { readonly given: string | Uint8Array; readonly result: Import | undefined };
};

export type JobKind = keyof ParsingJobs;
export type Given<K extends JobKind> = ParsingJobs[K]['given'];
export type Result<K extends JobKind> = ParsingJobs[K]['result'];

/** Who does such jobs. */
export interface Parsing {
  /** Rejects with JobError. */
  run<K extends JobKind>(kind: K, given: Given<K>): Promise<Result<K>>;
}

const JOBS: { readonly [K in JobKind]: (given: Given<K>) => Result<K> } = {
  policy: parsePolicy,
  settings: (text) => ofPolicy(text, settingsOf),
  change: ({ text, settings }) => ofPolicy(text, () => withSettings(text, settings)),
  addTunnel: ({ text, tunnel }) => ofPolicy(text, () => withTunnel(text, tunnel)),
  removeTunnel: ({ text, name }) => ofPolicy(text, () => withoutTunnel(text, name)),
  import: importConfig,
};

export function doJob<K extends JobKind>(kind: K, given: Given<K>): Result<K> {
  return JOBS[kind](given);
}

function ofPolicy<T>(text: string, task: (policy: Parameters<typeof settingsOf>[0]) => T): T | NoPolicy {
  const parsed = parsePolicy(text);
  return parsed.ok ? task(parsed.policy) : { faults: parsed.faults };
}
