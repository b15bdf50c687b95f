// Assigns frames to conversations. A fixed number of slots in sets of four: a new flow evicts the one of its set that has been silent
// longest, which is counted. An evicted flow comes back as a new one about which nothing is known, so doubt errs towards a leak.
// The network cannot evict anything: where the kernel gives directions, a frame from the network never joins a flow of a client whose
// address it forges, an unsolicited one takes no slot, and which flows share a set is secret.

import { Protocol, TcpFlag } from '../wire/ip/ip.ts';
import { HttpBody } from '../wire/application/http1-body.ts';
import type { Http2Reader } from '../wire/application/http2.ts';
import type { QuicClientFlow } from '../wire/quic/quic-flow.ts';
import type { Connection, ParsedPacket, Findings, Recognition } from './parsed-packet.ts';
import type { DohShape } from './datagrams/doh-shape.ts';
import type { Kind } from './kinds.ts';
import type { FlowRecogniser } from './datagrams/recognise-flow.ts';
import type { Beginning } from './streams/beginning.ts';
import type { Stream } from './streams/stream.ts';

const WAYS = 4;
const KEY_WORDS = 10;

/** What is remembered of one conversation. Objects are reused: do not keep one longer than a frame. */
export class Flow {
  /** The kind by content; undefined while only the ports suggest one. */
  kind: Kind | undefined = undefined;
  suspected = false;
  /** Nothing more will be read from its streams. */
  done = false;
  /** The last name found in it, in the form of src/wire/names/name-text.ts, or ''. */
  name = '';
  /** The server name of its ClientHello. If that comes in pieces, or again, its name is reported only once. */
  helloName = '';
  /** How many complete ClientHellos it has sent. */
  hellos = 0;
  sendsEarlyData = false;
  /** The tunnel whose handshake the client has begun and the server has not yet answered. */
  tunnel: Recognition | undefined = undefined;
  /** The client is the endpoint with the lower port or, if the ports are equal, the lower address. */
  clientIsLow = true;
  /** Sequence number of the client's SYN (RFC 9293 section 3.4), unsigned 32 bits, -1 while none was seen. */
  initialSequence = -1;
  /** Set by its first datagram, its SYN, or the first name found in it. */
  connection: Connection | undefined = undefined;
  /** Datagrams, or TCP segments, with payload that were read. */
  packets = 0;
  /** The body of the last HTTP request. */
  readonly body = new HttpBody();
  /** Further hosts, and pages it came from, that were reported for the current HTTP request. */
  reportedNames: readonly string[] = [];
  /** The stream from the low endpoint, and from the high one. */
  lowStream: Stream | undefined = undefined;
  highStream: Stream | undefined = undefined;
  http2: Http2Reader | undefined = undefined;
  /** Sequence number of the client's first octets, -1 before them; and a copy of their beginning if that is a hello or a request. */
  firstSequence = -1;
  firstOctets: Uint8Array | undefined = undefined;
  /** A second, different beginning that the client has sent at the same place: a decoy, or what the decoy was to hide. */
  alternate: Flow | undefined = undefined;
  recogniser: FlowRecogniser | undefined = undefined;
  quic: QuicClientFlow | undefined = undefined;
  /** Sizes of a TLS connection's segments. */
  shape: DohShape | undefined = undefined;
  /** Its ClientHello offered application protocols. */
  offersAlpn = false;
  /** What is known of the first bytes of a stream to a tunnel endpoint. */
  beginning: Beginning | undefined = undefined;
  /** A client's QUIC Initial was opened. */
  helloBegun = false;
  /** The half nonce of a possible DNSCrypt query. */
  dnscryptNonce: Uint8Array | undefined = undefined;
  #findings: Findings | undefined = undefined;

  /** Forgets everything and gives memory back to the stream budget. */
  reset(): void {
    this.kind = undefined;
    this.suspected = false;
    this.done = false;
    this.name = '';
    this.helloName = '';
    this.hellos = 0;
    this.sendsEarlyData = false;
    this.tunnel = undefined;
    this.initialSequence = -1;
    this.connection = undefined;
    this.packets = 0;
    this.body.reset();
    this.reportedNames = [];
    this.http2 = undefined;
    this.lowStream?.release();
    this.highStream?.release();
    this.lowStream = this.highStream = undefined;
    this.firstSequence = -1;
    this.firstOctets = undefined;
    this.alternate?.reset();
    this.alternate = undefined;
    this.recogniser = undefined;
    this.quic = undefined;
    this.shape = undefined;
    this.offersAlpn = false;
    this.beginning = undefined;
    this.helloBegun = false;
    this.dnscryptNonce = undefined;
    this.#findings = undefined;
  }

  /** Findings without names that have this recognition and its `why` as detail; the same object as long as the recognition is the same. */
  recognised(recognition: Recognition): Findings {
    if (this.#findings?.recognition !== recognition) {
      const doubt = this.suspected ? { suspected: true as const } : {};
      this.#findings = { names: [], answers: [], detail: recognition.why, recognition, ...doubt };
    }
    return this.#findings;
  }
}

/** Finds the flow of a frame. */
export class FlowTable {
  readonly #sets: number;
  readonly #keys: Uint32Array;
  /** Apart from the keys, so that a search touches few cache lines. */
  readonly #hashes: Uint32Array;
  /** The value of #uses at the last use; a double never overflows. */
  readonly #lastUse: Float64Array;
  readonly #flows: (Flow | undefined)[];
  readonly #key = new Uint32Array(KEY_WORDS);
  readonly #secret: number;
  /** Stands for every unsolicited conversation from the network, of which nothing is remembered. */
  readonly #unsolicited = new Flow();
  #uses = 0;
  #sourceIsLow = true;
  /** How many flows were evicted that may still have been alive. */
  evicted = 0;

  /** `flows` is rounded down to a power of two, at least 4. `secret` (32 bits, signed or unsigned) decides which flows share a set. */
  constructor(flows: number, secret = 0x9e3779b9) {
    this.#secret = secret;
    this.#sets = 2 ** Math.max(0, Math.floor(Math.log2(flows / WAYS)));
    this.#keys = new Uint32Array(this.#sets * WAYS * KEY_WORDS);
    this.#hashes = new Uint32Array(this.#sets * WAYS);
    this.#lastUse = new Float64Array(this.#sets * WAYS);
    this.#flows = new Array<Flow | undefined>(this.#sets * WAYS).fill(undefined);
  }

  /**
   * The flow of a frame with ports, created if there is none; for an unsolicited frame from the network an empty one that is not kept. The
   * same in both directions, by addresses, ports, protocol and, if the kernel says it, which end is on which side. Sets
   * `packet.fromServer`. Never throws.
   */
  of(packet: ParsedPacket): Flow {
    const hash = this.#makeKey(packet);
    const set = (hash & (this.#sets - 1)) * WAYS;
    this.#uses += 1;
    let oldest = set;
    for (let slot = set; slot < set + WAYS; slot += 1) {
      const flow = this.#hashes[slot] === hash && this.#matches(slot) ? this.#flows[slot] : undefined;
      if (flow !== undefined) {
        this.#lastUse[slot] = this.#uses;
        packet.fromServer = flow.clientIsLow !== this.#sourceIsLow;
        return flow;
      }
      if ((this.#lastUse[slot] ?? 0) < (this.#lastUse[oldest] ?? 0)) oldest = slot;
    }
    const isUnsolicited = packet.direction === 'down';
    const flow = isUnsolicited ? this.#unsolicited : this.#claim(oldest, hash);
    if (isUnsolicited) flow.reset();
    flow.clientIsLow = sourceIsServer(packet) !== this.#sourceIsLow;
    packet.fromServer = flow.clientIsLow !== this.#sourceIsLow;
    return flow;
  }

  /** 0 if the frame in the last call of `of` came from the low endpoint, 1 if from the high one. */
  get side(): 0 | 1 {
    return this.#sourceIsLow ? 0 : 1;
  }

  #claim(slot: number, hash: number): Flow {
    const base = slot * KEY_WORDS;
    for (let word = 0; word < KEY_WORDS; word += 1) this.#keys[base + word] = this.#key[word] ?? 0;
    this.#hashes[slot] = hash;
    this.#lastUse[slot] = this.#uses;
    let flow = this.#flows[slot];
    if (flow === undefined) {
      flow = new Flow();
      this.#flows[slot] = flow;
    } else {
      this.evicted += 1;
      flow.reset();
    }
    return flow;
  }

  #matches(slot: number): boolean {
    const base = slot * KEY_WORDS;
    for (let word = 0; word < KEY_WORDS; word += 1) {
      if (this.#keys[base + word] !== this.#key[word]) return false;
    }
    return true;
  }

  /** Writes both endpoints into #key, the lower one first, and returns its hash. */
  #makeKey(packet: ParsedPacket): number {
    const { source, destination } = packet;
    let order = packet.sourcePort - packet.destinationPort;
    for (let word = 3; order === 0 && word >= 0; word -= 1) {
      order = (source[word] ?? 0) - (destination[word] ?? 0);
    }
    this.#sourceIsLow = order <= 0;
    const low = this.#sourceIsLow ? source : destination;
    const high = this.#sourceIsLow ? destination : source;
    const key = this.#key;
    key[0] = low[0] ?? 0;
    key[1] = low[1] ?? 0;
    key[2] = low[2] ?? 0;
    key[3] = low[3] ?? 0;
    key[4] = high[0] ?? 0;
    key[5] = high[1] ?? 0;
    key[6] = high[2] ?? 0;
    key[7] = high[3] ?? 0;
    key[8] = this.#sourceIsLow
      ? (packet.sourcePort << 16) | packet.destinationPort
      : (packet.destinationPort << 16) | packet.sourcePort;
    const { direction } = packet;
    const upIsLow = (direction === 'up') === this.#sourceIsLow;
    key[9] =
      ((direction === undefined ? 0 : upIsLow ? 1 : 2) << 16) | (packet.ipVersion << 8) | packet.protocol;
    let hash = this.#secret;
    for (let word = 0; word < KEY_WORDS; word += 1) {
      hash = Math.imul(hash ^ (key[word] ?? 0), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }
}

/**
 * Whether the source is the server of a flow whose beginning may be missing. Decided by the handshake, then by the direction, then by
 * a system port; otherwise the first sender is the client.
 */
function sourceIsServer(packet: ParsedPacket): boolean {
  if (packet.protocol === Protocol.TCP && (packet.tcpFlags & TcpFlag.SYN) !== 0) {
    return (packet.tcpFlags & TcpFlag.ACK) !== 0;
  }
  if (packet.direction !== undefined) return packet.direction === 'down';
  return packet.sourcePort < 1024 && packet.destinationPort >= 1024;
}
