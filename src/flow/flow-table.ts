// Knows: which frames belong to one conversation. Must not know: payloads, policy, clocks.
// A fixed number of slots in sets of four: a newcomer pushes out the flow of its set that has been silent longest, and
// the push is counted. A flow that was pushed out comes back as a new one, of which nothing is known: doubt errs to leak.
// Where the kernel says which way frames go, what comes down with a client's own address belongs to no flow of that client's, and what
// comes down unasked takes no slot; which flows share a set is a secret. So the network pushes out nothing.

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

/** What is remembered of one conversation. Objects are reused: hold none beyond a frame. */
export class Flow {
  /** The kind that content has settled, or undefined while only ports speak. */
  kind: Kind | undefined = undefined;
  suspected = false;
  /** Nothing more is to be read from its streams. */
  done = false;
  /** The name it has shown. */
  name = '';
  /** The server name of its ClientHello: one that was sent in pieces, or again, is told once. */
  helloName = '';
  /** How many whole ones it has sent. */
  hellos = 0;
  sendsEarlyData = false;
  /** A tunnel that its client has begun and whose server has yet to answer. */
  tunnel: Recognition | undefined = undefined;
  clientIsLow = true;
  /** Sequence number of the SYN that opened the connection, -1 while none was seen. */
  opening = -1;
  /** From its first datagram or its SYN on, or from the name that it has shown. */
  connection: Connection | undefined = undefined;
  /** Datagrams with payload, or segments with payload that were sniffed. */
  packets = 0;
  /** The body of the HTTP request that was read last. */
  readonly body = new HttpBody();
  /** Further hosts that it said, and pages that it said it comes from. */
  namesTold: readonly string[] = [];
  /** What the low endpoint says, and the high one. */
  lowStream: Stream | undefined = undefined;
  highStream: Stream | undefined = undefined;
  http2: Http2Reader | undefined = undefined;
  /** Sequence number of the client's first octets, -1 before them, and what they begin with where that names somebody. */
  first = -1;
  firstSaid: Uint8Array | undefined = undefined;
  /** What the client has sent again as its beginning, and differs: a decoy, or what a decoy stood for. */
  twin: Flow | undefined = undefined;
  recogniser: FlowRecogniser | undefined = undefined;
  quic: QuicClientFlow | undefined = undefined;
  /** Sizes of what a TLS connection carries. */
  shape: DohShape | undefined = undefined;
  /** Its ClientHello offered application protocols. */
  offersAlpn = false;
  /** Of a stream to a tunnel's endpoint: what is known of its first bytes. */
  beginning: Beginning | undefined = undefined;
  /** A client's QUIC Initial was opened. */
  helloBegun = false;
  /** Half nonce of a datagram that may be a DNSCrypt query. */
  dnscryptNonce: Uint8Array | undefined = undefined;
  #findings: Findings | undefined = undefined;

  reset(): void {
    this.kind = undefined;
    this.suspected = false;
    this.done = false;
    this.name = '';
    this.helloName = '';
    this.hellos = 0;
    this.sendsEarlyData = false;
    this.tunnel = undefined;
    this.opening = -1;
    this.connection = undefined;
    this.packets = 0;
    this.body.reset();
    this.namesTold = [];
    this.http2 = undefined;
    this.lowStream?.release();
    this.highStream?.release();
    this.lowStream = this.highStream = undefined;
    this.first = -1;
    this.firstSaid = undefined;
    this.twin?.reset();
    this.twin = undefined;
    this.recogniser = undefined;
    this.quic = undefined;
    this.shape = undefined;
    this.offersAlpn = false;
    this.beginning = undefined;
    this.helloBegun = false;
    this.dnscryptNonce = undefined;
    this.#findings = undefined;
  }

  /** Findings that hold a recognition; the same object as long as the recognition is the same. */
  recognised(recognition: Recognition): Findings {
    if (this.#findings?.recognition !== recognition) {
      const doubt = this.suspected ? { suspected: true as const } : {};
      this.#findings = { names: [], answers: [], detail: recognition.why, recognition, ...doubt };
    }
    return this.#findings;
  }
}

export class FlowTable {
  readonly #sets: number;
  readonly #keys: Uint32Array;
  /** Beside the keys, so that a search touches few cache lines. A double counts uses far enough. */
  readonly #hashes: Uint32Array;
  readonly #lastUse: Float64Array;
  readonly #flows: (Flow | undefined)[];
  readonly #key = new Uint32Array(KEY_WORDS);
  readonly #secret: number;
  /** Of what came down and belongs to nothing that a client has begun: nothing is remembered of it. */
  readonly #stranger = new Flow();
  #uses = 0;
  #sourceIsLow = true;
  /** Flows pushed out while they could still have been alive. */
  evicted = 0;

  /** `flows` is rounded down to a power of two, at least 4. `secret`, of 32 bits, says which flows share a set. */
  constructor(flows: number, secret = 0x9e3779b9) {
    this.#secret = secret;
    this.#sets = 2 ** Math.max(0, Math.floor(Math.log2(flows / WAYS)));
    this.#keys = new Uint32Array(this.#sets * WAYS * KEY_WORDS);
    this.#hashes = new Uint32Array(this.#sets * WAYS);
    this.#lastUse = new Float64Array(this.#sets * WAYS);
    this.#flows = new Array<Flow | undefined>(this.#sets * WAYS).fill(undefined);
  }

  /** The flow of a frame with ports, made when there is none. Sets `packet.fromServer`. */
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
    const isStranger = packet.direction === 'down';
    const flow = isStranger ? this.#stranger : this.#claim(oldest, hash);
    if (isStranger) flow.reset();
    flow.clientIsLow = sourceIsServer(packet) !== this.#sourceIsLow;
    packet.fromServer = flow.clientIsLow !== this.#sourceIsLow;
    return flow;
  }

  /** 0 when the frame last asked about comes from the low endpoint, 1 from the high one. */
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

  /** Lays both endpoints into the key, the lower one first, and returns a hash of it. */
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
 * Who opened a flow whose beginning may be missing: the handshake tells, then who speaks past the box, then a system port, then who
 * speaks first.
 */
function sourceIsServer(packet: ParsedPacket): boolean {
  if (packet.protocol === Protocol.TCP && (packet.tcpFlags & TcpFlag.SYN) !== 0) {
    return (packet.tcpFlags & TcpFlag.ACK) !== 0;
  }
  if (packet.direction !== undefined) return packet.direction === 'down';
  return packet.sourcePort < 1024 && packet.destinationPort >= 1024;
}
