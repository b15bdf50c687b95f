// Bodies and queries of requests to the local API, with the messages for wrong ones.

import { z } from 'zod';

import { KINDS } from '../flow/kinds.ts';
import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { RULES, SEVERITIES } from '../policy/verdict.ts';
import { EDITABLE } from './box.ts';
import { refusing } from './endpoint.ts';
import { flag, text, texts } from './schema.ts';
import {
  MAX_INCIDENTS,
  LED_PATTERNS,
  MAX_PASS_SECONDS,
  REPORT_FORMATS,
  MAX_UPDATE_PART_BYTES,
} from './words.ts';

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
/** More than any list of a policy may have (src/policy/schema/schema-parts.ts), so a longer one is refused without being parsed. */
const MAX_LIST = 4_096;

/**
 * Any edit may name the policy that it was made from; if another one is in force, it is refused with 412 (like If-Match, RFC 9110 section
 * 13.1.1).
 */
const basis = text.describe('The digest of the policy that the edit was made from.').exactOptional();

/** Body of PUT /v1/block. */
export const blockRequest = z.object({
  on: refusing(z.boolean(), 'is not true or false', 'send {"on": true} or {"on": false}'),
});

const seconds = z.int().min(1).max(MAX_PASS_SECONDS);
/** Body of POST /v1/pass; the MAC address becomes lower case. */
export const passRequest = z.object({
  seconds: refusing(
    seconds,
    'is not a valid duration',
    `send a whole number from 1 to ${String(MAX_PASS_SECONDS)}`,
  ),
  client: refusing(
    text
      .regex(MAC)
      .toLowerCase()
      .describe('The client that it is for; absent: every client.')
      .exactOptional(),
    'is not a MAC address',
    'send it as 02:00:00:00:00:0c',
  ),
});

/** Body of POST /v1/ack. */
export const acknowledgement = z.object({
  id: refusing(
    text.describe("An incident's id, or `all`."),
    'is not a text',
    'send the id of an incident, or "all"',
  ),
  unacknowledged: refusing(
    z
      .int()
      .nonnegative()
      .describe(
        'With `all`: the number of unacknowledged incidents that the user was shown. Refused with 412 if the number is another one by now.',
      )
      .exactOptional(),
    'is not a whole number',
    'send a whole number, or leave it out',
  ),
});

/** Body of PUT /v1/policy. */
export const policyRequest = z.object({
  text: refusing(text, 'is not a text', 'send the whole policy file as one text'),
  basis,
});

const setting = refusing(
  z
    .unknown()
    .refine((value) => !Array.isArray(value) || value.length <= MAX_LIST)
    .describe('As in the answer of GET /v1/settings.')
    .exactOptional(),
  'has too many entries',
  `send at most ${MAX_LIST}`,
);
/** Body of PUT /v1/settings. The values are checked with the policy. */
export const settingsRequest = refusing(
  z
    .strictObject({
      ...(Object.fromEntries(EDITABLE.map((name) => [name, setting])) as Record<
        (typeof EDITABLE)[number],
        typeof setting
      >),
      basis,
    })
    .refine((settings) => Object.keys(settings).length > 0),
  'cannot be changed here',
  `send one of ${EDITABLE.join(', ')}`,
);

const tunnelName = refusing(text, 'is missing', 'Give the tunnel a name.');
const listed = text.describe(
  "Date of a service's server list, `2026-11-29`: its endpoints replace those that the tunnel has.",
);

const existing = z
  .enum(['add', 'replace'])
  .describe(
    'If there is a tunnel of that name that trusts others: whether these endpoints are added to its own or replace them. Without it the request is refused with 409.',
  )
  .exactOptional();

/** Body of POST /v1/tunnels. */
export const tunnelRequest = z.object({
  name: tunnelName,
  protocol: refusing(text, 'is missing', `Write ${TUNNEL_PROTOCOLS.join(', ')}.`),
  endpoints: refusing(texts.describe('`udp:198.51.100.7:51820`'), 'are missing', 'Name at least one.'),
  reserved: z
    .unknown()
    .describe("How the configuration changes WireGuard's packets, as in the policy; `amnezia` likewise.")
    .exactOptional(),
  amnezia: z.unknown().exactOptional(),
  zerotier: text
    .describe("For protocol zerotier: the address of this device's node, ten hexadecimal digits.")
    .exactOptional(),
  anywhere: flag
    .describe(
      'Agreement to peers at any address, which `udp:0.0.0.0/0:*` needs; without it the request is refused with an explanation.',
    )
    .exactOptional(),
  listed: listed.exactOptional(),
  existing,
  basis,
});

/** Body of POST /v1/tunnels/import. Nothing changes without `yes`. */
export const importRequest = z.object({
  name: tunnelName,
  text: text
    .describe("A tunnel's configuration; only its endpoints are read, and nothing else is kept.")
    .exactOptional(),
  bytes: text.describe("The same as the file's bytes in base64, in any text encoding.").exactOptional(),
  protocol: text
    .describe('With `endpoints`: the result of reading such a file, if it was too large to be sent.')
    .exactOptional(),
  endpoints: texts.exactOptional(),
  listed: listed.exactOptional(),
  existing,
  yes: flag.exactOptional(),
  basis,
});

/** Body of POST /v1/tunnels/learn. */
export const learnRequest = z.object({
  endpoint: text
    .describe('The proposed endpoint to trust; absent: the proposals are listed.')
    .exactOptional(),
  name: text.exactOptional(),
  existing,
  basis,
});

/** Body of POST /v1/lamp/test. */
export const ledRequest = z.object({
  pattern: refusing(z.enum(LED_PATTERNS), 'is not known', `send one of ${LED_PATTERNS.join(', ')}`),
});

/** Body of POST /v1/clock. */
export const setClockRequest = z.object({
  wall: z.int().describe('The current time, milliseconds since 1970 (UTC).'),
});

/** Body of POST /v1/update/part. */
export const updatePart = z.object({
  at: z.number().describe('Offset of this part in the file, bytes.'),
  bytes: text.describe(`Base64, at most ${MAX_UPDATE_PART_BYTES} bytes of the file.`),
});

/** ISO 8601 or milliseconds since 1970, transformed to milliseconds since 1970. */
const time = refusing(
  text
    .transform((input) => (/^\d{1,15}$/.test(input) ? Number(input) : Date.parse(input)))
    .refine((wall) => !Number.isNaN(wall))
    .describe('ISO 8601, or milliseconds since 1970.')
    .exactOptional(),
  'is not a time',
  'send it as 2026-01-31T08:00:00Z',
);

const oneOf = <T extends string>(words: readonly T[], message: string, remedy: string) =>
  refusing(z.enum(words).exactOptional(), message, remedy);

const whole = (usual: number, max: number) =>
  refusing(
    text
      .default(String(usual))
      .transform(Number)
      .refine((number) => Number.isInteger(number) && number >= 1 && number <= max)
      .describe(`A whole number from 1 to ${String(max)}; by default ${String(usual)}.`),
    'is out of range',
    `send a whole number from 1 to ${String(max)}`,
  );

/** Each field narrows the selection. */
const filter = {
  client: text.toLowerCase().describe('MAC address, or its hash.').exactOptional(),
  rule: oneOf(RULES, 'is not known', `send one of ${RULES.join(', ')}`),
  kind: oneOf(KINDS, 'is not known', 'send a kind, such as dns'),
  severity: oneOf(SEVERITIES, 'is not known', 'send red or amber'),
  since: time,
  until: time,
  text: text
    .describe('Searched in exposure, destination and reason, without regard to case.')
    .exactOptional(),
  acknowledged: refusing(
    z
      .enum(['true', 'false'])
      .transform((input) => input === 'true')
      .exactOptional(),
    'is neither true nor false',
    'send true or false',
  ),
  limit: whole(100, MAX_INCIDENTS),
};
/** Query of GET /v1/incidents and GET /v1/dossier; times become milliseconds since 1970. */
export const incidentQuery = z.object(filter);
/** Query of GET /v1/report. */
export const reportQuery = z.object({
  ...filter,
  format: refusing(
    z.enum(REPORT_FORMATS).default('text'),
    'is not known',
    `send one of ${REPORT_FORMATS.join(', ')}`,
  ),
});
/** Query of GET /v1/gaps. */
export const gapQuery = z.object({ since: time, until: time });
/** Query of GET /v1/timeline; by default the last day in 144 intervals. */
export const timelineQuery = z.object({ from: time, to: time, buckets: whole(144, 2_000) });
