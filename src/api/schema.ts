// Knows: the small schemas that those of the local API are made of, and the types that come from schemas. Must not know: any endpoint.
// A client believes nothing that it has not checked; fields that no schema has are let through, so that a newer guard can be read.

import { z } from 'zod';

export const text = z.string();
export const texts = z.array(text);
export const textOrNull = text.nullable();
export const flag = z.boolean();
/** A finite number from zero on. */
export const count = z.number().nonnegative();
/** ISO 8601, UTC. */
export const moment = text.describe('ISO 8601, UTC.');

/** Any text, of which today's guard says one of `words`: a later one may have more, and is still to be read. */
export function word<T extends string>(words: readonly T[]): z.ZodType<T, T> {
  return z.string().meta({ examples: [...words] }) as unknown as z.ZodType<T, T>;
}

/** What was checked by a schema, read-only all the way down. */
export type Of<S extends z.ZodType> = ReadonlyDeep<z.output<S>>;

/** What is sent to be checked by a schema. */
export type Sent<S extends z.ZodType> = ReadonlyDeep<z.input<S>>;

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;
