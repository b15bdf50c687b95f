// Answers of the daemon about the box itself: machine, settings, proposed tunnels, clock, LED, update.

import { z } from 'zod';

import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { count, flag, moment, text, texts, word } from './schema.ts';
import type { Of } from './schema.ts';
import { guardHealth, status, tunnel } from './status.ts';
import { CLOCK_TIME_SOURCES, UPDATE_STAGES } from './words.ts';

const amount = z.object({ total: count, available: count }).nullable();

/** The machine; null where it does not report a value. */
const machine = z.object({
  load: z.array(count).describe('Load averages over one, five and fifteen minutes.'),
  processors: count,
  memory: amount.describe('Bytes.'),
  disk: amount.describe("Bytes on the disk that holds the box's state."),
  temperature: z.number().nullable().describe('Degrees Celsius.'),
  throttling: z
    .object({ now: texts, before: texts })
    .nullable()
    .describe(
      'Reasons for throttling (heat, weak power supply), now and earlier. Null: the machine does not report it.',
    ),
  uptime: count.describe('Seconds.'),
  clock: z.object({
    now: moment,
    kept: flag.describe('Whether a hardware clock keeps the time while the power is off.'),
  }),
});
export type MachineHealth = Of<typeof machine>;

const port = z.object({
  port: z.enum(['bridge', 'lan', 'wan']),
  name: text,
  present: flag,
  up: flag,
  carrier: flag.nullable().describe('Null: the kernel does not report it.'),
  speed: count.nullable().describe('Mbit/s.'),
  offloads: texts
    .nullable()
    .describe('Offloads that are on and should be off. Null: the driver does not report them.'),
  dropped: count.nullable().describe('Frames that the kernel dropped on this port, received and sent.'),
});
/** The bridge or one of its ports. */
export type PortHealth = Of<typeof port>;

/** Answer of GET /v1/health. */
export const health = z.object({
  guard: guardHealth,
  machine,
  ports: z.array(port),
  timeSource: z.enum(CLOCK_TIME_SOURCES),
  at: moment.describe('ISO 8601, UTC: when machine and ports were examined.'),
});
export type HealthAnswer = Of<typeof health>;

const allowText = z.object({
  to: text,
  transport: text.exactOptional(),
  port: count.exactOptional(),
  client: text.exactOptional(),
  why: text,
});
/** An allow rule as in the policy file. */
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
  lamp: text.describe('Driver of the LED; `none` without LED.'),
});
/** The part of a policy that can be changed on the page, as texts and numbers. */
export type Settings = Of<typeof settings>;
/** Names of the settings that can be changed; the LED depends on the wiring and cannot. */
export const EDITABLE = settings.omit({ lamp: true }).keyof().options;

/** Answer of GET /v1/settings. */
export const settingsAnswer = settings.extend({
  digest: text
    .describe(
      'Digest of the whole policy: send it as `basis` of an edit, so that the edit cannot undo another one.',
    )
    .exactOptional(),
});
export type SettingsAnswer = Of<typeof settingsAnswer>;

export const tunnels = z.object({ tunnels: z.array(tunnel).describe('Each with all of its endpoints.') });

const proposal = z.object({
  protocol: word(TUNNEL_PROTOCOLS),
  endpoint: text.describe('`udp:198.51.100.7:51820`'),
  confidence: count.describe('0 to 1.'),
  why: text,
  seen: moment,
  frames: count,
});
/** A tunnel that a client was seen to start. */
export type Proposal = Of<typeof proposal>;

const done = {
  added: flag.describe('Whether the tunnel is in force.'),
  status: status.describe('The status afterwards, if it is in force.').exactOptional(),
};

/** Answer of POST /v1/tunnels/learn. */
export const learned = z.object({
  proposals: z.array(proposal).describe('Highest confidence first.'),
  ...done,
});

/** Answer of POST /v1/tunnels/import; `line` in `unused` counts from 1. */
export const imported = z.object({
  proposal: z.object({
    name: text,
    protocol: text,
    endpoints: texts,
    reserved: z.unknown().describe('To be sent along with `yes`, like `amnezia`.').exactOptional(),
    amnezia: z.unknown().exactOptional(),
    listed: text.exactOptional(),
  }),
  change: z
    .object({ added: count, removed: count, examples: texts })
    .describe('What a server list changes in the tunnel of that name, with the first examples of each.')
    .exactOptional(),
  existing: z
    .object({ protocol: text, endpoints: texts })
    .describe('The tunnel of that name and whom it trusts, if that would change: say what becomes of it.')
    .exactOptional(),
  unused: z.array(z.object({ line: count, why: text })),
  ...done,
});
export type ImportAnswer = Of<typeof imported>;

/** Answer of POST /v1/clock. */
export const clock = z.object({ now: moment.describe('The time of the clock now; ISO 8601, UTC.') });

/** Answer of POST /v1/lamp/test. */
export const ledTest = z.object({
  pattern: text,
  seconds: count.describe('Seconds until the LED shows the state of the wire again.'),
});

/** Answer of GET /v1/update, and of the requests that change it. */
export const update = z.object({
  running: text.describe('The running version.'),
  stage: z.enum(UPDATE_STAGES),
  version: text.describe('The version that was last requested; empty if there is none.'),
  why: text.describe('One sentence for the user.'),
  wayBack: flag.describe(
    'Whether a signed file of the running version is kept; without it nothing is updated.',
  ),
  received: count.describe('Bytes of the next update that have been received.'),
});
export type UpdateStatus = Of<typeof update>;
