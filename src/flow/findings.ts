// Knows: how findings of one frame are put together. Must not know: bytes, policy.

import { NO_FINDINGS } from './facts.ts';
import type { Findings } from './facts.ts';

/** Both findings in one; `first` wins where only one can be. */
export function mergeFindings(first: Findings, second: Findings): Findings {
  if (second === NO_FINDINGS) return first;
  if (first === NO_FINDINGS) return second;
  return {
    ...second,
    ...first,
    names: [...first.names, ...second.names],
    answers: [...first.answers, ...second.answers],
  };
}
