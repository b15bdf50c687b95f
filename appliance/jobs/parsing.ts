// The jobs that parse texts which people and browsers send. They run in a separate process (job-process.ts). Every job is a pure function;
// its input and its result are plain data.

import type { Fault } from '../../src/policy/fault.ts';
import { importConfig } from '../../src/policy/import/import.ts';
import type { Import } from '../../src/policy/import/imported.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { parsePolicy, readPolicy } from '../../src/policy/schema/schema.ts';
import type { ParsedPolicy } from '../../src/policy/schema/schema.ts';
import {
  withSettings,
  withTunnel,
  withoutEndpoint,
  withoutTunnel,
} from '../../src/policy/schema/schema-edit.ts';
import type { PolicyDocument, TunnelEdit } from '../../src/policy/schema/schema-edit.ts';
import { parseEndpoint } from '../../src/policy/schema/endpoint.ts';
import { settingsOf } from '../../src/guard/settings.ts';
import type { Settings } from '../../src/api/box.ts';
import {
  endpointTexts,
  existingTunnel,
  listChange,
  readRequest,
} from '../../src/policy/schema/tunnel-request.ts';
import type { ExistingTunnel, ListChange, TunnelRequest } from '../../src/policy/schema/tunnel-request.ts';

/** The policy text is invalid: all faults. */
interface NoPolicy {
  readonly faults: readonly Fault[];
}

/** A policy after an edit: its text, and that text parsed. */
export interface EditedPolicy {
  readonly text: string;
  readonly parsed: ParsedPolicy;
}

/** The requested tunnel is invalid: all faults. */
interface NoTunnel {
  readonly wrong: readonly Fault[];
}

/** The endpoints as a policy writes them, and how they differ from the policy's tunnel of that name. */
interface Comparison {
  readonly endpoints: readonly string[];
  readonly change: ListChange;
  /** A tunnel of that name that trusts others. */
  readonly existing?: ExistingTunnel;
}

/** Input and result of each job. */
export type ParsingJobs = {
  readonly policy: { readonly given: string; readonly result: ParsedPolicy };
  readonly settings: { readonly given: string; readonly result: Settings | NoPolicy };
  readonly change: {
    readonly given: { readonly text: string; readonly settings: Readonly<Record<string, unknown>> };
    readonly result: EditedPolicy | NoPolicy;
  };
  readonly addTunnel: {
    readonly given: { readonly text: string; readonly tunnel: TunnelRequest };
    /** `unsaid`: a tunnel has that name, and the request does not say what becomes of it. */
    readonly result: (EditedPolicy & Comparison) | NoPolicy | NoTunnel | { readonly unsaid: ExistingTunnel };
  };
  /** What adding the tunnel would change; an invalid policy counts as one without tunnels. */
  readonly compare: {
    readonly given: { readonly text: string; readonly tunnel: TunnelRequest };
    readonly result: Comparison | NoTunnel;
  };
  /** Result undefined: there is no tunnel of that name. */
  readonly removeTunnel: {
    readonly given: { readonly text: string; readonly name: string };
    readonly result: EditedPolicy | NoPolicy | undefined;
  };
  /** Result undefined: there is no such tunnel or endpoint; `last`: it is the tunnel's only one. */
  readonly removeEndpoint: {
    readonly given: { readonly text: string; readonly name: string; readonly endpoint: string };
    readonly result: EditedPolicy | NoPolicy | 'last' | undefined;
  };
  /** Given a file's bytes, or a text that a person typed. Result undefined: it is not a tunnel configuration. */
  readonly import: { readonly given: string | Uint8Array; readonly result: Import | undefined };
};

/** Name of a job. */
export type JobKind = keyof ParsingJobs;
/** Input of a job. */
export type Given<K extends JobKind> = ParsingJobs[K]['given'];
/** Result of a job. */
export type Result<K extends JobKind> = ParsingJobs[K]['result'];

/** Runs such jobs. */
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
    return ofPolicy<Result<'addTunnel'>>(text, (policy, document) => {
      const compared = comparison(policy, edit);
      const { existing } = compared;
      const isOther = existing !== undefined && existing.protocol !== edit.protocol;
      // Servers of one protocol are none of another's.
      if (existing !== undefined && (edit.existing === undefined || (isOther && edit.existing === 'add')))
        return { unsaid: existing };
      return { ...compared, ...editedPolicy(withTunnel(document, edit)) };
    });
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
  removeEndpoint: ({ text, name, endpoint }) => {
    const parsed = parseEndpoint(endpoint);
    if (parsed === undefined) return undefined;
    return ofPolicy<Result<'removeEndpoint'>>(text, (_, document) => {
      const less = withoutEndpoint(document, name, parsed);
      return less === undefined || less === 'last' ? less : editedPolicy(less.text);
    });
  },
  import: importConfig,
};

/** Does one job, in the process that it is called in. What is wrong with the text is part of the result. */
export function doJob<K extends JobKind>(kind: K, given: Given<K>): Result<K> {
  return JOBS[kind](given);
}

function ofPolicy<T>(text: string, task: (policy: Policy, document: PolicyDocument) => T): T | NoPolicy {
  const read = readPolicy(text);
  return read.ok ? task(read.policy, read.document) : { faults: read.faults };
}

/** Parses the edited text as the next start will read it, so that both give the same policy. */
function editedPolicy(text: string): EditedPolicy {
  return { text, parsed: parsePolicy(text) };
}

function comparison(policy: Pick<Policy, 'tunnels'>, edit: TunnelEdit): Comparison {
  const existing = existingTunnel(policy, edit);
  return {
    endpoints: endpointTexts(edit.endpoints),
    change: listChange(policy, edit),
    ...(existing === undefined ? {} : { existing }),
  };
}
