// The body of every answer that is an error.

import { z } from 'zod';

import { count, text } from './schema.ts';
import type { Of } from './schema.ts';

export type { Fault } from '../policy/fault.ts';

const fault = z.object({
  path: text.describe("`tunnels[0].endpoints[1]`, or '' for the whole policy or request."),
  message: text,
  remedy: text.describe('How to fix it.'),
  line: count.describe('Line of the policy text, counted from 1, if known.').exactOptional(),
});

/** The body: a code of the endpoint, a sentence for people, and every fault. */
export const refusal = z.object({
  error: z.object({ code: text, message: text, faults: z.array(fault) }),
});
export type ApiErrorBody = Of<typeof refusal>;

const readable = z.object({
  error: z.object({ code: text, message: text, faults: z.array(z.unknown()).catch([]) }),
});

/** Reads the body of an error (parsed JSON); undefined if it is not one. Faults of another form are left out. Does not throw. */
export function readRefusal(value: unknown): ApiErrorBody['error'] | undefined {
  const read = readable.safeParse(value);
  if (!read.success) return undefined;
  const { faults, ...error } = read.data.error;
  return {
    ...error,
    faults: faults.filter((entry) => fault.safeParse(entry).success) as ApiErrorBody['error']['faults'],
  };
}
