// Knows: what can be said in questions to the local API: bodies and queries, and the words in which a wrong one is refused. Must not know: what is done with them.

import { z } from 'zod';

import { KINDS } from '../flow/kinds.ts';
import { TUNNEL_PROTOCOLS } from '../flow/kinds.ts';
import { RULES, SEVERITIES } from '../policy/verdict.ts';
import { EDITABLE } from './box.ts';
import { refusing } from './endpoint.ts';
import { flag, text, texts } from './schema.ts';
import {
  INCIDENTS_MOST,
  LED_PATTERNS,
  PASS_SECONDS_MOST,
  REPORT_FORMATS,
  UPDATE_PART_MOST,
} from './words.ts';

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
/** More than any list of a policy takes (src/policy/schema/schema-parts.ts): none of it needs to be written down to be refused. */
const LIST_MOST = 4_096;

/** Any edit of the policy may say which one it was made from; to another it is refused with 412 (as by If-Match, RFC 9110, 13.1.1). */
const basis = text.describe('The digest of the policy that the edit was made from.').exactOptional();

export const blockRequest = z.object({
  on: refusing(z.boolean(), 'is not true or false', 'send {"on": true} or {"on": false}'),
});

const seconds = z.int().min(1).max(PASS_SECONDS_MOST);
export const passRequest = z.object({
  seconds: refusing(
    seconds,
    'is no length of time for a pass',
    `send a whole number from 1 to ${String(PASS_SECONDS_MOST)}`,
  ),
  client: refusing(
    text.regex(MAC).toLowerCase().describe('The one client it is for; absent: every client.').exactOptional(),
    'is no MAC address',
    'send it as 02:00:00:00:00:0c',
  ),
});

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
        'With `all`: how many unacknowledged ones whoever asks has been shown. Refused with 412 when there is another number.',
      )
      .exactOptional(),
    'is no whole number',
    'send one, or none',
  ),
});

export const policyRequest = z.object({
  text: refusing(text, 'is not a text', 'send the whole policy file as one text'),
  basis,
});

const setting = refusing(
  z
    .unknown()
    .refine((value) => !Array.isArray(value) || value.length <= LIST_MOST)
    .describe('As GET /v1/settings tells it.')
    .exactOptional(),
  'has too many entries',
  `send at most ${LIST_MOST}`,
);
/** What each may be is the policy's to say. */
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
  "The day of a service's list, `2026-11-29`: its endpoints replace those that there were.",
);

/** To a tunnel of that name the endpoints are added. */
export const tunnelRequest = z.object({
  name: tunnelName,
  protocol: refusing(text, 'is none', `Write ${TUNNEL_PROTOCOLS.join(', ')}.`),
  endpoints: refusing(texts.describe('`udp:198.51.100.7:51820`'), 'are missing', 'Name one at least.'),
  reserved: z
    .unknown()
    .describe(
      "What the configuration changes of WireGuard's packets, as the policy writes it; so does `amnezia`.",
    )
    .exactOptional(),
  amnezia: z.unknown().exactOptional(),
  zerotier: text
    .describe('Of protocol zerotier: the node of this device, ten hexadecimal digits.')
    .exactOptional(),
  anywhere: flag
    .describe(
      'The yes to peers anywhere, which `udp:0.0.0.0/0:*` needs; refused without, with what it means.',
    )
    .exactOptional(),
  listed: listed.exactOptional(),
  basis,
});

/** Nothing changes without `yes`. */
export const importRequest = z.object({
  name: tunnelName,
  text: text
    .describe("A tunnel's configuration; only its endpoints are looked at, and nothing of it is kept.")
    .exactOptional(),
  bytes: text
    .describe("The same as the file's bytes, in base64: in whatever encoding it was written.")
    .exactOptional(),
  protocol: text
    .describe('Or what such a file came to, with `endpoints`, where it was too large to be sent.')
    .exactOptional(),
  endpoints: texts.exactOptional(),
  listed: listed.exactOptional(),
  yes: flag.exactOptional(),
  basis,
});

export const learnRequest = z.object({
  endpoint: text.describe('A yes to what was proposed; absent: what was seen is told.').exactOptional(),
  name: text.exactOptional(),
  basis,
});

export const ledRequest = z.object({
  pattern: refusing(
    z.enum(LED_PATTERNS),
    'is no pattern of the LED',
    `send one of ${LED_PATTERNS.join(', ')}`,
  ),
});

export const setClockRequest = z.object({
  wall: z.int().describe('The time it is, milliseconds since 1970 (UTC).'),
});

export const updatePart = z.object({
  at: z.number().describe('Where in the file this part begins, bytes.'),
  bytes: text.describe(`Base64, at most ${UPDATE_PART_MOST} bytes of the file.`),
});

/** ISO 8601, or milliseconds since the epoch: to wall clock, milliseconds. */
const time = refusing(
  text
    .transform((said) => (/^\d{1,15}$/.test(said) ? Number(said) : Date.parse(said)))
    .refine((wall) => !Number.isNaN(wall))
    .describe('ISO 8601, or milliseconds since the epoch.')
    .exactOptional(),
  'is no time',
  'send it as 2026-01-31T08:00:00Z',
);

const oneOf = <T extends string>(words: readonly T[], message: string, remedy: string) =>
  refusing(z.enum(words).exactOptional(), message, remedy);

const whole = (usual: number, most: number) =>
  refusing(
    text
      .default(String(usual))
      .transform(Number)
      .refine((number) => Number.isInteger(number) && number >= 1 && number <= most)
      .describe(`A whole number from 1 to ${String(most)}; ${String(usual)} unless told.`),
    'is out of range',
    `send a whole number from 1 to ${String(most)}`,
  );

/** Every field narrows. */
const filter = {
  client: text.toLowerCase().describe('MAC address, or its hash.').exactOptional(),
  rule: oneOf(RULES, 'is no rule', `send one of ${RULES.join(', ')}`),
  kind: oneOf(KINDS, 'is no kind', 'send one, such as dns'),
  severity: oneOf(SEVERITIES, 'is no severity', 'send red or amber'),
  since: time,
  until: time,
  text: text.describe('Found in exposure, destination or reason, whatever the case.').exactOptional(),
  acknowledged: refusing(
    z
      .enum(['true', 'false'])
      .transform((said) => said === 'true')
      .exactOptional(),
    'is neither',
    'send true or false',
  ),
  limit: whole(100, INCIDENTS_MOST),
};
export const incidentQuery = z.object(filter);
export const reportQuery = z.object({
  ...filter,
  format: refusing(
    z.enum(REPORT_FORMATS).default('text'),
    'is no format',
    `send one of ${REPORT_FORMATS.join(', ')}`,
  ),
});
export const gapQuery = z.object({ since: time, until: time });
/** The last day in 144 intervals, unless told. */
export const timelineQuery = z.object({ from: time, to: time, buckets: whole(144, 2_000) });
