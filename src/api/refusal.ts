// Knows: the body of every answer that is not success. Must not know: which errors there are.

import { z } from 'zod';

import { count, text } from './schema.ts';
import type { Of } from './schema.ts';

export type { Fault } from '../policy/fault.ts';

const fault = z.object({
  path: text.describe("`tunnels[0].endpoints[1]`, or '' for the whole."),
  message: text,
  remedy: text.describe('How to mend it.'),
  line: count.describe('Line of the policy text, from 1, where it is known.').exactOptional(),
});

export const refusal = z.object({
  error: z.object({ code: text, message: text, faults: z.array(fault) }),
});
export type ApiErrorBody = Of<typeof refusal>;

const readable = z.object({
  error: z.object({ code: text, message: text, faults: z.array(z.unknown()).catch([]) }),
});

/** What came as an error's body; undefined when it is none. Faults that have another shape are left out. */
export function readRefusal(value: unknown): ApiErrorBody['error'] | undefined {
  const read = readable.safeParse(value);
  if (!read.success) return undefined;
  const { faults, ...error } = read.data.error;
  return {
    ...error,
    faults: faults.filter((one) => fault.safeParse(one).success) as ApiErrorBody['error']['faults'],
  };
}
