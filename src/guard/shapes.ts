// Knows: how a value that came over the local API is checked against a shape. Must not know: any one shape.
// A client believes nothing it has not checked; more fields than asked for are let through, so that a newer guard can be read.

export type Shape = (value: unknown) => boolean;

export const text: Shape = (value) => typeof value === 'string';
export const textOrNull: Shape = (value) => value === null || typeof value === 'string';
export const flag: Shape = (value) => typeof value === 'boolean';
/** A finite number from zero on. */
export const count: Shape = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;

export const oneOf =
  (names: readonly string[]): Shape =>
  (value) =>
    typeof value === 'string' && names.includes(value);

export const each =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);

/** An object in which every one of these fields is there and has its shape. */
export const fields =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shapes).every(([name, shape]) => shape((value as Record<string, unknown>)[name]));
