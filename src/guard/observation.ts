// Knows: how judged frames that say the same thing are counted together before they leave the tap.
// Must not know: processes, pipes, clocks (times come in). Under flood a tap sends batches; what is folded is counted, never
// dropped, and a flood of one client, rule or kind folds nothing but its own.

import { copyPacket, keepPayload } from '../flow/parsed-packet.ts';
import type { ParsedPacket } from '../flow/parsed-packet.ts';
import { opensConnection } from '../flow/streams/opening.ts';
import { Protocol } from '../wire/ip/ip.ts';
import type { AnsweredAddress } from '../policy/filter/answered.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Sighting } from './canary/canary.ts';
import { EvidenceBudget } from './incidents/evidence.ts';
import { Regulars, STRANGERS, Shares } from './incidents/quotas.ts';

/** Frames of one client that say the same thing, as one tap saw them. Times are monotonic milliseconds. */
export interface Observation {
  /** Of the first frame. */
  readonly packet: ParsedPacket;
  readonly verdict: Verdict;
  readonly direction: 'up' | 'down';
  /** The ruleset lets it pass even in block mode: seen on wan it is no breach. */
  readonly crosses: boolean;
  /** The kernel's counter for such a frame; '' where the bridge keeps it uncounted. */
  readonly counter: string;
  /** MAC address of the client as a number; for `down` the frame's destination. */
  readonly client: number;
  frames: number;
  /** Questions asked and visits begun by these frames (src/guard/incidents/occasions.ts); the wan tap alone counts them. Absent for none. */
  questions?: number;
  visits?: number;
  first: number;
  last: number;
  /** More distinct observations came than a batch holds: verdict, rule and kind hold for all, the rest for the first. */
  readonly folded: boolean;
  /** The beginning of the first frame, when it is wanted as evidence. */
  readonly frame?: Uint8Array;
}

export type Judged = Pick<Observation, 'verdict' | 'direction' | 'crosses' | 'counter'>;

/**
 * A tunnel's server answered a handshake or, where a protocol shows none, a stream that began as the tunnel's own has carried more
 * than one both ways.
 */
export interface Handshake {
  /** The tunnel's name. */
  readonly tunnel: string;
  /** Of the tunnel's endpoints that one, as the policy has it: `udp:vpn.example.com:51820`. */
  readonly endpoint: string;
  /** The server's. */
  readonly address: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** An address that an answer has led to from a protected name. */
export interface ServedAddress {
  readonly address: string;
  readonly name: string;
  readonly seconds: number;
}

/** What one answer has taught. */
export interface Lesson {
  readonly client: string;
  readonly opened: readonly AnsweredAddress[];
  /** Addresses of protected names. */
  readonly closed: readonly ServedAddress[];
  /** Protected names that it shows to whoever reads it, and the name that was asked for. */
  readonly shown: readonly { readonly name: string; readonly asked: string }[];
  /** The answer itself, where the kernel does not hand it on. */
  readonly frame?: Uint8Array;
}

/** What one tap says at a time, in order. */
export interface TapReport {
  readonly port: 'lan' | 'wan';
  /** Monotonic milliseconds when the report was closed. */
  readonly at: number;
  /** The tap had read everything the kernel had for it when the report was closed. */
  readonly drained: boolean;
  /** Monotonic milliseconds: no frame that came later is in it. */
  readonly until: number;
  /** The newest orders that it judges by (src/guard/account/reconciliation.ts). */
  readonly orders: number;
  /** All frames read since the tap started. */
  readonly frames: number;
  /** Frames that the kernel had for it and could not give, since the tap started. */
  readonly lost: number;
  /** Flows, pieces of packets and questions that it did not keep because there were too many, since the tap started; absent for 0. */
  readonly forgotten?: number;
  /** Frames since the tap started, by the kernel's counter for them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Frames in this report that were folded. */
  readonly newlyFolded: number;
  readonly observations: readonly Observation[];
  /** Connections that left and have shown no name, as what opened them was told of: `frames` counts connections. Absent for none. */
  readonly nameless?: readonly Observation[];
  /** Absent when there was none. */
  readonly handshakes?: readonly Handshake[];
  /** Forged leaks of the box's own (src/guard/canary/canary.ts). */
  readonly canaries?: readonly Sighting[];
  /** What answers have taught; of the wan tap alone. */
  readonly lessons?: readonly Lesson[];
  /** What the kernel counts down by itself ended so near to a frame that it may have judged that otherwise. */
  readonly unsure?: true;
}

/** Bytes of payload that go along with a packet outside the tunnel: a form asks for what stands behind the junk of AmneziaWG. */
const PAYLOAD_KEPT = 256;

/** What was folded of one group, and the last frame of it, which is told by itself. */
interface Fold {
  readonly observation: Observation;
  readonly latest: ParsedPacket;
  judged: Judged;
  client: number;
  at: number;
}

/**
 * Collects frames until `take`. Holds at most `limit` distinct observations; beyond them the group (direction, verdict, rule, kind,
 * client) that holds most gives its oldest to make room for another group's, and folds what comes next of its own.
 */
export class ObservationBatch {
  /** Distinct observations that one batch holds. */
  limit: number;
  /** Says which leak frames go along. */
  readonly evidence = new EvidenceBudget();
  #held = new Map<string, Observation>();
  #folds = new Map<string, Fold>();
  /** Keys of `#held` by group, from the moment the batch is full. */
  #shares: Shares<string> | undefined;
  readonly #regulars = new Regulars<number>();
  #folded = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#held.size;
  }

  /** `bytes` are the frame's, for `evidence` to take the beginning of; they may be overwritten afterwards. */
  add(
    packet: ParsedPacket,
    judged: Judged,
    client: number,
    now: number,
    bytes?: Uint8Array,
    occasion?: 'question' | 'visit',
  ): void {
    const observation = this.#add(packet, judged, client, now, bytes);
    if (occasion === 'question') observation.questions = (observation.questions ?? 0) + 1;
    else if (occasion === 'visit') observation.visits = (observation.visits ?? 0) + 1;
  }

  /** Where it is counted. */
  #add(
    packet: ParsedPacket,
    judged: Judged,
    client: number,
    now: number,
    bytes: Uint8Array | undefined,
  ): Observation {
    if (judged.direction === 'up') this.#regulars.seen(client, now);
    const key = sameness(packet, judged, client);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.frames += 1;
      held.last = now;
      return held;
    }
    if (this.#held.size < this.limit) return this.#hold(key, packet, judged, client, now, bytes);
    const shares = (this.#shares ??= this.#shared());
    const group = this.#groupOf(packet, judged, client);
    const largest = shares.largest();
    if (largest === undefined || shares.sizeOf(group) + 1 >= shares.sizeOf(largest)) {
      this.#folded += 1;
      return this.#fold(group, packet, judged, client, 1, now, now);
    }
    const giver = shares.giver();
    const given = giver === undefined ? undefined : this.#held.get(giver);
    if (giver !== undefined && given !== undefined) {
      shares.delete(giver);
      this.#held.delete(giver);
      this.#folded += given.frames;
      const into = this.#fold(
        ...([largest, given.packet, given, given.client, given.frames, given.first, given.last] as const),
      );
      addOccasions(given, into);
    }
    shares.put(key, group);
    return this.#hold(key, packet, judged, client, now, bytes);
  }

  /** Hands over what was collected and starts anew. */
  take(): { observations: Observation[]; newlyFolded: number } {
    const observations = [...this.#held.values()];
    for (const { observation, latest, judged, client, at } of this.#folds.values()) {
      const newest: Observation = {
        ...judged,
        packet: latest,
        client,
        frames: 1,
        first: at,
        last: at,
        folded: false,
      };
      observation.frames -= 1;
      if (observation.frames > 0) observations.push(observation);
      else addOccasions(observation, newest);
      observations.push(newest);
    }
    // What is told last of a fold came before some of what is held: a question is heard before its answer.
    if (this.#folds.size > 0) observations.sort((a, b) => a.first - b.first);
    const taken = { observations, newlyFolded: this.#folded - this.#folds.size };
    this.#held = new Map();
    this.#folds = new Map();
    this.#shares = undefined;
    this.#folded = 0;
    return taken;
  }

  #shared(): Shares<string> {
    const shares = new Shares<string>();
    for (const [key, { packet, client, ...judged }] of this.#held)
      shares.put(key, this.#groupOf(packet, judged, client));
    return shares;
  }

  #groupOf(packet: ParsedPacket, judged: Judged, client: number): string {
    const whose = this.#regulars.share(client);
    return `${String(judged.crosses)} ${judged.counter} ${judged.direction} ${judged.verdict.verdict} ${judged.verdict.rule ?? ''} ${packet.kind} ${offerShape(packet)} ${whose}`;
  }

  #fold(
    group: string,
    packet: ParsedPacket,
    judged: Judged,
    client: number,
    frames: number,
    first: number,
    last: number,
  ): Observation {
    const fold = this.#folds.get(group);
    if (fold !== undefined) {
      fold.observation.frames += frames;
      fold.observation.first = Math.min(fold.observation.first, first);
      fold.observation.last = Math.max(fold.observation.last, last);
      copyPacket(packet, fold.latest);
      fold.judged = judgedOf(judged);
      fold.client = client;
      fold.at = last;
      return fold.observation;
    }
    const whose = group.endsWith(` ${STRANGERS}`) ? 0 : client;
    const copy = copyPacket(packet);
    const observation: Observation = {
      ...judgedOf(judged),
      packet: copy,
      client: whose,
      frames,
      first,
      last,
      folded: true,
    };
    this.#folds.set(group, {
      observation,
      latest: copyPacket(packet),
      judged: judgedOf(judged),
      client,
      at: last,
    });
    return observation;
  }

  #hold(
    key: string,
    packet: ParsedPacket,
    judged: Judged,
    client: number,
    now: number,
    bytes: Uint8Array | undefined,
  ): Observation {
    const copy = copyPacket(packet);
    // It may be a tunnel's own packet, by the rules of a moment ago or of a moment later: its form is asked for again.
    if (judged.verdict.rule === 'E' && packet.protocol === Protocol.UDP)
      keepPayload(copy, packet, PAYLOAD_KEPT);
    const leaks = judged.direction === 'up' && judged.verdict.verdict === 'leak';
    const frame =
      leaks && bytes !== undefined
        ? this.evidence.of(
            bytes,
            packet.captured,
            now,
            `${judged.verdict.rule ?? ''} ${packet.kind} ${this.#regulars.share(client)}`,
          )
        : undefined;
    const kept = frame === undefined ? {} : { frame };
    const held: Observation = {
      verdict: judged.verdict,
      direction: judged.direction,
      crosses: judged.crosses,
      counter: judged.counter,
      packet: copy,
      client,
      frames: 1,
      first: now,
      last: now,
      folded: false,
      ...kept,
    };
    this.#held.set(key, held);
    return held;
  }
}

function addOccasions({ questions = 0, visits = 0 }: Observation, into: Observation): void {
  if (questions > 0) into.questions = (into.questions ?? 0) + questions;
  if (visits > 0) into.visits = (into.visits ?? 0) + visits;
}

function judgedOf({ verdict, direction, crosses, counter }: Judged): Judged {
  return { verdict, direction, crosses, counter };
}

/** Which sorts of things a network says in one offer: many of one sort must not fold the first of another. */
function offerShape({ findings: { offer } }: ParsedPacket): string {
  if (offer === undefined) return '';
  const { router, leaseSeconds, routes, captivePortal, resolvers } = offer;
  return [router, leaseSeconds, routes, captivePortal, resolvers]
    .map((said) => (said === undefined ? '-' : '+'))
    .join('');
}

/** Frames with the same text here mean the same to the ledger, to correlation and to Eve. */
function sameness(
  packet: ParsedPacket,
  { verdict, direction, crosses, counter }: Judged,
  client: number,
): string {
  const { findings } = packet;
  let text =
    `${direction} ${String(crosses)} ${counter} ${String(client)} ${verdict.verdict} ${verdict.rule ?? ''} ${packet.kind} ` +
    `${verdict.destination} ${String(packet.destinationPort)} ${verdict.exposure}`;
  // An answer belongs to one question: the learner holds them against each other.
  if (packet.kind === 'dns' && (direction === 'down' || verdict.verdict === 'allowed'))
    text += ` ${String(packet.sourcePort)} ${String(packet.payloadHead)} ${String(packet.source[3])}`;
  // Of what goes direct connections are counted, and names go with what began them (src/guard/history/allowed.ts).
  if (verdict.direct === true && direction === 'up')
    text += findings.names.length > 0 ? ' shows' : opensConnection(packet) ? ' opens' : '';
  if (findings.leaseRequest !== undefined) text += ` ${String(findings.leaseRequest)}`;
  for (const answer of findings.answers) text += ` ${answer.name}=${answer.value}`;
  if (findings.redirect !== undefined) text += ` ${findings.redirect.host}:${String(findings.redirect.port)}`;
  if (findings.offer !== undefined) text += ` ${String(packet.sourceMac)} ${JSON.stringify(findings.offer)}`;
  if (packet.arpOperation >= 0) text += ` ${String(packet.source[3])} ${String(packet.sourceMac)}`;
  if (findings.identity !== undefined) text += JSON.stringify(findings.identity);
  if (findings.recognition !== undefined) text += findings.recognition.protocol;
  return text;
}
