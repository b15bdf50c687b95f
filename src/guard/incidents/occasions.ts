// Recognises, among the frames that left, what a person would count: a question asked, a visit begun. Follows RFC 1035 section 4.1 (a
// repeated question has the same id) and RFC 8305 section 3 (clients ask for both address families at once). A visit is a connection and
// belongs to the name that it shows. The frame that opens it shows none yet, so it waits; if no name comes it is a visit to the address.
// Times are monotonic milliseconds.

import { ParsedPacket } from '../../flow/parsed-packet.ts';
import type { Connection } from '../../flow/parsed-packet.ts';
import type { Kind, Via } from '../../flow/kinds.ts';
import { isGroup } from '../../wire/ip/address.ts';
import { BoundedMap } from '../bounded-map.ts';
import { ObservationBatch } from '../observation.ts';
import type { Judged, Observation } from '../observation.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** After this time without a name a connection counts as one without: a browser may keep one open before it uses it. */
const NAMELESS_MS = 10_000;
/** The same question with the same id from the same port is a repetition for so long after the last one, */
const COPY_MS = 10_000;
/** and for so long after the first one; later it is a new question. */
const COPIES_MS = 30_000;
/** Questions for several record types of one name within this time are one question. */
const TOGETHER_MS = 1_000;
/** For protocols without connections (echo requests, NTP) a new visit begins after so long without a packet. */
const TALK_MS = 60_000;
/** Most connections that wait for their name. Further ones are counted only if they show one, so a flood pushes out none of those waiting. */
const WAITING = 4_096;
const QUESTIONS = 4_096;
const TALKS = 4_096;
/** Most distinct groups of nameless connections in one report. */
const NAMELESS = 256;
/** Most record types of one question: addresses of both families, HTTPS, and some to spare. */
const TYPES = 8;
/** Most names that one connection is counted for: one to a proxy or a host of many sites may show more. */
const NAMES = 8;

/** Ways of asking for a name. */
const ASKED_BY: ReadonlySet<Via> = new Set<Via>(['dns', 'mdns', 'llmnr', 'nbns']);
/** Kinds that are not visits. */
const NO_VISIT: ReadonlySet<Kind> = new Set<Kind>([
  ...(['dns', 'mdns', 'llmnr', 'nbns', 'ssdp', 'dhcp', 'dhcp6', 'nd', 'igmp-mld', 'fragment'] as const),
  'malformed',
]);

/** What a frame begins. */
export type Occasion = 'question' | 'visit' | undefined;

/** What is kept of the frame that opened a connection: only what a visit to an address needs. */
interface Opened {
  readonly judged: Judged;
  readonly client: number;
  readonly kind: Kind;
  readonly ipVersion: ParsedPacket['ipVersion'];
  readonly protocol: number;
  readonly port: number;
  readonly destination: Uint32Array;
  readonly at: number;
}

interface Asked {
  readonly since: number;
  at: number;
  /** By record type, the port and id that it was asked with. */
  readonly as: Map<string, string>;
}

/** One tap's count of questions and visits. Clients are MAC addresses as numbers, times monotonic milliseconds. */
export class Occasions {
  /** Oldest first. */
  readonly #waiting = new Map<Connection, Opened>();
  readonly #asked = new BoundedMap<Asked>(QUESTIONS);
  readonly #talks = new BoundedMap<number>(TALKS);
  readonly #nameless = new ObservationBatch(NAMELESS);
  /** Number of connections that were not counted because there were too many. */
  refused = 0;

  /**
   * What a frame that left at `at` begins, as a person would count it; undefined for a frame that belongs to something begun before, and
   * for one that may still show a name.
   */
  of(packet: ParsedPacket, judged: Judged, client: number, at: number): Occasion {
    const { connection, findings } = packet;
    const said = findings.names.find(({ via }) => via !== 'referer');
    const name = said?.name ?? packet.flowName;
    if (name !== '' && connection !== undefined) this.#waiting.delete(connection);
    if (said !== undefined && ASKED_BY.has(said.via))
      return said.asked !== false && this.#isNewQuestion(packet, said.name, client, at)
        ? 'question'
        : undefined;
    if (NO_VISIT.has(packet.kind) || packet.ipVersion === 0) return undefined;
    if (connection === undefined) return this.#isNewTalk(packet, judged, client, at) ? 'visit' : undefined;
    if (name !== '') return isNewName(connection, name) ? 'visit' : undefined;
    if (!connection.isKnown) this.#wait(connection, packet, judged, client, at);
    return undefined;
  }

  /** Connections that turned out to show no name, since the last call. `frames` counts connections here: their frames are in other observations. */
  takeNameless(now: number): readonly Observation[] {
    for (const [connection, opened] of this.#waiting) {
      if (opened.at > now - NAMELESS_MS) break;
      this.#waiting.delete(connection);
      this.#nameless.add(factsOf(opened), opened.judged, opened.client, opened.at);
    }
    return this.#nameless.size === 0 ? [] : this.#nameless.take().observations;
  }

  #wait(connection: Connection, packet: ParsedPacket, judged: Judged, client: number, at: number): void {
    const { kind, ipVersion, protocol, destinationPort: port } = packet;
    connection.isKnown = true;
    if (this.#waiting.size >= WAITING) {
      this.refused += 1;
      return;
    }
    const { verdict, direction, crosses, counter } = judged;
    this.#waiting.set(connection, {
      judged: { verdict, direction, crosses, counter },
      client,
      kind,
      ipVersion,
      protocol,
      port,
      destination: packet.destination.slice(),
      at,
    });
  }

  #isNewQuestion(packet: ParsedPacket, name: string, client: number, at: number): boolean {
    const key = `${String(client)} ${packet.kind} ${name}`;
    const type = packet.findings.detail ?? '';
    const number = packet.protocol === Protocol.TCP ? packet.tcpSequence : packet.payloadHead >>> 16;
    const as = `${String(packet.sourcePort)} ${String(number)}`;
    const asked = this.#asked.get(key);
    if (asked !== undefined) {
      const isCopy = asked.as.get(type) === as && at - asked.at <= COPY_MS && at - asked.since <= COPIES_MS;
      const isBeside = !asked.as.has(type) && asked.as.size < TYPES && at - asked.since <= TOGETHER_MS;
      if (isCopy || isBeside) {
        asked.at = at;
        asked.as.set(type, as);
        return false;
      }
    }
    this.#asked.set(key, { since: at, at, as: new Map([[type, as]]) });
    return true;
  }

  #isNewTalk(packet: ParsedPacket, { verdict }: Judged, client: number, at: number): boolean {
    // Not the beginning of a visit: a segment of a connection whose start was not seen, multicast and broadcast, and later fragments.
    if (packet.protocol === Protocol.TCP || isGroup(packet.destinationMac) || packet.fragmentOffset > 0)
      return false;
    const key = `${String(client)} ${packet.kind} ${verdict.destination}`;
    const last = this.#talks.get(key);
    this.#talks.set(key, at);
    return last === undefined || at - last > TALK_MS;
  }
}

function isNewName(connection: Connection, name: string): boolean {
  connection.isKnown = true;
  if (connection.names.includes(name) || connection.names.length >= NAMES) return false;
  connection.names = [...connection.names, name];
  return true;
}

function factsOf({ kind, ipVersion, protocol, port, destination }: Opened): ParsedPacket {
  const packet = new ParsedPacket();
  return Object.assign(packet, { kind, ipVersion, protocol, destinationPort: port, destination });
}

/** The name of the destination that a frame shows, or that its connection has shown before; '' for none. */
export function ownName({ findings, flowName }: ParsedPacket): string {
  return findings.names.find(({ via }) => via !== 'referer')?.name ?? flowName;
}
