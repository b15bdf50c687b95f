// THE SPECIFICATION, continued: what may go past the tunnel in the profiles in which other traffic may (README.md, Profiles; Split). In a full
// tunnel, and with `direct: none`, nothing: there these lists are empty. Follows what-may-cross.ts, and stands behind all of it.

import { allowed, held, leak, teaches } from './clause.ts';
import type { Clauses } from './clause.ts';
import type { Sight } from './sight.ts';
import { isOpenQuestion } from './spec-questions.ts';
import { ALWAYS, NEVER, both, either, is, isIn, macOf } from './terms.ts';
import type { Formula } from './terms.ts';

/** Names (split looks into questions), encrypted DNS, plumbing out of bounds, tunnels that are none (rule F). */
const CLOSED = {
  17: [53, 853, 5353, 5355, 137, 1900, 67, 68, 546, 547, 1701, 3544, 4789],
  6: [53, 853, 5353, 5355, 1723],
} as const;

export function goesDirect(s: Sight): Clauses {
  const { k, f, family, up } = s;
  if (!k.isOpen) return [];
  const isName = both(s.protocol(6, 17), is(s.port, 53));
  const ofClient = (list: readonly { readonly client: string; readonly address: string }[]): Formula =>
    either(...list.map(({ client, address }) => both(is(s.client, macOf(client)), isIn(s.far, address))));
  // For five minutes after it was used last an address stays open: the kernel learns that from what goes up.
  const isAnswered = k.isAnswered
    ? either(ofClient(k.answered), s.holds(`inuse${family}`, s.client, s.far))
    : ALWAYS;
  const messages = family === 4 ? s.protocol(1, 2) : s.protocol(58);
  const other = allowed(
    'any other traffic; with `direct: answered` to and from answered addresses',
    either(s.protocol(6, 17), messages),
    isAnswered,
  );
  return [
    leak('an address that served a protected name', either(isIn(s.far, ...k.exposed), ofClient(k.shut))),
    // The client has an answer when the kernel knows where it leads.
    ...(k.isAnswered && !up ? [held('an answer', is(f.udp.source, 53))] : []),
    ...(k.isSplit
      ? [
          allowed(
            'a question for a name that is not protected, and answers',
            isName,
            up ? isOpenQuestion(s) : ALWAYS,
          ),
        ]
      : []),
    leak(
      'names, encrypted DNS, plumbing out of bounds, tunnels that are none',
      either(
        both(s.protocol(17), is(s.port, ...CLOSED[17])),
        both(s.protocol(6), is(s.port, ...CLOSED[6])),
        family === 6 ? is(f.icmp[6].type, 133, 134, 135, 136, 137) : NEVER,
      ),
    ),
    k.isAnswered && up ? teaches(other, `inuse${family}`, [s.client, s.far]) : other,
  ];
}

/** Of packets with options or extension headers those about groups; with `direct: answered` to a group alone. */
export function groupsGoDirect(s: Sight): Clauses {
  if (!s.k.isOpen) return [];
  const about = s.family === 4 ? s.protocol(2) : is(s.f.icmp[6].type, 130, 131, 132, 143);
  return [allowed('about groups', about, s.k.isAnswered ? s.isToGroup : ALWAYS)];
}
