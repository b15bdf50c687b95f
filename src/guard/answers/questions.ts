// Matches DNS answers to clients' questions, and follows names within an answer. The uplink is hostile: an answer counts only once, and
// only for the very question that a client asked (RFC 5452 section 4: addresses, ports, id and name).

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { addressText } from '../../wire/ip/address.ts';
import { Protocol } from '../../wire/ip/ip.ts';
import { FairMap } from '../incidents/quotas.ts';

/** How late an answer may come after its question, milliseconds. */
export const ANSWER_MS = 30_000;
/** Most names that one client may be asking for from one port at a time. */
const NAMES = 16;

const KEPT_SECONDS_MIN = 60;
/** The longest time that a record is kept, seconds. */
export const KEPT_SECONDS_MOST = 86_400;

type Answer = ParsedPacket['findings']['answers'][number];

interface Question {
  readonly name: string;
  /** When it was asked last, monotonic milliseconds. */
  at: number;
  /** The client takes the first answer; later ones to the same question are not for it. */
  isAnswered: boolean;
}

/**
 * Questions that wait for their answers. Clients are MAC addresses as numbers, times monotonic milliseconds, names as in a packet's
 * findings.
 */
export class Questions {
  /** By client and both endpoints. */
  readonly #asked: FairMap<Question[]>;

  /** `limit`: most clients and endpoint pairs remembered. */
  constructor(limit: number) {
    this.#asked = new FairMap(limit);
  }

  /**
   * Notes that a client asks for `name`, one of those in `packet`. `again`: an answered question that is repeated waits for another answer;
   * without it (the other tap reporting the same question) it does not.
   */
  ask(packet: ParsedPacket, client: number, name: string, now: number, again: boolean): void {
    const ends = `${String(client)} ${endsOf(packet, 'up')}`;
    const asked = (this.#asked.get(ends) ?? []).filter(
      ({ at, isAnswered }) => now - at <= ANSWER_MS && !(again && isAnswered),
    );
    const known = asked.find((one) => one.name === name);
    if (known === undefined) asked.push({ name, at: now, isAnswered: false });
    else if (!known.isAnswered) known.at = now;
    this.#asked.set(ends, asked.slice(-NAMES), String(client));
  }

  /**
   * The name whose question a message answers, if the client waits for it; of several the one asked first. It then no longer waits.
   * Undefined for an answer that nobody waits for (RFC 5452 section 4).
   */
  answered(packet: ParsedPacket, client: number, now: number): string | undefined {
    const { names } = packet.findings;
    const question = this.#asked.get(`${String(client)} ${endsOf(packet, 'down')}`)?.find(
      ({ name, at, isAnswered }) =>
        !isAnswered &&
        now - at <= ANSWER_MS &&
        // A resolver that could not parse the question does not repeat it.
        (names.length === 0 || names.some((one) => one.name === name)),
    );
    if (question !== undefined) question.isAnswered = true;
    return question?.name;
  }

  /** Whether a question for such a name, asked within 30 s of `at`, has no answer yet. */
  waits(isIt: (name: string) => boolean, at: number): boolean {
    for (const asked of this.#asked.values())
      if (asked.some((one) => !one.isAnswered && Math.abs(at - one.at) <= ANSWER_MS && isIt(one.name)))
        return true;
    return false;
  }
}

/** Both endpoints of a question as one text; the answer, which has them swapped, gives the same text. */
function endsOf(packet: ParsedPacket, direction: 'up' | 'down'): string {
  const up = direction === 'up';
  const version = packet.ipVersion === 6 ? 6 : 4;
  const near = addressText(version, up ? packet.source : packet.destination);
  const far = addressText(version, up ? packet.destination : packet.source);
  const [nearPort, farPort] = up
    ? [packet.sourcePort, packet.destinationPort]
    : [packet.destinationPort, packet.sourcePort];
  // A TCP connection is identified by its endpoints, and the last segment of a long answer does not begin with an id.
  const id = packet.protocol === Protocol.TCP ? 0 : packet.payloadHead >>> 16;
  return `${String(packet.protocol)} ${near} ${String(nearPort)} ${far} ${String(farPort)} ${String(id)}`;
}

/**
 * The names, and everything that they lead to through the records that `leads` accepts; by default canonical names only (RFC 1034 section
 * 3.6.2). Records may come in any order and in circles.
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
  // A Set's iteration includes values added on the way.
  for (const name of aliases) for (const value of byOwner.get(name) ?? []) aliases.add(value);
  return aliases;
}

/**
 * How long a record with this time to live (seconds, RFC 1035 section 3.2.1) is kept, seconds: at least a minute, because clients keep an
 * answer for so long even if it says not to, and at most a day.
 */
export function keptSeconds(ttl: number): number {
  return Math.min(Math.max(ttl, KEPT_SECONDS_MIN), KEPT_SECONDS_MOST);
}
