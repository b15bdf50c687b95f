// Knows: which question of a client's a message answers, how long that is waited for, and where a name leads in it. Must not know: what
// an answer is good for. The uplink is hostile: an answer counts for the very question that a client asked (RFC 5452 section 4:
// addresses, ports, id and name), once.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { addressText } from '../../wire/ip/address.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { FairMap } from '../incidents/quotas.ts';

/** How long an answer may come after its question, milliseconds. */
export const ANSWER_MS = 30_000;
/** Names that one client asks for from one port at a time. */
const NAMES = 16;

const LEAST_SECONDS = 60;
export const KEPT_SECONDS_MOST = 86_400;

type Answer = ParsedPacket['findings']['answers'][number];

interface Question {
  readonly name: string;
  /** When it was asked last, monotonic milliseconds. */
  at: number;
  /** The client takes the first answer; what follows to the same question is somebody else's. */
  isAnswered: boolean;
}

export class Questions {
  /** By client and both ends. */
  readonly #asked: FairMap<Question[]>;

  /** `limit`: clients and ends that are remembered at once. */
  constructor(limit: number) {
    this.#asked = new FairMap(limit);
  }

  /**
   * Notes that a client asks for a name, which is one in `packet`. What was answered waits for another answer where it is asked `again`, and
   * not where another tap tells of it.
   */
  ask(packet: ParsedPacket, client: number, name: string, now: number, again: boolean): void {
    const recentPeer = `${String(client)} ${endsOf(packet, 'up')}`;
    const asked = (this.#asked.get(recentPeer) ?? []).filter(
      ({ at, isAnswered }) => now - at <= ANSWER_MS && !(again && isAnswered),
    );
    const known = asked.find((one) => one.name === name);
    if (known === undefined) asked.push({ name, at: now, isAnswered: false });
    else if (!known.isAnswered) known.at = now;
    this.#asked.set(recentPeer, asked.slice(-NAMES), String(client));
  }

  /** The name whose question a message answers, when its client waits for it; of several the one that was asked for first. */
  answered(packet: ParsedPacket, client: number, now: number): string | undefined {
    const { names } = packet.findings;
    const question = this.#asked.get(`${String(client)} ${endsOf(packet, 'down')}`)?.find(
      ({ name, at, isAnswered }) =>
        !isAnswered &&
        now - at <= ANSWER_MS &&
        // A resolver that understands nothing repeats no question.
        (names.length === 0 || names.some((one) => one.name === name)),
    );
    if (question !== undefined) question.isAnswered = true;
    return question?.name;
  }

  /** Whether a question for such a name has no answer yet that may have had one by then. */
  waits(isIt: (name: string) => boolean, at: number): boolean {
    for (const asked of this.#asked.values())
      if (asked.some((one) => !one.isAnswered && Math.abs(at - one.at) <= ANSWER_MS && isIt(one.name)))
        return true;
    return false;
  }
}

/** Both ends of a question, as they are in the question and swapped in its answer. */
function endsOf(packet: ParsedPacket, direction: 'up' | 'down'): string {
  const up = direction === 'up';
  const version = packet.ipVersion === 6 ? 6 : 4;
  const near = addressText(version, up ? packet.source : packet.destination);
  const far = addressText(version, up ? packet.destination : packet.source);
  const [nearPort, farPort] = up
    ? [packet.sourcePort, packet.destinationPort]
    : [packet.destinationPort, packet.sourcePort];
  // A connection has both ends of its own, and the segment that ends a long answer does not begin with an id.
  const id = packet.protocol === Protocol.TCP ? 0 : packet.payloadHead >>> 16;
  return `${String(packet.protocol)} ${near} ${String(nearPort)} ${far} ${String(farPort)} ${String(id)}`;
}

/**
 * Names and what they lead to over records that `leads` says to, without it over canonical names alone (RFC 1034 section 3.6.2). Records
 * may stand in any order.
 */
export function aliasesOf(
  names: Iterable<string>,
  answers: readonly Answer[],
  leads = ({ type }: Answer): boolean => type === 'CNAME',
): ReadonlySet<string> {
  const byOwner = new Map<string, string[]>();
  for (const answer of answers) {
    if (!leads(answer)) continue;
    const values = byOwner.get(answer.name);
    if (values === undefined) byOwner.set(answer.name, [answer.value]);
    else values.push(answer.value);
  }
  const aliases = new Set(names);
  // What is added on the way is walked, too.
  for (const name of aliases) for (const value of byOwner.get(name) ?? []) aliases.add(value);
  return aliases;
}

/** For how long a record is kept, seconds, by its time to live: clients keep an answer for a minute even when it says not to. */
export function keptSeconds(ttl: number): number {
  return Math.min(Math.max(ttl, LEAST_SECONDS), KEPT_SECONDS_MOST);
}
