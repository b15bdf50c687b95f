// Knows: what is shown to people and programs: the shapes of the local API. Must not know: how they come about.
// Follows DESIGN section 7 (`status --json`, incidents). Web and CLI depend on these types and on nothing else of the guard.

import type { Kind } from '../flow/kinds.ts';
import type { Profile, TunnelProtocol } from '../policy/policy.ts';
import type { Rule, Severity } from '../policy/verdict.ts';

export const STATES = [
  'clear',
  'leaking',
  'blocked',
  'breach',
  'pass',
  'idle',
  'setup',
  'blind',
  'starting',
] as const;
export type State = (typeof STATES)[number];

/** Names of the lamp's patterns; what each looks like is the driver's business (DESIGN section 7). */
export const LAMPS = ['green', 'green-blip', 'amber', 'red', 'red-flash', 'alternating'] as const;
export type Lamp = (typeof LAMPS)[number];

export interface IncidentView {
  readonly id: string;
  readonly rule: Rule;
  readonly kind: Kind;
  readonly severity: Severity;
  /** MAC address of the client. */
  readonly client: string;
  readonly exposure: string;
  readonly destination: string;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  /** ISO 8601, UTC. */
  readonly first: string;
  readonly last: string;
  readonly why: string;
  readonly acknowledged: boolean;
  /** The frame crossed although the ruleset should have stopped it. */
  readonly breach: boolean;
}

export interface TunnelView {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  /** `udp:198.51.100.7:51820` */
  readonly endpoint: string;
  readonly state: 'up' | 'stale' | 'down';
  readonly lastSeen: string | null;
}

export interface LedgerView {
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  /** Frames the kernel counted and no tap looked at. */
  readonly unseen: number;
}

export interface TapHealth {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  readonly state: 'up' | 'restarting' | 'down';
  readonly frames: number;
  readonly restarts: number;
  readonly detail: string;
}

export interface HealthView {
  readonly taps: readonly TapHealth[];
  readonly ruleset: { readonly verified: boolean; readonly at: string | null; readonly detail: string };
  readonly counters: { readonly readable: boolean; readonly at: string | null };
  readonly warnings: readonly string[];
  readonly limits: { readonly incidentsFolded: number; readonly observationsFolded: number };
}

export interface Status {
  readonly state: State;
  readonly lamp: Lamp;
  /** One sentence: why this state. */
  readonly why: string;
  readonly since: string;
  readonly blockMode: boolean;
  readonly profile: Profile;
  readonly tunnels: readonly TunnelView[];
  readonly ledger: LedgerView;
  readonly unacknowledged: number;
  /** Newest first, at most 20. */
  readonly incidents: readonly IncidentView[];
  /** Frames per kind as the kernel counted them, both directions. */
  readonly counters: Readonly<Record<string, number>>;
  readonly passUntil: string | null;
  readonly health: HealthView;
  readonly version: string;
}

/** One server-sent event of GET /v1/events: `event: status` or `event: incident`, data as JSON. */
export type GuardEvent =
  | { readonly event: 'status'; readonly data: Status }
  | { readonly event: 'incident'; readonly data: IncidentView };

/** The body of every error answer of the local API. */
export interface ApiErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly faults: readonly Fault[];
  };
}

/** One fault of a policy or a request: where, what, and how to mend it. */
export interface Fault {
  /** `tunnels[0].endpoints[1]`, or '' for the whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}
