// The type of an endpoint of the local API, and how requests are checked against its schemas.

import { z } from 'zod';

import type { Fault } from '../policy/fault.ts';
import type { Of, Sent } from './schema.ts';

/** What an answer takes: a look into memory, a change of the kernel's rules, reading the whole history, or rewriting it. */
export type Patience = 'look' | 'change' | 'work' | 'rewrite';

/** A row of the table of endpoints: one request of the local API, and what may be answered. */
export interface Endpoint {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/v1/incidents/:id`: a part that begins with a colon stands for any text. */
  readonly path: `/v1/${string}`;
  /** What it does, for the documentation. */
  readonly does: string;
  /** Its query parameters; others are ignored. Of a repeated one the first counts. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** The error message when the body is refused. */
  readonly usage?: string;
  /** The JSON of an answer with 200 … */
  readonly answer?: z.ZodType;
  /** … or the media types that the answer may have instead. */
  readonly file?: readonly string[];
  /** Its error codes by HTTP status, besides those in COMMON_ERRORS. */
  readonly errors?: Readonly<Record<number, readonly string[]>>;
  readonly patience: Patience;
}

type ParamOf<Path> = Path extends `${string}/:${infer Name}/${infer Rest}`
  ? Name | ParamOf<`/${Rest}`>
  : Path extends `${string}/:${infer Name}`
    ? Name
    : never;
type Params<E extends Endpoint> = Readonly<Record<ParamOf<E['path']>, string>>;
type Schema<E, Part extends string> = E extends { readonly [P in Part]: infer S extends z.ZodType }
  ? S
  : undefined;
type Checked<S> = S extends z.ZodType ? Of<S> : undefined;

/** What a handler is given: checked and transformed by the schemas. */
export interface Asked<E extends Endpoint> {
  readonly params: Params<E>;
  readonly query: Checked<Schema<E, 'query'>>;
  readonly body: Checked<Schema<E, 'body'>>;
}

/** What a client sends, before the schemas transform it; an empty object where there is nothing to send. */
export type Question<E extends Endpoint> = (ParamOf<E['path']> extends never
  ? object
  : { readonly params: Params<E> }) &
  (Schema<E, 'query'> extends z.ZodObject
    ? { readonly query?: URLSearchParams | Readonly<Partial<Record<keyof Sent<Schema<E, 'query'>>, string>>> }
    : object) &
  (Schema<E, 'body'> extends z.ZodType ? { readonly body: Sent<Schema<E, 'body'>> } : object);

/** The answer's type; for a file its bytes. */
export type Answer<E extends Endpoint> =
  Schema<E, 'answer'> extends z.ZodType ? Of<Schema<E, 'answer'>> : Buffer;

/** Message and remedy for a value that a schema refuses. */
const FAULTS = z.registry<{ readonly message: string; readonly remedy: string }>();

/** The same schema with the message and remedy for refused values. Must come last: any schema derived from it loses them. */
export function refusing<S extends z.ZodType>(schema: S, message: string, remedy: string): S {
  const own = schema.clone();
  FAULTS.add(own, { message, remedy });
  return own;
}

/** A checked value, or a fault for each field that is refused; none where the whole body is. */
export type Reading<S extends z.ZodType> =
  | { readonly ok: true; readonly value: z.output<S> }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Checks a body; one that is not an object is read as an object without fields. Does not throw. */
export function readBody<S extends z.ZodObject>(schema: S, body: unknown): Reading<S> {
  return read(schema, typeof body === 'object' && !Array.isArray(body) ? (body ?? {}) : {});
}

/** Checks a query; unknown parameters are ignored, and of a repeated one the first counts. Does not throw. */
export function readQuery<S extends z.ZodObject>(schema: S, query: URLSearchParams): Reading<S> {
  const names = Object.keys(schema.shape).filter((name) => query.has(name));
  return read(schema, Object.fromEntries(names.map((name) => [name, query.get(name)])));
}

function read<S extends z.ZodObject>(schema: S, value: object): Reading<S> {
  const checked = schema.safeParse(value);
  if (checked.success) return { ok: true, value: checked.data };
  return { ok: false, faults: checked.error.issues.flatMap((issue) => faultsOf(schema, issue)) };
}

/** Faults of the fields. A fault of the whole body has none: the endpoint's usage is shown then. */
function faultsOf(schema: z.ZodObject, issue: z.core.$ZodIssue): readonly Fault[] {
  const words = FAULTS.get(schema) ?? { message: 'is unknown', remedy: '' };
  if (issue.code === 'unrecognized_keys') return issue.keys.map((path) => ({ path, ...words }));
  const [name] = issue.path;
  if (name === undefined) return [];
  const field = schema.shape[String(name)] as z.ZodType | undefined;
  const fault = (field && FAULTS.get(field)) ?? { message: 'has the wrong form', remedy: issue.message };
  return [{ path: pathText(issue.path), ...fault }];
}

/** `endpoints[1]`, as in the faults of a policy. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}
