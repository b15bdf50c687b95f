// Answers about the history: clients, dossier, silences of tunnels, timeline, captured frames.

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
    'Whether the MAC address was chosen at random by the machine, so that it does not identify the hardware.',
  ),
  hostName: textOrNull,
  vendorClass: textOrNull,
  fingerprint: textOrNull,
  account: textOrNull.describe('The name with which it logs in to the network (802.1X).'),
  previousAddresses: texts.describe(
    'Addresses that it asked a network for because it had them in another network.',
  ),
  addresses: texts,
  first: moment,
  last: moment,
});
/** A device behind the box; a text is null where the device has not said it. */
export type ClientView = Of<typeof client>;
/** Answer of GET /v1/clients. */
export const clients = z.object({ clients: z.array(client).describe('Most recently seen first.') });

const site = z.object({
  site: text,
  asked: count.describe('How often its name was asked for, as a person would count it.'),
  visited: count.describe('How often it was visited, as a person would count it.'),
  atLeast: z
    .literal(true)
    .describe('The numbers are lower limits: an earlier version counted frames only.')
    .exactOptional(),
  candidates: texts
    .describe(
      'For an address without a name: the names that it was an answer for. It is one of them, and none was counted as visited.',
    )
    .exactOptional(),
  isPublic: z
    .literal(true)
    .describe('The site is an address of the internet, whose owner a registry names.')
    .exactOptional(),
  words: text.describe('The numbers in words: `asked 3 times, visited twice`.'),
  clients: texts,
  first: moment,
  last: moment,
});
/** A site, or an address without a name, and how often it escaped. */
export type DossierSite = Of<typeof site>;

const dossierTunnel = z.object({
  name: text,
  protocol: text,
  endpoint: text,
  network: textOrNull.describe('The registered network of the endpoint: `198.51.100.0/24`; null if unknown.'),
  country: textOrNull.describe(
    "ISO 3166 code of the country in which the endpoint's network is registered; null if unknown.",
  ),
  operator: textOrNull.describe('Operator of that network; null if unknown.'),
  limits: text.describe('The limits of its protection, in words.').exactOptional(),
});
/** A tunnel as Eve sees it. */
export type DossierTunnel = Of<typeof dossierTunnel>;

/** A moment after one reading of the counters, and not after the other. */
const between = z
  .object({ after: count, until: count })
  .describe('A moment between two readings of the counters; wall clock, milliseconds since 1970.');
/** A moment after `after`, and not after `until`; wall clock, milliseconds since 1970. */
export type Between = Of<typeof between>;

const gap = z.object({
  tunnel: text,
  lastFrame: between.describe('When the last frame came from the server.'),
  firstEscape: count
    .describe('When something red first escaped, wall clock, milliseconds since 1970; absent if nothing did.')
    .optional(),
  handshake: count
    .describe(
      'When the server first answered a handshake again, wall clock, milliseconds since 1970; absent for protocols whose handshakes are not read.',
    )
    .optional(),
  back: between
    .describe('When the server was heard again, by the counters; absent while it is silent.')
    .optional(),
  unwatched: count
    .describe(
      'If the box stopped watching during the silence: when that was; the end is not known. Wall clock, milliseconds since 1970.',
    )
    .exactOptional(),
  length: z
    .object({ least: count, most: count })
    .describe('Least and greatest possible length, milliseconds; absent while it lasts.')
    .optional(),
  unanswered: count.describe('Frames from the client that were not answered.'),
  escapes: z.array(z.object({ incident: text, rule: word(RULES), exposure: text, frames: count })),
  more: count.describe('Frames of further escapes that are not in the list.'),
  text: text.describe('One sentence for a report, including the precision of the times.'),
});
/** A silence of a tunnel's server. */
export type GapView = Of<typeof gap>;
/** Answer of GET /v1/gaps. */
export const gaps = z.object({ gaps: z.array(gap).describe('Newest first.') });

/** Answer of GET /v1/dossier; `escaped` and `blocked` are frames. */
export const dossier = z.object({
  from: moment.nullable(),
  to: moment,
  privacy,
  escaped: count,
  blocked: count,
  sites: z.array(site),
  destinations: z.array(site).describe('Addresses that were visited without a name on the wire.'),
  groups: z
    .array(site)
    .describe('Multicast and broadcast addresses that were joined or sent to.')
    .exactOptional(),
  devices: z.array(client),
  tunnels: z.array(dossierTunnel),
  gaps: z.array(gap).describe('Silences of tunnels, newest first.'),
  allowed: allowed
    .describe(
      'What the profile let go past the tunnel: not a leak, but visible to Eve as well. Absent if the profile lets nothing through.',
    )
    .exactOptional(),
  conclusions: texts,
  truncated: flag.describe('Whether there is more than is listed; the newest are listed.'),
});
/** What an eavesdropper can put together. */
export type Dossier = Of<typeof dossier>;

const bucket = z.object({
  from: moment,
  state: z.enum([...STATES, 'off']).describe('`off`: the box was not watching.'),
  tunnel: z.enum(['up', 'quiet', 'trying', 'down', 'none']),
  block: z.enum(['on', 'off', 'changed']),
  pass: flag,
  redEscaped: count.describe('Frames, like the numbers that follow.'),
  redBlocked: count,
  amberEscaped: count,
  amberBlocked: count,
  unseen: count,
});
/** One interval, from `from` to before the next, with the most alarming state, tunnel and so on that it had. */
export type TimelineBucket = Of<typeof bucket>;
export type TimelineState = TimelineBucket['state'];
export type TimelineTunnel = TimelineBucket['tunnel'];

/** Answer of GET /v1/timeline; intervals of `bucketSeconds` each. */
export const timeline = z.object({
  from: moment,
  to: moment,
  bucketSeconds: count,
  buckets: z.array(bucket).describe('Equal intervals, oldest first.'),
});
export type Timeline = Of<typeof timeline>;

const reading = z.object({
  what: z.enum(READINGS),
  value: text,
  marks: z
    .array(z.object({ start: count, end: count.describe('Offset after the last byte.') }))
    .describe('Its position in the bytes.'),
});
/** One thing that Eve reads in a frame, and where; offsets are of the frame, `start` inclusive. */
export type Reading = Of<typeof reading>;

const dnsReading = z.object({
  state: z.enum(['whole', 'cut', 'malformed']),
  head: text,
  entries: z.array(z.object({ section: z.enum(DNS_SECTIONS), name: text, type: text, rest: text })),
  more: count.describe('Entries that are not listed.'),
  behind: count.describe('Bytes after the message.'),
});
/** A DNS message in words (RFC 1035 section 4.1): its header, and its entries in order. */
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
    .describe('Two lower-case digits per byte.'),
  readings: z.array(reading).describe('What Eve reads in it.'),
  more: count.describe('Readings that are not listed.'),
  dns: dnsReading.nullable().describe('The DNS message in it, decoded completely.'),
});
/** One captured frame, decoded. */
export type FrameAnswer = Of<typeof frame>;

/** Answer of GET /v1/incidents/:id/frames. */
export const frames = z.object({
  privacy: text.describe('The privacy setting; it may explain why there are no frames.'),
  frames: z.array(frame),
});
export type FramesAnswer = Of<typeof frames>;

/** Answer of GET /v1/incidents. */
export const incidents = z.object({ incidents: z.array(incident).describe('Newest first.') });

/** Answer of GET /v1/history. */
export const history = z.object({
  privacy: text,
  laxerPast: count.describe(
    'Incidents in the history with more detail than the privacy setting in force would keep.',
  ),
});
export type HistoryAnswer = Of<typeof history>;
