// How the findings of one frame are combined.

import { NO_FINDINGS } from '../parsed-packet.ts';
import { httpTarget } from '../../wire/application/http-redirect.ts';
import type { Findings, NetworkOffer } from '../parsed-packet.ts';

/**
 * The URL of a captive portal (RFC 8910) as it was sent and, if it is an absolute http or https URL, its host and port; an empty object
 * without a URL. Never throws.
 */
export function portalOf(captivePortal: string | undefined): Pick<NetworkOffer, 'captivePortal' | 'portal'> {
  if (captivePortal === undefined) return {};
  const portal = httpTarget(captivePortal);
  return { captivePortal, ...(portal === undefined ? {} : { portal }) };
}

/**
 * Both findings combined, names and answers of `first` before those of `second`, also if they are equal; where only one value is possible,
 * that of `first` is taken. Neither is changed; with NO_FINDINGS the other one itself is returned.
 */
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
