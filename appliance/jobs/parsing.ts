// Knows: which texts of people and browsers are parsed in a process of their own, and what each comes to. Must not know: processes, HTTP.
// Every job is a pure function of its text; what is given and what comes back is plain data.

import type { Fault } from '../../src/policy/fault.ts';
import { importConfig } from '../../src/policy/import/import.ts';
import type { Import } from '../../src/policy/import/imported.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy, readPolicy } from '../../src/policy/schema/schema.ts';
import type { ParsedPolicy } from '../../src/policy/schema/schema.ts';
import { withSettings, withTunnel, withoutTunnel } from '../../src/policy/schema/schema-edit.ts';
import type { PolicyDocument, TunnelEdit } from '../../src/policy/schema/schema-edit.ts';
import { settingsOf } from '../../src/guard/settings.ts';
import type { Settings } from '../../src/api/box.ts';
import { endpointTexts, listChange, readRequest } from '../../src/policy/schema/tunnel-request.ts';
import type { ListChange, TunnelRequest } from '../../src/policy/schema/tunnel-request.ts';

/** Of a policy text that is none, every fault. */
interface NoPolicy {
  readonly faults: readonly Fault[];
}

/** A policy after an edit: its text, and what that is. */
export interface EditedPolicy {
  readonly text: string;
  readonly parsed: ParsedPolicy;
}

/** Of a tunnel that somebody wants, what is wrong with it. */
interface NoTunnel {
  readonly wrong: readonly Fault[];
}

/** The endpoints as a policy writes them, and what they change of the tunnel that has their name. */
interface Comparison {
  readonly endpoints: readonly string[];
  readonly change: ListChange;
}

export type ParsingJobs = {
  readonly policy: { readonly given: string; readonly result: ParsedPolicy };
  readonly settings: { readonly given: string; readonly result: Settings | NoPolicy };
  readonly change: {
    readonly given: { readonly text: string; readonly settings: Readonly<Record<string, unknown>> };
    readonly result: EditedPolicy | NoPolicy;
  };
  readonly addTunnel: {
    readonly given: { readonly text: string; readonly tunnel: TunnelRequest };
    readonly result: (EditedPolicy & Comparison) | NoPolicy | NoTunnel;
  };
  /** What adding it would change; an invalid policy has no tunnel yet. */
  readonly compare: {
    readonly given: { readonly text: string; readonly tunnel: TunnelRequest };
    readonly result: Comparison | NoTunnel;
  };
  /** Undefined when there is no tunnel of that name. */
  readonly removeTunnel: {
    readonly given: { readonly text: string; readonly name: string };
    readonly result: EditedPolicy | NoPolicy | undefined;
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
  change: ({ text, settings }) =>
    ofPolicy(text, (_, document) => editedPolicy(withSettings(document, settings))),
  addTunnel: ({ text, tunnel }) => {
    const edit = readRequest(tunnel);
    if (!('name' in edit)) return { wrong: edit };
    return ofPolicy(text, (policy, document) => ({
      ...comparison(policy, edit),
      ...editedPolicy(withTunnel(document, edit)),
    }));
  },
  compare: ({ text, tunnel }) => {
    const edit = readRequest(tunnel);
    if (!('name' in edit)) return { wrong: edit };
    const parsed = parsePolicy(text);
    return comparison(parsed.ok ? parsed.policy : { tunnels: [] }, edit);
  },
  removeTunnel: ({ text, name }) =>
    ofPolicy(text, (_, document) => {
      const less = withoutTunnel(document, name);
      return less === undefined ? undefined : editedPolicy(less);
    }),
  import: importConfig,
};

export function doJob<K extends JobKind>(kind: K, given: Given<K>): Result<K> {
  return JOBS[kind](given);
}

function ofPolicy<T>(text: string, task: (policy: Policy, document: PolicyDocument) => T): T | NoPolicy {
  const read = readPolicy(text);
  return read.ok ? task(read.policy, read.document) : { faults: read.faults };
}

/** What is in force is what the text says, read as the next start reads it. */
function editedPolicy(text: string): EditedPolicy {
  return { text, parsed: parsePolicy(text) };
}

function comparison(policy: Pick<Policy, 'tunnels'>, edit: TunnelEdit): Comparison {
  return { endpoints: endpointTexts(edit.endpoints), change: listChange(policy, edit) };
}
