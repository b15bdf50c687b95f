// THE SPECIFICATION, continued: what may go past the tunnel in the profiles in which other traffic may (README.md, Profiles; Split). In a full
// tunnel, and with `direct: none`, nothing: there these lists are empty. Follows what-may-cross.ts, and stands behind all of it.

import { allowed, held, leak, learn } from './clause.ts';
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
  // With `direct: answered`; five minutes longer than the record lives after what goes up last.
  const isAnswered = k.isAnswered
    ? either(ofClient(k.answered), s.holds(`inuse${family}`, s.client, s.far))
    : ALWAYS;
  const messages = family === 4 ? s.protocol(1, 2) : s.protocol(58);
  const isUsed = learn(`inuse${family}`, [s.client, s.far], k.isAnswered && up ? ALWAYS : NEVER);
  const isQuestion = k.isSplit ? both(isName, up ? isOpenQuestion(s) : ALWAYS) : NEVER;
  const isClosed = either(
    both(s.protocol(17), is(s.port, ...CLOSED[17])),
    both(s.protocol(6), is(s.port, ...CLOSED[6])),
    family === 6 ? is(f.icmp[6].type, 133, 134, 135, 136, 137) : NEVER,
  );
  return [
    leak('an address that served a protected name', either(isIn(s.far, ...k.exposed), ofClient(k.shut))),
    // The daemon hands an answer on when the kernel knows where it leads.
    held('an answer', k.isAnswered && !up ? is(f.udp.source, 53) : NEVER),
    allowed('a question for a name that is not protected, and answers', isQuestion),
    leak('names, encrypted DNS, plumbing out of bounds, tunnels that are none', isClosed),
    allowed(
      'any other traffic, or to answered addresses',
      either(s.protocol(6, 17), messages),
      isAnswered,
      isUsed,
    ),
  ];
}

/** Of packets with options or extension headers those about groups; with `direct: answered` to a group alone. */
export function groupsGoDirect(s: Sight): Clauses {
  if (!s.k.isOpen) return [];
  const about = s.family === 4 ? s.protocol(2) : is(s.f.icmp[6].type, 130, 131, 132, 143);
  return [allowed('about groups', about, s.k.isAnswered ? s.isToGroup : ALWAYS)];
}
