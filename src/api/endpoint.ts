// Knows: what an endpoint of the local API is, and how what comes in is checked against it. Must not know: any one endpoint, HTTP.

import { z } from 'zod';

import type { Fault } from '../policy/fault.ts';
import type { Of, Sent } from './schema.ts';

/** How long an answer may take: a look at what is in memory, a change of the kernel's rules, the whole past read, or written anew. */
export type Patience = 'look' | 'change' | 'work' | 'rewrite';

export interface Endpoint {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/v1/incidents/:id`: a part that begins with a colon stands for any text. */
  readonly path: `/v1/${string}`;
  /** What it does, for people. */
  readonly does: string;
  /** Parameters that it knows; others are ignored. Of one that comes twice the first counts. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** What is said when the body is refused. */
  readonly usage?: string;
  /** The JSON that is answered with 200 … */
  readonly answer?: z.ZodType;
  /** … or the media types that it may have instead. */
  readonly file?: readonly string[];
  /** Codes of its own errors by their HTTP status; those in COMMON_ERRORS can come from any. */
  readonly errors?: Readonly<Record<number, readonly string[]>>;
  readonly patience: Patience;
}

type ParamOf<Path> = Path extends `${string}/:${infer Name}/${string}`
  ? Name
  : Path extends `${string}/:${infer Name}`
    ? Name
    : never;
type Params<E extends Endpoint> = Readonly<Record<ParamOf<E['path']>, string>>;
type Schema<E, Part extends string> = E extends { readonly [P in Part]: infer S extends z.ZodType }
  ? S
  : undefined;
type Checked<S> = S extends z.ZodType ? Of<S> : undefined;

/** What a handler is given: checked, and as its schema makes it. */
export interface Asked<E extends Endpoint> {
  readonly params: Params<E>;
  readonly query: Checked<Schema<E, 'query'>>;
  readonly body: Checked<Schema<E, 'body'>>;
}

/** What a client says of its question; nothing where there is nothing to say. */
export type Question<E extends Endpoint> = (ParamOf<E['path']> extends never
  ? object
  : { readonly params: Params<E> }) &
  (Schema<E, 'query'> extends z.ZodObject
    ? { readonly query?: URLSearchParams | Readonly<Partial<Record<keyof Sent<Schema<E, 'query'>>, string>>> }
    : object) &
  (Schema<E, 'body'> extends z.ZodType ? { readonly body: Sent<Schema<E, 'body'>> } : object);

export type Answer<E extends Endpoint> =
  Schema<E, 'answer'> extends z.ZodType ? Of<Schema<E, 'answer'>> : Buffer;

/** The words of one fault, for a value that its schema refuses. */
const FAULTS = z.registry<{ readonly message: string; readonly remedy: string }>();

/** The same schema; who sends what it refuses reads these words. To be said last: what is made of a schema is another one. */
export function refusing<S extends z.ZodType>(schema: S, message: string, remedy: string): S {
  const own = schema.clone();
  FAULTS.add(own, { message, remedy });
  return own;
}

export type Reading<S extends z.ZodType> =
  | { readonly ok: true; readonly value: z.output<S> }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A body that is no object has no field. */
export function readBody<S extends z.ZodObject>(schema: S, body: unknown): Reading<S> {
  return read(schema, typeof body === 'object' && !Array.isArray(body) ? (body ?? {}) : {});
}

export function readQuery<S extends z.ZodObject>(schema: S, query: URLSearchParams): Reading<S> {
  const names = Object.keys(schema.shape).filter((name) => query.has(name));
  return read(schema, Object.fromEntries(names.map((name) => [name, query.get(name)])));
}

function read<S extends z.ZodObject>(schema: S, value: object): Reading<S> {
  const checked = schema.safeParse(value);
  if (checked.success) return { ok: true, value: checked.data };
  return { ok: false, faults: checked.error.issues.flatMap((issue) => faultsOf(schema, issue)) };
}

/** The whole has no words of its own: what is said then is the endpoint's usage. */
function faultsOf(schema: z.ZodObject, issue: z.core.$ZodIssue): readonly Fault[] {
  const words = FAULTS.get(schema) ?? { message: 'is not known here', remedy: '' };
  if (issue.code === 'unrecognized_keys') return issue.keys.map((path) => ({ path, ...words }));
  const [name] = issue.path;
  if (name === undefined) return [];
  const field = schema.shape[String(name)] as z.ZodType | undefined;
  const said = (field && FAULTS.get(field)) ?? { message: 'has another shape', remedy: issue.message };
  return [{ path: pathText(issue.path), ...said }];
}

/** `endpoints[1]`, as faults of a policy are written. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}
