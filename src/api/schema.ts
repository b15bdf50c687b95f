// Basic schemas of the local API, and types made from schemas. A client checks everything it receives; unknown fields are let through, so
// that an older client can read a newer guard.

import { z } from 'zod';

export const text = z.string();
export const texts = z.array(text);
export const textOrNull = text.nullable();
export const flag = z.boolean();
/** A finite number of at least zero. */
export const count = z.number().nonnegative();
/** ISO 8601, UTC. */
export const moment = text.describe('ISO 8601, UTC.');

/** Any text. This version sends one of `words`; a later one may have more, and older clients can still read it. */
export function word<T extends string>(words: readonly T[]): z.ZodType<T, T> {
  return z.string().meta({ examples: [...words] }) as unknown as z.ZodType<T, T>;
}

/** The type of a checked value, deeply read-only. */
export type Of<S extends z.ZodType> = ReadonlyDeep<z.output<S>>;

/** The type of a value before the check. */
export type Sent<S extends z.ZodType> = ReadonlyDeep<z.input<S>>;

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;
