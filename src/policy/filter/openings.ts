// Knows: in which order judge and ruleset ask what opens the way for a whole packet that is neither a tunnel's nor essential.
// Must not know: what each of them opens.

export const OPENINGS = [
  // These four add to the same counters: their order decides the reason that is told, the narrowest first.
  'designated',
  'bootstrap',
  'allow',
  'discovery',
  // It has counters of its own, for what is not allowed anyway; and behind `direct` what is closed would have ended as a leak.
  'pass',
  'direct',
] as const;

export type Opening = (typeof OPENINGS)[number];
