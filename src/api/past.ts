// Knows: what the guard tells of the past: clients, dossier, silences, timeline, frames. Must not know: where the past is kept.

import { z } from 'zod';

import { DNS_SECTIONS, READINGS } from '../flow/reading/frame-reading.ts';
import { RULES } from '../policy/verdict.ts';
import { count, flag, moment, text, textOrNull, texts, word } from './schema.ts';
import type { Of } from './schema.ts';
import { allowed, incident } from './status.ts';
import { STATES } from './words.ts';

export type { ReadingWhat } from '../flow/reading/frame-reading.ts';

const privacy = word(['full', 'redacted', 'minimal']);

const client = z.object({
  id: text.describe('MAC address, or its keyed hash.'),
  vendor: textOrNull,
  randomised: flag.describe(
    'The MAC address was made up by the machine itself: it does not name the hardware.',
  ),
  hostName: textOrNull,
  vendorClass: textOrNull,
  fingerprint: textOrNull,
  account: textOrNull.describe('The name that it logs in to the switch with (802.1X).'),
  previousAddresses: texts.describe('Addresses it asked a network for because it had them in another one.'),
  addresses: texts,
  first: moment,
  last: moment,
});
export type ClientView = Of<typeof client>;
export const clients = z.object({ clients: z.array(client).describe('Last seen first.') });

const site = z.object({
  site: text,
  asked: count.describe('How often its name was asked for, as a person would count.'),
  visited: count.describe('How often it was gone to, as a person would count.'),
  atLeast: z
    .literal(true)
    .describe('There was more of it: an earlier version counted frames alone.')
    .exactOptional(),
  candidates: texts
    .describe(
      'Of an address without a name: names that it was the answer for, of which it is one. None of them was counted as visited.',
    )
    .exactOptional(),
  words: text.describe('The same in words: `asked 3 times, visited twice`.'),
  clients: texts,
  first: moment,
  last: moment,
});
export type DossierSite = Of<typeof site>;

const dossierTunnel = z.object({
  name: text,
  protocol: text,
  endpoint: text,
  network: textOrNull.describe(
    'The network that the endpoint lies in, as it was registered: `198.51.100.0/24`; null when it is not known.',
  ),
  country: textOrNull.describe(
    "ISO 3166 code of the country in which the endpoint's network is registered; null when it is not known.",
  ),
  operator: textOrNull.describe('Who runs that network; null when it is not known.'),
  limits: text.describe('In words, what of it is not held.').exactOptional(),
});
export type DossierTunnel = Of<typeof dossierTunnel>;

/** A moment that lies after the one and not after the other reading. */
const between = z
  .object({ after: count, until: count })
  .describe('It lies between two readings; wall clock, milliseconds since the epoch.');
export type Between = Of<typeof between>;

const gap = z.object({
  tunnel: text,
  lastFrame: between.describe('When the server was last heard.'),
  firstEscape: count
    .describe('When something red first escaped, to the millisecond; absent when nothing did.')
    .optional(),
  handshake: count
    .describe(
      "When the server first answered a handshake again, to the millisecond; absent where the protocol's are not read.",
    )
    .optional(),
  back: between
    .describe('When the server was heard again, by the counters. Absent while it is silent.')
    .optional(),
  unwatched: count
    .describe(
      'Since when nobody watched it any more, if it lasted then: its end is not known. Wall clock, milliseconds.',
    )
    .exactOptional(),
  length: z
    .object({ least: count, most: count })
    .describe('At least and at most so long, milliseconds; absent while it lasts.')
    .optional(),
  unanswered: count.describe('Frames of the client that were not answered.'),
  escapes: z.array(z.object({ incident: text, rule: word(RULES), exposure: text, frames: count })),
  more: count.describe('Frames of escapes that found no room in the list.'),
  text: text.describe('One sentence for a report, its resolution said.'),
});
export type GapView = Of<typeof gap>;
export const gaps = z.object({ gaps: z.array(gap).describe('Newest first.') });

export const dossier = z.object({
  from: moment.nullable(),
  to: moment,
  privacy,
  escaped: count,
  blocked: count,
  sites: z.array(site),
  destinations: z.array(site).describe('Addresses that were gone to without a name on the wire.'),
  devices: z.array(client),
  tunnels: z.array(dossierTunnel),
  gaps: z.array(gap).describe('Silences of tunnels, newest first.'),
  allowed: allowed
    .describe(
      'What the profile let go past the tunnel: no leak, and hers all the same. Absent where it lets nothing.',
    )
    .exactOptional(),
  conclusions: texts,
  truncated: flag.describe('More happened than was looked at; what is told are the newest.'),
});
export type Dossier = Of<typeof dossier>;

const bucket = z.object({
  from: moment,
  state: z.enum([...STATES, 'off']).describe('`off`: nobody watched.'),
  tunnel: z.enum(['up', 'stale', 'down', 'none']),
  block: z.enum(['on', 'off', 'changed']),
  pass: flag,
  redEscaped: count.describe('Frames, as those that follow.'),
  redBlocked: count,
  amberEscaped: count,
  amberBlocked: count,
  unseen: count,
});
export type TimelineBucket = Of<typeof bucket>;
export type TimelineState = TimelineBucket['state'];
export type TimelineTunnel = TimelineBucket['tunnel'];

export const timeline = z.object({
  from: moment,
  to: moment,
  bucketSeconds: count,
  buckets: z.array(bucket).describe('Equal intervals, the oldest first.'),
});
export type Timeline = Of<typeof timeline>;

const reading = z.object({
  what: z.enum(READINGS),
  value: text,
  marks: z
    .array(z.object({ start: count, end: count.describe('Offset behind the last byte.') }))
    .describe('Where it stands in the bytes.'),
});
export type Reading = Of<typeof reading>;

const dnsReading = z.object({
  state: z.enum(['whole', 'cut', 'malformed']),
  head: text,
  entries: z.array(z.object({ section: z.enum(DNS_SECTIONS), name: text, type: text, rest: text })),
  more: count.describe('Entries that are not listed.'),
  behind: count.describe('Bytes behind the message.'),
});
export type DnsReading = Of<typeof dnsReading>;
export type DnsEntry = DnsReading['entries'][number];

/** One captured frame of an incident. */
const frame = z.object({
  port: z.enum(['lan', 'wan']),
  at: moment,
  length: count.describe('Bytes on the wire; `hex` may hold fewer.'),
  hex: z
    .string()
    .regex(/^(?:[0-9a-f]{2})*$/)
    .describe('Two lower-case digits a byte.'),
  readings: z.array(reading).describe('What Eve reads in it.'),
  more: count.describe('Readings that are not listed.'),
  dns: dnsReading.nullable().describe('The DNS message in it, read whole.'),
});
export type FrameAnswer = Of<typeof frame>;

export const frames = z.object({
  privacy: text.describe('Where there are no frames, it may say why.'),
  frames: z.array(frame),
});
export type FramesAnswer = Of<typeof frames>;

export const incidents = z.object({ incidents: z.array(incident).describe('Newest first.') });

export const history = z.object({
  privacy: text,
  laxerPast: count.describe('Incidents of the past that tell more than the privacy in force would.'),
});
export type HistoryAnswer = Of<typeof history>;
