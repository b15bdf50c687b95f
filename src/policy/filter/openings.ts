// The order in which judge and ruleset test what may open the way for a whole packet that is neither a tunnel's nor essential.

/** The openings in the order in which they are tested; the first that lets a packet through gives the reason. */
export const OPENINGS = [
  // These four add to the same counters; the order decides which reason is shown, the most specific first.
  'designated',
  'bootstrap',
  'allow',
  'discovery',
  // It has separate counters, for packets that nothing above allows; after `direct`, closed packets would already be leaks.
  'pass',
  'direct',
] as const;

export type Opening = (typeof OPENINGS)[number];
