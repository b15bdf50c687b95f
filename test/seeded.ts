// The seed of every property, so that a run on one machine says what a run on another does.
// LEAKGUARD_SEED=1 npx vitest run --project property looks elsewhere.

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['LEAKGUARD_SEED'] ?? 12) });
