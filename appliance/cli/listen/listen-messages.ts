// Knows: what a command and its listening child say to each other: an order down the IPC channel, lines of JSON up a pipe.
// Must not know: what either does with it.

import type { AnalysisReport } from '../../../src/analysis/analysis.ts';
import type { AnalysedIncident } from '../../../src/analysis/analysis-incidents.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import type { Policy } from '../../../src/policy/policy.ts';

export interface ListenOrder {
  readonly interface: string;
  /** Undefined: only try to open it. */
  readonly policy: Policy | undefined;
  /** MAC address of the laptop as a number; without it both directions are judged alike. */
  readonly client: number | undefined;
  readonly learn: boolean;
  /** Tor's relays (src/wire/vpn/tor.ts). */
  readonly relays?: readonly string[];
  /** The interface's own MAC address as a number, where it has one, and its IP addresses: frames of this machine are told by them. */
  readonly ownMac?: number;
  readonly ownAddresses?: readonly string[];
}

/** An incident, and the process of this machine behind its first frame; undefined for frames of another machine. */
export interface HeardIncident extends AnalysedIncident {
  readonly process?: Attribution;
}

export interface HeardReport extends AnalysisReport {
  readonly incidents: readonly HeardIncident[];
}

export type ListenMessage =
  | { readonly type: 'open' }
  | { readonly type: 'fault'; readonly message: string }
  /** Incidents that are new or have grown; the report of everything so far without names and incidents. */
  | {
      readonly type: 'news';
      readonly incidents: readonly HeardIncident[];
      readonly report: HeardReport;
    }
  | { readonly type: 'end'; readonly report: HeardReport };

/** File descriptor of the pipe in the child. */
export const LISTEN_FD = 3;
