// Knows: the shapes of what the local API answers besides status and incidents, and how a client checks them.
// Must not know: how the answers come about. HTTP and JSON are the daemon's.

import type { Settings } from '../policy/settings.ts';
import type { ClientView } from './clients.ts';
import type { Dossier } from './dossier.ts';
import type { Proposal } from './proposals.ts';
import { count, each, fields, flag, oneOf, text, textOrNull } from './shapes.ts';
import type { Shape } from './shapes.ts';
import { allowedShape } from './status.ts';
import type { HealthView } from './status.ts';

export { FIXED_ADDRESS } from '../policy/policy.ts';
export type { AllowText, Settings } from '../policy/settings.ts';
export type { ClientView } from './clients.ts';
export type { AllowedRow, AllowedView } from './status.ts';
export type { Dossier, DossierSite } from './dossier.ts';
export type { Proposal } from './proposals.ts';

/** Forms in which GET /v1/report gives the past. */
export const REPORT_FORMATS = ['text', 'json', 'csv', 'html', 'eve'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The machine of the box; null is what it does not say. */
export interface MachineHealth {
  /** Processes that want to run, over one, five and fifteen minutes. */
  readonly load: readonly number[];
  readonly processors: number;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number } | null;
  /** Bytes, of the disk that holds the box's state. */
  readonly disk: { readonly total: number; readonly available: number } | null;
  /** Degrees Celsius. */
  readonly temperature: number | null;
  /** Null: the machine does not say whether it is slowed down (heat, weak supply). */
  readonly throttling: { readonly now: readonly string[]; readonly before: readonly string[] } | null;
  /** Seconds. */
  readonly uptime: number;
  /** ISO 8601, UTC. `kept`: a hardware clock runs while the power is off. */
  readonly clock: { readonly now: string; readonly kept: boolean };
}

export interface PortHealth {
  readonly port: 'bridge' | 'lan' | 'wan';
  readonly name: string;
  readonly present: boolean;
  readonly up: boolean;
  /** Null: the kernel does not say. */
  readonly carrier: boolean | null;
  /** Mbit/s. */
  readonly speed: number | null;
  /** Offloads that are on and should not be. Null: the driver does not say. */
  readonly offloads: readonly string[] | null;
  /** Frames that the kernel threw away on this port, received and sent. */
  readonly dropped: number | null;
}

/** Who sets the box's clock: its owner, a time service, or the machine, whose clock is not the box's to set. */
export const CLOCK_KEEPERS = ['owner', 'network', 'machine'] as const;
export type ClockKeeper = (typeof CLOCK_KEEPERS)[number];

/** GET /v1/health. */
export interface HealthAnswer {
  readonly guard: HealthView;
  readonly machine: MachineHealth;
  readonly ports: readonly PortHealth[];
  readonly clockKeeper: ClockKeeper;
  /** ISO 8601, UTC: when machine and ports were looked at. */
  readonly at: string;
}

/** GET /v1/settings. */
export interface SettingsAnswer extends Settings {
  /** Of the whole policy they stand in: the `basis` of an edit that must not undo another. */
  readonly digest?: string;
}

/** GET /v1/history, and what POST /v1/history/rewrite leaves. */
export interface HistoryAnswer {
  readonly privacy: string;
  /** Incidents of the past that tell more than the privacy in force would. */
  readonly laxerPast: number;
}

/** POST /v1/tunnels/import. */
export interface ImportAnswer {
  readonly proposal: {
    readonly name: string;
    readonly protocol: string;
    readonly endpoints: readonly string[];
    /** To be sent along with a yes. */
    readonly reserved?: unknown;
    readonly amnezia?: unknown;
    readonly listed?: string;
  };
  /** What a list changes of the tunnel of that name; the first of each. */
  readonly change?: {
    readonly added: number;
    readonly removed: number;
    readonly examples: readonly string[];
  };
  readonly unused: readonly { readonly line: number; readonly why: string }[];
}

/** POST /v1/clock. */
export interface ClockAnswer {
  /** What it says now; ISO 8601, UTC. */
  readonly now: string;
}

/** POST /v1/lamp/test. */
export interface LampTestAnswer {
  readonly pattern: string;
  /** When the lamp speaks of the wire again, seconds. */
  readonly seconds: number;
}

const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);

const amount = orNull(fields({ total: count, available: count }));
const number: Shape = (value) => typeof value === 'number' && Number.isFinite(value);

const client = fields({
  ...{ id: text, vendor: textOrNull, randomised: flag, hostName: textOrNull, vendorClass: textOrNull },
  ...{
    fingerprint: textOrNull,
    account: textOrNull,
    previousAddresses: each(text),
    addresses: each(text),
    first: text,
    last: text,
  },
});
const clients = fields({ clients: each(client) });

export const readClients = (value: unknown): readonly ClientView[] | undefined =>
  clients(value) ? (value as { clients: readonly ClientView[] }).clients : undefined;

const sites = each(
  fields({
    ...{ site: text, asked: count, visited: count, words: text, clients: each(text) },
    ...{ first: text, last: text },
  }),
);

const dossierShape = fields({
  ...{ from: textOrNull, to: text, privacy: text, escaped: count, blocked: count, sites, truncated: flag },
  ...{ destinations: sites, devices: each(client), conclusions: each(text), allowed: allowedShape },
  tunnels: each(
    fields({ name: text, protocol: text, endpoint: text, country: textOrNull, operator: textOrNull }),
  ),
});

const proposal = fields({
  ...{ protocol: text, endpoint: text, confidence: count, why: text, seen: text, frames: count },
});
const proposals = fields({ proposals: each(proposal) });

export const readProposals = (value: unknown): readonly Proposal[] | undefined =>
  proposals(value) ? (value as { proposals: readonly Proposal[] }).proposals : undefined;

const importShape = fields({
  proposal: fields({ name: text, protocol: text, endpoints: each(text) }),
  unused: each(fields({ line: count, why: text })),
});

const settingsShape = fields({
  digest: (value) => value === undefined || text(value),
  ...{ profile: text, mustTunnel: each(text), direct: text, resolvers: each(text), proxies: each(text) },
  ...{ localChatter: text, privacy: text, privacyKey: text, retentionDays: count, lamp: text },
  allow: each(fields({ to: text, why: text })),
  management: fields({ address: text, hostname: text, ssh: flag }),
});

const historyShape = fields({ privacy: text, laxerPast: count });

const lampTestShape = fields({ pattern: text, seconds: count });

const clockShape = fields({ now: text });

const healthShape = fields({
  clockKeeper: oneOf(CLOCK_KEEPERS),
  machine: fields({
    ...{ load: each(count), processors: count, memory: amount, disk: amount, uptime: count },
    temperature: orNull(number),
    throttling: orNull(fields({ now: each(text), before: each(text) })),
    clock: fields({ now: text, kept: flag }),
  }),
  ports: each(
    fields({
      ...{ port: oneOf(['bridge', 'lan', 'wan']), name: text, present: flag, up: flag },
      ...{ carrier: orNull(flag), speed: orNull(count), offloads: orNull(each(text)) },
      dropped: orNull(count),
    }),
  ),
  guard: fields({
    taps: each(fields({ port: text, interface: text, state: text, frames: count, restarts: count })),
    ruleset: fields({ verified: flag, at: textOrNull }),
    counters: fields({ readable: flag }),
    warnings: each(text),
  }),
  at: text,
});

/** GET /v1/dossier: the value when every field has its shape, else undefined. */
export function readDossier(value: unknown): Dossier | undefined {
  return dossierShape(value) ? (value as Dossier) : undefined;
}

/** POST /v1/tunnels/import: the value when every field has its shape, else undefined. */
export function readImport(value: unknown): ImportAnswer | undefined {
  return importShape(value) ? (value as ImportAnswer) : undefined;
}

/** GET /v1/settings: the value when every field has its shape, else undefined. */
export function readSettings(value: unknown): SettingsAnswer | undefined {
  return settingsShape(value) ? (value as SettingsAnswer) : undefined;
}

/** GET /v1/history: the value when every field has its shape, else undefined. */
export function readHistory(value: unknown): HistoryAnswer | undefined {
  return historyShape(value) ? (value as HistoryAnswer) : undefined;
}

/** POST /v1/clock: the value when every field has its shape, else undefined. */
export function readClock(value: unknown): ClockAnswer | undefined {
  return clockShape(value) ? (value as ClockAnswer) : undefined;
}

/** POST /v1/lamp/test: the value when every field has its shape, else undefined. */
export function readLampTest(value: unknown): LampTestAnswer | undefined {
  return lampTestShape(value) ? (value as LampTestAnswer) : undefined;
}

/** GET /v1/health: the value when every field has its shape, else undefined. */
export function readHealth(value: unknown): HealthAnswer | undefined {
  return healthShape(value) ? (value as HealthAnswer) : undefined;
}
