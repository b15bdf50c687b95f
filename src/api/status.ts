// Knows: what the guard tells of the wire: its status, its incidents, and their events. Must not know: how they come about.

import { z } from 'zod';

import { KINDS } from '../flow/kinds.ts';
import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { DIRECT, PROFILES } from '../policy/policy.ts';
import { RULES, SEVERITIES } from '../policy/verdict.ts';
import { count, flag, moment, text, textOrNull, texts, word } from './schema.ts';
import type { Of } from './schema.ts';
import { LAMPS, STATES, TABLE_SHAPES } from './words.ts';

export const incident = z.object({
  id: text,
  rule: word(RULES),
  kind: word(KINDS),
  severity: word(SEVERITIES),
  client: text.describe('MAC address of the client.'),
  exposure: text,
  destination: text,
  attempted: count.describe('Frames, as the next two.'),
  escaped: count,
  blocked: count,
  questions: count
    .describe('What a person would count of what escaped. Absent where an earlier version wrote it down.')
    .exactOptional(),
  visits: count.describe('As `questions`.').exactOptional(),
  first: moment,
  last: moment,
  why: text,
  acknowledged: flag,
  breach: flag.describe('The frame crossed although the ruleset should have stopped it.'),
  related: texts
    .describe(
      'Ids of incidents of the same story: a question and its visit (rule D), a trick and its escape (rule T).',
    )
    .exactOptional(),
  candidates: texts
    .describe(
      'Rule D: the names that the visited address was an answer for, newest first, when Eve cannot tell them apart.',
    )
    .exactOptional(),
  trick: text.describe('Rule T: what the network did.').exactOptional(),
  variants: texts.describe('The ways in which it said so, newest first and bounded.').exactOptional(),
  variantCount: count.describe('How many of these there were.').exactOptional(),
  foldedInto: text
    .describe(
      'The incident that counts its frames too since there were too many of its kind: a sum over incidents leaves this one out.',
    )
    .exactOptional(),
});
export type IncidentView = Of<typeof incident>;

export const tunnel = z.object({
  name: text,
  protocol: word(TUNNEL_PROTOCOLS),
  endpoint: text.describe(
    "`udp:198.51.100.7:51820`: the one whose server answered last, or the first of the policy's where none has.",
  ),
  server: textOrNull
    .describe('The address that answered last; null where none was seen to answer.')
    .exactOptional(),
  endpoints: count.describe('How many endpoints the tunnel has.').exactOptional(),
  state: z.enum(['up', 'stale', 'down']),
  lastSeen: moment.nullable(),
  source: word(['policy', 'answer'])
    .describe(
      "Where the server's address is from: written in the policy, or an answer that was read on the wire.",
    )
    .exactOptional(),
  proven: flag
    .describe(
      'For an answer: since the address last changed the server has answered a handshake, as far as the wire can tell.',
    )
    .exactOptional(),
  listed: text.describe('The day on which the list of its servers was made.').exactOptional(),
  listIsOld: flag.describe('Whether that is long ago.').exactOptional(),
  limits: text.describe('In words, what of it is not held: its peers may be anywhere.').exactOptional(),
});
export type TunnelView = Of<typeof tunnel>;

/** A mesh (Tailscale, Nebula, ZeroTier) that a client was seen to speak. */
const mesh = z.object({
  mesh: text,
  name: text,
  how: text.describe('How it showed itself.'),
  seen: moment.describe('Last. ISO 8601, UTC.'),
  trusted: flag.describe("A tunnel of the policy's lets it through."),
  words: text.describe('What can be held of it and what cannot.'),
});
export type MeshView = Of<typeof mesh>;

/** Frames. */
const ledger = z.object({
  attempted: count,
  escaped: count,
  blocked: count,
  unseen: count.describe('Frames the kernel counted and no tap looked at.'),
});
export type LedgerView = Of<typeof ledger>;

const tap = z.object({
  port: z.enum(['lan', 'wan']),
  interface: text,
  state: z.enum(['up', 'restarting', 'down']),
  frames: count,
  restarts: count,
  detail: text,
});
export type TapHealth = Of<typeof tap>;

export const guardHealth = z.object({
  taps: z.array(tap),
  ruleset: z.object({
    verified: flag,
    at: moment.nullable(),
    detail: text,
    shape: word(TABLE_SHAPES)
      .describe(
        'Whether the rules that the kernel has are, but for addresses, rules of which it was proven for every frame that they let cross what the specification says (test/proof). Absent while they are not verified.',
      )
      .exactOptional(),
    unproven: text.describe('Which of them are not; empty where all are.').exactOptional(),
  }),
  counters: z.object({ readable: flag, at: moment.nullable() }),
  proof: z
    .object({ at: moment.nullable(), detail: text })
    .describe(
      'When it was last proven, by a forged leak, that a real one is seen and held; null: not yet. Absent: nothing proves it.',
    )
    .optional(),
  warnings: texts,
  limits: z.object({
    incidentsFolded: count,
    observationsFolded: count,
    answersForgotten: count
      .describe('Questions and answers that rule D has forgotten because there were too many.')
      .exactOptional(),
  }),
});
export type HealthView = Of<typeof guardHealth>;

/** What went past the tunnel because the profile lets it (src/guard/history/allowed.ts). */
const allowedRow = z.object({
  client: text.describe('MAC address, as privacy shows it.'),
  destination: text,
  transport: word(['tcp', 'udp', 'icmp', 'ip']),
  port: count.nullable().describe('Null where there is none, or privacy hides it.'),
  name: text.describe("What was asked for, or shown there; '' where no name was."),
  kind: word(KINDS),
  connections: count.describe(
    'That were seen to begin; a segment that begins one and is sent again counts again, as does each question. 0: nothing shows it.',
  ),
  frames: count,
  first: moment,
  last: moment,
});
export type AllowedRow = Of<typeof allowedRow>;
export type Transport = AllowedRow['transport'];

export const allowed = z.object({
  since: moment.describe('Since when it is kept; ISO 8601, UTC.'),
  connections: count.describe('Of all, also of what is listed no more.'),
  frames: count.describe('As `connections`.'),
  rows: z.array(allowedRow).describe('Newest last frame first.'),
  more: count.describe('Rows that are not in `rows`, for want of room.'),
});
export type AllowedView = Of<typeof allowed>;

export const status = z.object({
  state: z.enum(STATES),
  lamp: z.enum(LAMPS),
  why: text.describe('One sentence: why this state.'),
  since: moment,
  blockMode: flag,
  profile: word(PROFILES),
  direct: word(DIRECT)
    .describe(
      'Where other traffic may go past the tunnel in block mode; absent with a full tunnel, where it may not.',
    )
    .exactOptional(),
  tunnels: z.array(tunnel),
  ledger,
  unacknowledged: count,
  incidents: z.array(incident).describe('Newest first, at most 20.'),
  counters: z.record(text, count).describe('Frames per kind as the kernel counted them, both directions.'),
  passUntil: moment.nullable(),
  meshes: z
    .array(mesh)
    .describe('Meshes that were seen, and in words what can be held of each.')
    .exactOptional(),
  allowed: allowed
    .describe('What the profile lets go past the tunnel, the newest of it; absent where it lets nothing.')
    .exactOptional(),
  passStopped: texts
    .describe(
      'What an open pass did not let through since it was opened, newest first: a login that seems stuck may need it.',
    )
    .exactOptional(),
  health: guardHealth,
  version: text,
});
export type Status = Of<typeof status>;

/** What an event of GET /v1/events carries: `event: status` or `event: incident`, data as JSON. */
export const EVENTS = { status, incident } as const;
export type GuardEvent = {
  [E in keyof typeof EVENTS]: { readonly event: E; readonly data: Of<(typeof EVENTS)[E]> };
}[keyof typeof EVENTS];
