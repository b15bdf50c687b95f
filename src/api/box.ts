// Knows: what the daemon tells of the box itself: machine, settings, tunnels to come, clock, LED, update. Must not know: how it is found out.

import { z } from 'zod';

import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { count, flag, moment, text, texts, word } from './schema.ts';
import type { Of } from './schema.ts';
import { guardHealth, status } from './status.ts';
import { CLOCK_TIME_SOURCES, UPDATE_STAGES } from './words.ts';

const amount = z.object({ total: count, available: count }).nullable();

/** The machine of the box; null is what it does not say. */
const machine = z.object({
  load: z.array(count).describe('Processes that want to run, over one, five and fifteen minutes.'),
  processors: count,
  memory: amount.describe('Bytes.'),
  disk: amount.describe("Bytes, of the disk that holds the box's state."),
  temperature: z.number().nullable().describe('Degrees Celsius.'),
  throttling: z
    .object({ now: texts, before: texts })
    .nullable()
    .describe('Null: the machine does not say whether it is slowed down (heat, weak supply).'),
  uptime: count.describe('Seconds.'),
  clock: z.object({
    now: moment,
    kept: flag.describe('A hardware clock runs while the power is off.'),
  }),
});
export type MachineHealth = Of<typeof machine>;

const port = z.object({
  port: z.enum(['bridge', 'lan', 'wan']),
  name: text,
  present: flag,
  up: flag,
  carrier: flag.nullable().describe('Null: the kernel does not say.'),
  speed: count.nullable().describe('Mbit/s.'),
  offloads: texts
    .nullable()
    .describe('Offloads that are on and should not be. Null: the driver does not say.'),
  dropped: count.nullable().describe('Frames that the kernel threw away on this port, received and sent.'),
});
export type PortHealth = Of<typeof port>;

export const health = z.object({
  guard: guardHealth,
  machine,
  ports: z.array(port),
  timeSource: z.enum(CLOCK_TIME_SOURCES),
  at: moment.describe('ISO 8601, UTC: when machine and ports were looked at.'),
});
export type HealthAnswer = Of<typeof health>;

const allowText = z.object({
  to: text,
  transport: text.exactOptional(),
  port: count.exactOptional(),
  client: text.exactOptional(),
  why: text,
});
/** An allow rule as the file writes it. */
export type AllowText = Of<typeof allowText>;

const settings = z.object({
  profile: text,
  mustTunnel: texts,
  direct: text,
  resolvers: texts,
  proxies: texts,
  allow: z.array(allowText),
  localChatter: text,
  privacy: text,
  privacyKey: text,
  retentionDays: count,
  management: z.object({ address: text, hostname: text, ssh: flag }),
  lamp: text.describe('Which kind of LED there is, `none` for none.'),
});
/** The part of a policy that people change on the page, as plain texts and numbers. */
export type Settings = Of<typeof settings>;
/** What an edit may name; the LED is wired, not chosen on a page. */
export const EDITABLE = settings.omit({ lamp: true }).keyof().options;

export const settingsAnswer = settings.extend({
  digest: text
    .describe('Of the whole policy they stand in: the `basis` of an edit that must not undo another.')
    .exactOptional(),
});
export type SettingsAnswer = Of<typeof settingsAnswer>;

const proposal = z.object({
  protocol: word(TUNNEL_PROTOCOLS),
  endpoint: text.describe('`udp:198.51.100.7:51820`'),
  confidence: count.describe('0 to 1.'),
  why: text,
  seen: moment,
  frames: count,
});
/** A tunnel that a client was seen to begin. */
export type Proposal = Of<typeof proposal>;

const done = {
  added: flag.describe('It is in force.'),
  status: status.describe('Where it is in force: the status afterwards.').exactOptional(),
};

export const learned = z.object({
  proposals: z.array(proposal).describe('The surest first.'),
  ...done,
});

export const imported = z.object({
  proposal: z.object({
    name: text,
    protocol: text,
    endpoints: texts,
    reserved: z.unknown().describe('To be sent along with a yes, as `amnezia`.').exactOptional(),
    amnezia: z.unknown().exactOptional(),
    listed: text.exactOptional(),
  }),
  change: z
    .object({ added: count, removed: count, examples: texts })
    .describe('What a list changes of the tunnel of that name; the first of each.')
    .exactOptional(),
  unused: z.array(z.object({ line: count, why: text })),
  ...done,
});
export type ImportAnswer = Of<typeof imported>;

export const clock = z.object({ now: moment.describe('What it says now; ISO 8601, UTC.') });

export const ledTest = z.object({
  pattern: text,
  seconds: count.describe('When the LED speaks of the wire again, seconds.'),
});

export const update = z.object({
  running: text.describe('The version that runs.'),
  stage: z.enum(UPDATE_STAGES),
  version: text.describe('The version that was asked for last; empty when there is none.'),
  why: text.describe('One sentence for people.'),
  wayBack: flag.describe(
    'Whether a signed file of the version that runs is kept: without it nothing is updated.',
  ),
  received: count.describe('Bytes of the next update that have arrived.'),
});
export type UpdateStatus = Of<typeof update>;
