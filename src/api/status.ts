// Answers about the wire: the guard's status, its incidents, and the events for both.

import { z } from 'zod';

import { KINDS } from '../flow/kinds.ts';
import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { DIRECT, PROFILES } from '../policy/policy.ts';
import { RULES, SEVERITIES } from '../policy/verdict.ts';
import { count, flag, moment, text, textOrNull, texts, word } from './schema.ts';
import type { Of } from './schema.ts';
import { LED_PATTERNS, STATES, TABLE_SHAPES } from './words.ts';

export const incident = z.object({
  id: text,
  rule: word(RULES),
  kind: word(KINDS),
  severity: word(SEVERITIES),
  client: text.describe('MAC address of the client.'),
  exposure: text,
  destination: text,
  attempted: count.describe('Frames, like the next two.'),
  escaped: count,
  blocked: count,
  questions: count
    .describe(
      'Questions that escaped, as a person would count them. Absent if an earlier version recorded the incident.',
    )
    .exactOptional(),
  visits: count.describe('Visits that escaped, like `questions`.').exactOptional(),
  first: moment,
  last: moment,
  why: text,
  acknowledged: flag,
  breach: flag.describe('Whether a frame crossed although the ruleset should have stopped it.'),
  related: texts
    .describe(
      'Ids of related incidents: a question and its visit (rule D), a network attack and its escape (rule T).',
    )
    .exactOptional(),
  candidates: texts
    .describe(
      'Rule D: the names that the visited address was an answer for, newest first, if Eve cannot tell which was meant.',
    )
    .exactOptional(),
  networkAttack: text.describe('Rule T: what the network did.').exactOptional(),
  variants: texts
    .describe('The variants of the network attack, newest first; their number is limited.')
    .exactOptional(),
  variantCount: count.describe('How many variants there were.').exactOptional(),
  foldedInto: text
    .describe(
      'Id of the aggregated incident that also counts its frames, since there were too many of its kind: leave this one out of sums.',
    )
    .exactOptional(),
});
export type IncidentView = Of<typeof incident>;

export const tunnel = z.object({
  name: text,
  protocol: word(TUNNEL_PROTOCOLS),
  endpoint: text.describe(
    "`udp:198.51.100.7:51820`: the endpoint whose server answered last, or the policy's first if none has.",
  ),
  server: textOrNull.describe('The address that answered last; null if none has.').exactOptional(),
  endpoints: count.describe('How many endpoints the tunnel has.').exactOptional(),
  state: z.enum(['up', 'stale', 'down']),
  lastSeen: moment.nullable(),
  source: word(['policy', 'answer'])
    .describe("Where the server's address comes from: the policy, or a DNS answer that was read on the wire.")
    .exactOptional(),
  proven: flag
    .describe(
      'For an answer: whether the server has answered a handshake since the address last changed, as far as the wire shows.',
    )
    .exactOptional(),
  listed: text.describe('Date of its server list.').exactOptional(),
  listIsOld: flag.describe('Whether the server list is old.').exactOptional(),
  limits: text
    .describe('The limits of its protection, in words, if its peers may be at any address.')
    .exactOptional(),
});
export type TunnelView = Of<typeof tunnel>;

/** A mesh (Tailscale, Nebula, ZeroTier) that a client was seen to use. */
const mesh = z.object({
  mesh: text,
  name: text,
  how: text.describe('How it was recognized.'),
  seen: moment.describe('When it was last seen; ISO 8601, UTC.'),
  trusted: flag.describe('Whether a tunnel of the policy lets it through.'),
  words: text.describe('What the box can enforce for it, and what it cannot.'),
});
export type MeshView = Of<typeof mesh>;

/** Numbers of frames. */
const ledger = z.object({
  attempted: count,
  escaped: count,
  blocked: count,
  unseen: count.describe('Frames that the kernel counted and no tap read.'),
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
      'When a forged leak last proved that a real one would be seen and stopped; null: not yet. Absent: this is not checked.',
    )
    .optional(),
  warnings: texts,
  limits: z.object({
    incidentsFolded: count,
    observationsFolded: count,
    answersForgotten: count
      .describe('Questions and answers that rule D had to forget because there were too many.')
      .exactOptional(),
  }),
});
export type HealthView = Of<typeof guardHealth>;

/** What went past the tunnel because the profile lets it (src/guard/history/allowed.ts). */
const allowedRow = z.object({
  client: text.describe('MAC address, redacted as the privacy setting says.'),
  destination: text,
  transport: word(['tcp', 'udp', 'icmp', 'ip']),
  port: count.nullable().describe('Null if there is none, or the privacy setting hides it.'),
  name: text.describe("The name that was asked for or shown there; '' if there was none."),
  kind: word(KINDS),
  connections: count.describe(
    'Connections that were seen to begin; each question counts, and a retransmitted first segment counts again. 0: none was seen to begin.',
  ),
  frames: count,
  first: moment,
  last: moment,
});
export type AllowedRow = Of<typeof allowedRow>;
export type Transport = AllowedRow['transport'];

export const allowed = z.object({
  since: moment.describe('Since when it is recorded; ISO 8601, UTC.'),
  connections: count.describe('Of all traffic, including rows that are no longer listed.'),
  frames: count.describe('Like `connections`.'),
  rows: z.array(allowedRow).describe('Most recent last frame first.'),
  more: count.describe('Rows that did not fit into `rows`.'),
});
export type AllowedView = Of<typeof allowed>;

export const status = z.object({
  state: z.enum(STATES),
  lamp: z.enum(LED_PATTERNS),
  why: text.describe('One sentence: the reason for this state.'),
  since: moment,
  blockMode: flag,
  profile: word(PROFILES),
  direct: word(DIRECT)
    .describe(
      'Where other traffic may go past the tunnel in block mode; absent in full-tunnel, where none may.',
    )
    .exactOptional(),
  tunnels: z.array(tunnel),
  ledger,
  unacknowledged: count,
  incidents: z.array(incident).describe('Newest first, at most 20.'),
  counters: z.record(text, count).describe('Frames per kernel counter, both directions.'),
  passUntil: moment.nullable(),
  meshes: z
    .array(mesh)
    .describe('Meshes that were seen, and in words what the box can enforce for each.')
    .exactOptional(),
  allowed: allowed
    .describe('The newest of what the profile lets go past the tunnel; absent if it lets nothing through.')
    .exactOptional(),
  passStopped: texts
    .describe(
      'What an open captive-portal exception has stopped so far, newest first: a login that hangs may need it.',
    )
    .exactOptional(),
  health: guardHealth,
  version: text,
});
export type Status = Of<typeof status>;

/** The schemas of the events of GET /v1/events: `event: status` or `event: incident`, with data as JSON. */
export const EVENTS = { status, incident } as const;
export type GuardEvent = {
  [E in keyof typeof EVENTS]: { readonly event: E; readonly data: Of<(typeof EVENTS)[E]> };
}[keyof typeof EVENTS];
