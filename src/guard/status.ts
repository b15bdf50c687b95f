// Knows: what is shown to people and programs: the shapes of the local API. Must not know: how they come about.
// Web and CLI depend on these types and on nothing else of the guard.

import type { Kind } from '../flow/kinds.ts';
import type { Fault } from '../policy/fault.ts';
import type { Direct, Profile, TunnelProtocol } from '../policy/policy.ts';
import type { Rule, Severity } from '../policy/verdict.ts';
import { count, each, fields, flag, oneOf, text, textOrNull } from './shapes.ts';
import type { Shape } from './shapes.ts';

export type { Fault } from '../policy/fault.ts';

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

/** Names of the lamp's patterns; what each looks like is the driver's business. */
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
  /** What a person would count of what escaped: questions, and visits. Absent where an earlier version wrote it down. */
  readonly questions?: number;
  readonly visits?: number;
  /** ISO 8601, UTC. */
  readonly first: string;
  readonly last: string;
  readonly why: string;
  readonly acknowledged: boolean;
  /** The frame crossed although the ruleset should have stopped it. */
  readonly breach: boolean;
  /** Ids of incidents that belong to the same story: a question and its visit (rule D), a trick and its escape (rule T). */
  readonly related?: readonly string[];
  /** Rule D: the names that the visited address was an answer for, newest first, when Eve cannot tell them apart. */
  readonly candidates?: readonly string[];
  /** Rule T: what the network did; the ways in which it said so, newest first and bounded; and how many there were. */
  readonly trick?: string;
  readonly variants?: readonly string[];
  readonly variantCount?: number;
  /** The incident that counts its frames too since there were too many of its kind: a sum over incidents leaves this one out. */
  readonly foldedInto?: string;
}

export interface TunnelView {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  /** `udp:198.51.100.7:51820`: the one whose server answered last, or the first of the policy's where none has. */
  readonly endpoint: string;
  /** The address that answered last; null where none was seen to answer. */
  readonly server?: string | null;
  /** How many endpoints the tunnel has. */
  readonly endpoints?: number;
  readonly state: 'up' | 'stale' | 'down';
  readonly lastSeen: string | null;
  /** Where the server's address is from: written in the policy, or an answer that was read on the wire. */
  readonly source?: 'policy' | 'answer';
  /** For an answer: since the address last changed the server has answered a handshake, as far as the wire can tell. */
  readonly proven?: boolean;
  /** The day on which the list of its servers was made, and whether that is long ago. */
  readonly listed?: string;
  readonly listIsOld?: boolean;
  /** In words, what of it is not held: its peers may be anywhere. */
  readonly limits?: string;
}

/** Whom the tunnel leads to, in words: what was seen, or what it can be. */
export function serverText({ endpoint, server = null, endpoints = 1 }: TunnelView): string {
  if (server !== null) return endpoint.includes(server) ? endpoint : `${endpoint} (${server})`;
  return endpoints > 1 ? `${endpoint} or one of ${String(endpoints - 1)} more` : endpoint;
}

/** A mesh (Tailscale, Nebula, ZeroTier) that a client was seen to speak. */
export interface MeshView {
  readonly mesh: string;
  readonly name: string;
  /** How it showed itself. */
  readonly how: string;
  /** ISO 8601, UTC: last. */
  readonly seen: string;
  /** A tunnel of the policy's lets it through. */
  readonly trusted: boolean;
  /** What can be held of it and what cannot. */
  readonly words: string;
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
  /** When it was last proven, by a forged leak, that a real one is seen and held; null: not yet. Absent: nothing proves it. */
  readonly proof?: { readonly at: string | null; readonly detail: string } | undefined;
  readonly warnings: readonly string[];
  readonly limits: {
    readonly incidentsFolded: number;
    readonly observationsFolded: number;
    /** Questions and answers that rule D has forgotten because there were too many. */
    readonly answersForgotten?: number;
  };
}

export interface Status {
  readonly state: State;
  readonly lamp: Lamp;
  /** One sentence: why this state. */
  readonly why: string;
  readonly since: string;
  readonly blockMode: boolean;
  readonly profile: Profile;
  /** Where other traffic may go past the tunnel in block mode; absent with a full tunnel, where it may not. */
  readonly direct?: Direct;
  readonly tunnels: readonly TunnelView[];
  readonly ledger: LedgerView;
  readonly unacknowledged: number;
  /** Newest first, at most 20. */
  readonly incidents: readonly IncidentView[];
  /** Frames per kind as the kernel counted them, both directions. */
  readonly counters: Readonly<Record<string, number>>;
  readonly passUntil: string | null;
  /** Meshes that were seen, and in words what can be held of each. */
  readonly meshes?: readonly MeshView[];
  /** What the profile lets go past the tunnel, the newest of it; absent where it lets nothing. */
  readonly allowed?: AllowedView;
  /** What an open pass did not let through since it was opened, newest first: a login that seems stuck may need it. */
  readonly passStopped?: readonly string[];
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

const incidentShape = fields({
  ...{ id: text, rule: text, kind: text, severity: text, client: text, exposure: text, destination: text },
  ...{ attempted: count, escaped: count, blocked: count, first: text, last: text, why: text },
  ...{ acknowledged: flag, breach: flag },
});

const tapShape = fields({
  ...{ port: oneOf(['lan', 'wan']), interface: text, state: oneOf(['up', 'restarting', 'down']) },
  ...{ frames: count, restarts: count, detail: text },
});

const row = fields({
  ...{ client: text, destination: text, transport: text, name: text, kind: text, first: text, last: text },
  ...{ connections: count, frames: count, port: (value) => value === null || count(value) },
});
/** Of an `AllowedView`, where there is one. */
export const allowedShape: Shape = (value) =>
  value === undefined ||
  fields({ since: text, connections: count, frames: count, more: count, rows: each(row) })(value);

const statusShape = fields({
  ...{ state: oneOf(STATES), lamp: oneOf(LAMPS), why: text, since: text, blockMode: flag, profile: text },
  tunnels: each(
    fields({
      name: text,
      protocol: text,
      endpoint: text,
      state: oneOf(['up', 'stale', 'down']),
      lastSeen: textOrNull,
    }),
  ),
  ledger: fields({ attempted: count, escaped: count, blocked: count, unseen: count }),
  unacknowledged: count,
  incidents: each(incidentShape),
  counters: (value) => typeof value === 'object' && value !== null && Object.values(value).every(count),
  passUntil: textOrNull,
  allowed: allowedShape,
  health: fields({
    taps: each(tapShape),
    ruleset: fields({ verified: flag, at: textOrNull, detail: text }),
    counters: fields({ readable: flag, at: textOrNull }),
    warnings: each(text),
    limits: fields({ incidentsFolded: count, observationsFolded: count }),
  }),
  version: text,
});

/** A client's check of what came over the socket: the value if every field is there and has its type, else undefined. */
export function readStatus(value: unknown): Status | undefined {
  return statusShape(value) ? (value as Status) : undefined;
}

/** As `readStatus`, for one incident. */
export function readIncident(value: unknown): IncidentView | undefined {
  return incidentShape(value) ? (value as IncidentView) : undefined;
}

/** As `readStatus`, for the body of an error answer; faults that have another shape are left out. */
export function readApiError(value: unknown): ApiErrorBody | undefined {
  if (!fields({ error: fields({ code: text, message: text }) })(value)) return undefined;
  const { error } = value as ApiErrorBody;
  const faults: unknown = error.faults;
  const fault = fields({ path: text, message: text, remedy: text });
  return { error: { ...error, faults: Array.isArray(faults) ? (faults.filter(fault) as Fault[]) : [] } };
}

/** A text that is JSON, or undefined. */
export function readJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Reads GET /v1/events (WHATWG HTML, server-sent events): text in, events out. Comments, other events and data of another
 * shape are skipped. A line longer than `limit` characters breaks the stream: `broken` is then true and nothing more comes.
 */
export class GuardEventReader {
  readonly #limit: number;
  #rest = '';
  #event = '';
  #data: string[] = [];
  #length = 0;
  broken = false;

  constructor(limit = 4_194_304) {
    this.#limit = limit;
  }

  push(chunk: string): GuardEvent[] {
    if (this.broken) return [];
    const events: GuardEvent[] = [];
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    this.broken = this.#rest.length + this.#length > this.#limit;
    return events;
  }

  #line(line: string): GuardEvent | undefined {
    if (line === '') return this.#dispatch();
    const field = /^([^:]+)(?:: ?(.*))?$/s.exec(line);
    if (field?.[1] === 'event') this.#event = field[2] ?? '';
    if (field?.[1] !== 'data') return undefined;
    this.#data.push(field[2] ?? '');
    this.#length += line.length;
    return undefined;
  }

  #dispatch(): GuardEvent | undefined {
    const [event, value] = [this.#event, readJson(this.#data.join('\n'))];
    this.#event = '';
    this.#data = [];
    this.#length = 0;
    if (event === 'status') {
      const data = readStatus(value);
      return data && { event, data };
    }
    if (event !== 'incident') return undefined;
    const data = readIncident(value);
    return data && { event, data };
  }
}

/**
 * The value with every text in it made fit to show: what moves, hides or reorders other text (controls, terminal escapes,
 * bidirectional overrides, unassigned code points) becomes `\u{…}`. Names come from the wire; a name may lie about itself.
 */
export function printable<T>(value: T): T;
export function printable(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(
      /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
      (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
    );
  if (Array.isArray(value)) return value.map((one) => printable<unknown>(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, printable<unknown>(one)]));
}

export type Transport = 'tcp' | 'udp' | 'icmp' | 'ip';

/** What went past the tunnel because the profile lets it (src/guard/allowed.ts). */
export interface AllowedRow {
  /** MAC address, as privacy shows it. */
  readonly client: string;
  readonly destination: string;
  readonly transport: Transport;
  /** Null where there is none, or privacy hides it. */
  readonly port: number | null;
  /** What was asked for, or shown there; '' where no name was. */
  readonly name: string;
  readonly kind: Kind;
  /** That were seen to begin; a segment that begins one and is sent again counts again, as does each question. 0: nothing shows it. */
  readonly connections: number;
  readonly frames: number;
  /** ISO 8601, UTC. */
  readonly first: string;
  readonly last: string;
}

export interface AllowedView {
  /** Since when it is kept; ISO 8601, UTC. */
  readonly since: string;
  /** Of all, also of what is listed no more. */
  readonly connections: number;
  readonly frames: number;
  /** Newest last frame first. */
  readonly rows: readonly AllowedRow[];
  /** Rows that are not in `rows`, for want of room. */
  readonly more: number;
}

/** `203.0.113.5, tcp 443`. */
export function placeText({ destination, transport, port }: AllowedRow): string {
  const over = port === null ? transport : `${transport} ${String(port)}`;
  return destination === '' ? over : `${destination}, ${over}`;
}
