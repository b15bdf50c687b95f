// Knows: how findings of one frame are put together. Must not know: bytes, policy.

import { NO_FINDINGS } from '../parsed-packet.ts';
import { httpTarget } from '../../wire/application/http-redirect.ts';
import type { Findings, NetworkOffer } from '../parsed-packet.ts';

/** A captive portal as the network named it, and where that is. */
export function portalOf(captivePortal: string | undefined): Pick<NetworkOffer, 'captivePortal' | 'portal'> {
  if (captivePortal === undefined) return {};
  const portal = httpTarget(captivePortal);
  return { captivePortal, ...(portal === undefined ? {} : { portal }) };
}

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
