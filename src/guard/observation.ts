// What a tap reports, and how it counts equal judged frames together before it does. No I/O and no clock here: the tap calls this for
// every frame. In a flood distinct observations of one group are folded into one: they are counted, never dropped, and a flood of one
// client, rule or kind folds only its own frames.

import { copyPacket, keepPayload } from '../flow/parsed-packet.ts';
import type { ParsedPacket } from '../flow/parsed-packet.ts';
import { opensConnection } from '../flow/streams/opening.ts';
import { Protocol } from '../wire/ip/ip.ts';
import type { AnsweredAddress } from '../policy/filter/answered.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Sighting } from './canary/canary.ts';
import { EvidenceBudget } from './incidents/evidence.ts';
import { Regulars, STRANGERS, Shares } from './incidents/quotas.ts';

/**
 * Frames of one client that mean the same, as one tap saw them: `first` and `last` are when the first and the last of them came, in
 * monotonic milliseconds.
 */
export interface Observation {
  /** The first frame, parsed. */
  readonly packet: ParsedPacket;
  readonly verdict: Verdict;
  readonly direction: 'up' | 'down';
  /** The ruleset lets it through even in block mode: seen on wan it is not a breach. */
  readonly crosses: boolean;
  /** Name of the kernel's counter for such a frame; '' where the bridge does not count it. */
  readonly counter: string;
  /** MAC address of the client as a 48-bit number; for `down` this is the frame's destination. 0: several clients. */
  readonly client: number;
  frames: number;
  /** Questions asked and visits begun by these frames (src/guard/incidents/occasions.ts); only the wan tap counts them. Absent for 0. */
  questions?: number;
  visits?: number;
  first: number;
  last: number;
  /** More distinct observations came than a batch holds: verdict, rule and kind are those of all frames, the rest that of the first. */
  readonly folded: boolean;
  /** The first bytes of the first frame, when they are kept as captured frames of the incident; at most EVIDENCE_BYTES. */
  readonly frame?: Uint8Array;
}

/** What the judge says about a frame, with the counter that the kernel adds it to. */
export type Judged = Pick<Observation, 'verdict' | 'direction' | 'crosses' | 'counter'>;

/**
 * A tunnel's server answered a handshake. Where the protocol shows no handshake: a stream that began as the tunnel's own has carried
 * more than one packet both ways.
 */
export interface Handshake {
  /** The tunnel's name. */
  readonly tunnel: string;
  /** The endpoint of the tunnel that answered, as the policy writes it: `udp:vpn.example.com:51820`. */
  readonly endpoint: string;
  /** The server's address as canonical text. */
  readonly address: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** The client began a handshake with a tunnel's server (protocols whose handshakes are read: src/policy/shapes/protocols.ts). */
export interface Attempt {
  /** The tunnel's name. */
  readonly tunnel: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** An address (canonical text) that an answer gave for a protected name, kept for `seconds`. */
export interface ServedAddress {
  readonly address: string;
  readonly name: string;
  readonly seconds: number;
}

/** What one DNS answer to `client` (a MAC address, lower case with colons) taught the tap. */
export interface Lesson {
  readonly client: string;
  /** Addresses that the client may visit in the clear. */
  readonly opened: readonly AnsweredAddress[];
  /** Addresses of protected names, which it must not. */
  readonly closed: readonly ServedAddress[];
  /** Protected names that the answer shows in the clear, each with the name that was asked for. */
  readonly shown: readonly { readonly name: string; readonly asked: string }[];
  /** The answer itself, where the kernel held it back and the daemon has to send it on. */
  readonly frame?: Uint8Array;
}

/** One report of a tap. */
export interface TapReport {
  readonly port: 'lan' | 'wan';
  /** Monotonic milliseconds when the report was closed. */
  readonly at: number;
  /** The tap had read every frame that the kernel had for it when the report was closed. */
  readonly drained: boolean;
  /** Monotonic milliseconds: no frame that arrived later is in the report. */
  readonly until: number;
  /** Number of the newest orders (policy, filter) that it judges by (src/guard/account/reconciliation.ts). */
  readonly orders: number;
  /** All frames read since the tap started. */
  readonly frames: number;
  /** Frames that the kernel had to drop because the tap's ring was full, since the tap started. */
  readonly lost: number;
  /** Flows, fragments and questions that it did not keep because there were too many, since the tap started; absent for 0. */
  readonly forgotten?: number;
  /** Frames since the tap started, by the name of the kernel's counter for them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Frames in this report that were folded. */
  readonly newlyFolded: number;
  readonly observations: readonly Observation[];
  /** Connections that left without showing a name, described by the frame that opened them; here `frames` counts connections. Absent for none. */
  readonly nameless?: readonly Observation[];
  /** Absent for none. */
  readonly handshakes?: readonly Handshake[];
  /** Absent for none. */
  readonly attempts?: readonly Attempt[];
  /** Forged leaks that the box itself sent (src/guard/canary/canary.ts). */
  readonly canaries?: readonly Sighting[];
  /** What DNS answers taught; only the wan tap reports these. */
  readonly lessons?: readonly Lesson[];
  /** An entry that the kernel expires by itself ended so close to a frame that kernel and tap may have judged that frame differently. */
  readonly unsure?: true;
}

/** Bytes of payload kept of a packet outside the tunnel: AmneziaWG's packets are recognised by what follows their leading junk. */
const PAYLOAD_KEPT = 256;

/** The folded frames of one group, and the last of them, which is reported as an observation of its own. */
interface Fold {
  readonly observation: Observation;
  readonly latest: ParsedPacket;
  judged: Judged;
  client: number;
  at: number;
}

/**
 * Collects frames until `take`. Holds at most `limit` distinct observations. When it is full, the largest group (direction, verdict,
 * rule, kind, client) gives up its oldest observation to make room for another group's; its own further frames are folded.
 */
export class ObservationBatch {
  /** Most distinct observations that one batch holds. */
  limit: number;
  /** Decides which leak frames are sent along. */
  readonly evidence = new EvidenceBudget();
  #held = new Map<string, Observation>();
  #folds = new Map<string, Fold>();
  /** Keys of `#held` by group; undefined until the batch is full. */
  #shares: Shares<string> | undefined;
  readonly #regulars = new Regulars<number>();
  #folded = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** How many distinct observations it holds; folded frames are not among them. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * Counts a frame that came at monotonic milliseconds `now`; `client` is a MAC address as a number. `bytes`: the frame, of which
   * `evidence` may copy the beginning; packet and bytes may be reused afterwards.
   */
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

  /** Counts a frame; returns the observation that counts it. */
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

  /**
   * Returns everything collected and starts again; once something was folded, in order of the first frames. `newlyFolded` counts frames
   * that were folded.
   */
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
    // The folds' observations are older than some of those held: the guard must hear a question before its answer.
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
    // Under rules that are just changing it may be a tunnel's own packet: the guard looks at its payload again.
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

/** Which fields a network's offer has: many offers of one shape must not fold the first one of another. */
function offerShape({ findings: { offer } }: ParsedPacket): string {
  if (offer === undefined) return '';
  const { router, leaseSeconds, routes, captivePortal, resolvers } = offer;
  return [router, leaseSeconds, routes, captivePortal, resolvers]
    .map((field) => (field === undefined ? '-' : '+'))
    .join('');
}

/** Key of an observation: frames with equal keys mean the same to the ledger, to correlation and to Eve. */
function sameness(
  packet: ParsedPacket,
  { verdict, direction, crosses, counter }: Judged,
  client: number,
): string {
  const { findings } = packet;
  let text =
    `${direction} ${String(crosses)} ${counter} ${String(client)} ${verdict.verdict} ${verdict.rule ?? ''} ${packet.kind} ` +
    `${verdict.destination} ${String(packet.destinationPort)} ${verdict.exposure}`;
  // The learner matches each answer to its question, so they must stay apart.
  if (packet.kind === 'dns' && (direction === 'down' || verdict.verdict === 'allowed'))
    text += ` ${String(packet.sourcePort)} ${String(packet.payloadHead)} ${String(packet.source[3])}`;
  // For direct traffic connections are counted, and a name belongs to the connection that showed it (src/guard/history/allowed.ts).
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
