// Knows: what a command and its listening child say to each other: an order down the IPC channel, lines of JSON up a pipe.
// Must not know: what either does with it.

import type { AnalysisReport } from '../../src/guard/analysis.ts';
import type { AnalysedIncident } from '../../src/guard/analysis-incidents.ts';
import type { Policy } from '../../src/policy/policy.ts';

export interface ListenOrder {
  readonly interface: string;
  /** Undefined: only try to open it. */
  readonly policy: Policy | undefined;
  /** MAC address of the laptop as a number; without it both directions are judged alike. */
  readonly client: number | undefined;
  readonly learn: boolean;
}

export type ListenMessage =
  | { readonly type: 'open' }
  | { readonly type: 'fault'; readonly message: string }
  /** Incidents that are new or have grown; the report of everything so far without names and incidents. */
  | {
      readonly type: 'news';
      readonly incidents: readonly AnalysedIncident[];
      readonly report: AnalysisReport;
    }
  | { readonly type: 'end'; readonly report: AnalysisReport };

/** File descriptor of the pipe in the child. */
export const LISTEN_FD = 3;
