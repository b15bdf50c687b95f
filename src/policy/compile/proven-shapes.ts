// Made by `npm run prove` (test/proof): the shapes of tables that were proven. Not to be changed by hand.

import type { ProvenShapes } from './proven.ts';

/** The specification and the model that they were proven with. */
export const PROVEN_WITH = '';

export const PROVEN_SHAPES: ProvenShapes = { parts: {}, lookups: {} };
