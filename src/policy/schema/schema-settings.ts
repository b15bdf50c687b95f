// Which settings the policy has at a place, for messages about one that it does not have.

import type { z } from 'zod';

type Path = readonly PropertyKey[];

interface Definition {
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
}

/** The names of the settings in the object at `path`; of several forms, those of all. Empty if there is no such object. */
export function settingsAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const { innerType, element, in: input, options, shape } = schema._zod.def as Definition;
  const inner = innerType ?? input;
  if (inner !== undefined) return settingsAt(inner, path);
  if (options !== undefined) return [...new Set(options.flatMap((option) => settingsAt(option, path)))];
  const [part, ...rest] = path;
  if (element !== undefined) return typeof part === 'number' ? settingsAt(element, rest) : [];
  if (shape === undefined) return [];
  if (part === undefined) return Object.keys(shape);
  const next = Object.hasOwn(shape, part) ? shape[String(part)] : undefined;
  return next === undefined ? [] : settingsAt(next, rest);
}
