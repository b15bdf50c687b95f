// Knows: whether what a client's TCP stream to a tunnel's endpoint begins with is that tunnel's own. Must not know: policy, verdicts.
// Follows the OpenVPN wire protocol (a length, then a hard reset), RFC 9329 (IKE over TCP), tor-spec section 2.1 (a ClientHello with a name made up),
// RFC 8446 (ClientHello), RFC 9112 (requests). State lasts while the first bytes are incomplete, and is bounded; what could become
// readable and does not end is foreign: doubt errs to red. Of a stream that was begun before anyone looked, only what a segment of
// it begins with can be judged.

import { TcpFlag } from '../../wire/ip/ip.ts';
import { canBecomeRequest, isHttpRequestStart } from '../../wire/application/http1.ts';
import { HARD_RESET_CLIENT_V2, HARD_RESET_CLIENT_V3 } from '../../wire/vpn/openvpn.ts';
import { u16, u32 } from '../../wire/octets.ts';
import { canBecomeBanner } from '../../wire/application/ssh.ts';
import { isClientHelloStart } from '../../wire/tls/tls-record.ts';
import { hasTorNameForm } from '../../wire/vpn/tor.ts';
import { Beginning, HEAD } from './beginning.ts';
import { kindOfHeaders } from '../headers/classify.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { FlowTable } from '../flow-table.ts';
import type { Flow } from '../flow-table.ts';
import type { Kind, TunnelProtocol } from '../kinds.ts';
import type { StreamBudget } from './stream.ts';
import { TcpReader } from './tcp-reader.ts';

/** Streams that are known at once; a tunnel has one, an onion router a few. */
const STREAMS = 1_024;
/** Segments and bytes after which first bytes have to be complete. */
const MOST = { segments: 48, bytes: 32_768 };
/** More bytes than any handshake takes, each way. */
const CARRIED = 16_384;
/** The largest first packet of OpenVPN, with a wrapped client key in it. */
const LONGEST_RESET = 2_048;

/** Kinds that are readable, or hide nothing, whoever speaks them. */
const FOREIGN: ReadonlySet<Kind> = new Set<Kind>(['http', 'http-proxy', 'dns', 'llmnr', 'socks', 'pptp']);
const TLS: ReadonlySet<Kind> = new Set<Kind>(['tls', 'dot', 'doh', 'tor']);

export class FirstBytes {
  readonly #flows: FlowTable;
  readonly #tcp: TcpReader;
  /** The stream of the frame that was read last has just carried more than a handshake both ways, and began as its own. */
  carries = false;
  /** Of the stream of the frame that was read last, where nothing says that it is the tunnel's own. */
  #beginning: Beginning | undefined = undefined;

  constructor(budget: StreamBudget, secret?: number) {
    this.#flows = new FlowTable(STREAMS, secret);
    this.#tcp = new TcpReader(this.#flows, budget, new Set());
  }

  get evicted(): number {
    return this.#flows.evicted;
  }

  /**
   * Takes a frame of a client to an endpoint of `protocol` whose name is `host`, if it has one. Sets `packet.foreign`; gives true
   * when kind and findings were read, too.
   */
  read(bytes: Uint8Array, packet: ParsedPacket, protocol: TunnelProtocol, host: string | undefined): boolean {
    this.carries = false;
    this.#beginning = undefined;
    const flow = this.#flows.of(packet);
    const isSyn = (packet.tcpFlags & TcpFlag.SYN) !== 0;
    const known = flow.beginning;
    if (known?.own === true && !isSyn) {
      this.#weigh(packet, flow, known);
      return false;
    }
    // Which end is the client is known here whatever the ports say.
    flow.clientIsLow = this.#flows.side === 0;
    packet.kind = kindOfHeaders(packet);
    this.#tcp.read(bytes, packet);
    const beginning = (flow.beginning ??= new Beginning());
    this.#beginning = beginning;
    if (beginning.own === undefined && packet.payloadLength > 0) {
      this.#take(bytes, packet, flow, beginning);
      beginning.own = verdict(flow, beginning, protocol, host);
      if (beginning.own === true) release(flow);
    }
    packet.foreign = beginning.own === false;
    return true;
  }

  /** The frame that was read last, which has data, was taken for the tunnel's. */
  passes(): void {
    if (this.#beginning?.own === undefined && this.#beginning !== undefined) this.#beginning.passed += 1;
  }

  /**
   * How many frames of the stream of the one that was read last were taken for the tunnel's, though it is foreign: what it goes on
   * with may come before what it begins with. Once.
   */
  takePassed(): number {
    const beginning = this.#beginning;
    if (beginning?.own !== false) return 0;
    const { passed } = beginning;
    beginning.passed = 0;
    return passed;
  }

  /** Lays what the segment has of the first bytes into the head. */
  #take(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, beginning: Beginning): void {
    const { payloadOffset: start, payloadEnd: end } = packet;
    beginning.segments += 1;
    beginning.bytes += packet.payloadLength;
    if (beginning.acknowledged < 0) beginning.acknowledged = packet.tcpAcknowledgment;
    if (flow.opening < 0) return;
    const isSyn = (packet.tcpFlags & TcpFlag.SYN) !== 0;
    const at = isSyn ? 0 : (packet.tcpSequence - flow.opening - 1) | 0;
    if (at < -65_535 || at >= HEAD) return;
    for (let i = Math.max(0, -at); start + i < end && at + i < HEAD; i += 1) {
      // What was said first stays: whoever says it again in other words deceives somebody.
      if ((beginning.held & (1 << (at + i))) !== 0) continue;
      beginning.head[at + i] = bytes[start + i] ?? 0;
      beginning.held |= 1 << (at + i);
    }
  }

  /** Sequence numbers tell how much was said, and acknowledgements how much was heard (RFC 9293 section 3.4). */
  #weigh(packet: ParsedPacket, flow: Flow, beginning: Beginning): void {
    if (beginning.carried || flow.opening < 0 || beginning.acknowledged < 0) return;
    const said = (packet.tcpSequence - flow.opening) | 0;
    const heard = (packet.tcpAcknowledgment - beginning.acknowledged) | 0;
    if (said < CARRIED || heard < CARRIED) return;
    beginning.carried = true;
    this.carries = true;
  }
}

/** Nothing more is read of the stream: what was kept of it is given back. What is foreign is read like any other leak. */
function release(flow: Flow): void {
  flow.lowStream?.release();
  flow.highStream?.release();
}

/** Whether the first bytes are the tunnel's own; undefined while that cannot be said. */
function verdict(
  flow: Flow,
  beginning: Beginning,
  protocol: TunnelProtocol,
  host: string | undefined,
): boolean | undefined {
  const own = ownBy(flow, beginning, protocol, host);
  if (own !== undefined) return own;
  if (beginning.segments < MOST.segments && beginning.bytes < MOST.bytes) return undefined;
  // A capture that lost the first segment shows none of them: that says nothing against the tunnel.
  return beginning.length === 0 && flow.kind === undefined;
}

function ownBy(
  flow: Flow,
  beginning: Beginning,
  protocol: TunnelProtocol,
  host: string | undefined,
): boolean | undefined {
  const { kind } = flow;
  if (kind !== undefined && FOREIGN.has(kind)) return false;
  const isTls = kind !== undefined && TLS.has(kind);
  switch (protocol) {
    case 'openvpn':
      return ownOpenvpn(flow, beginning);
    case 'ipsec':
      return ownIke(flow, beginning);
    case 'tor':
      if (kind === 'ssh') return false;
      if (isTls) return ownTor(flow);
      break;
    // Of what these say over TCP nothing is known.
    case 'opaque':
    case 'wireguard':
    case 'tailscale':
    case 'nebula':
    case 'zerotier':
      if (kind === 'ssh') return true;
      // An endless hello has no name to be held against the tunnel's.
      if (isTls) return ownHello(flow, host);
      break;
    default:
      protocol satisfies never;
  }
  if (flow.opening < 0) return true;
  const { head, length } = beginning;
  if (isQueryBehindLength(head, length)) {
    flow.kind = 'dns';
    return false;
  }
  if (length === 0) return undefined;
  if (isHttpRequestStart(head, 0, length)) return false;
  return canBecomeReadable(head, length) ? undefined : true;
}

/** A length, then the opcode of a client's hard reset (`openvpn` is strict: everything else is somebody else's). */
function ownOpenvpn(flow: Flow, { head, length }: Beginning): boolean | undefined {
  if (flow.kind !== undefined && flow.kind !== 'openvpn' && flow.kind !== 'tcp') return false;
  // A stream that was begun before anyone looked.
  if (flow.opening < 0) return true;
  if (length > 0 && (head[0] ?? 0) >= LONGEST_RESET >>> 8) return false;
  if (length < 3) return undefined;
  const opcode = (head[2] ?? 0) >>> 3;
  return opcode === HARD_RESET_CLIENT_V2 || opcode === HARD_RESET_CLIENT_V3;
}

/** "IKETCP", RFC 9329 section 4. */
const IKE_PREFIX = [0x49, 0x4b, 0x45, 0x54, 0x43, 0x50];
/** What stands in front of a message there: a length with itself in it, and the non-ESP marker where it is IKE's (section 3). */
const IKE_LEAST = 2 + 4 + 28;
const ESP_LEAST = 2 + 20;
/** RFC 4303 section 2.1. */
const RESERVED_SPIS = 256;

/** The prefix, and a message of IKE or ESP: a client that comes back with another address may begin with either (section 6). */
function ownIke(flow: Flow, { head, length }: Beginning): boolean | undefined {
  if (flow.kind !== undefined && flow.kind !== 'ipsec' && flow.kind !== 'tcp') return false;
  // A stream that was begun before anyone looked.
  if (flow.opening < 0) return true;
  if (IKE_PREFIX.some((byte, at) => at < length && head[at] !== byte)) return false;
  if (length < IKE_PREFIX.length + 6) return undefined;
  const size = u16(head, 6);
  const spi = u32(head, 8);
  return spi === 0 ? size >= IKE_LEAST : spi >= RESERVED_SPIS && size >= ESP_LEAST;
}

/** Tor offers no application protocols and always makes up a name; a browser that visits such a name does offer some. */
function ownTor(flow: Flow): boolean | undefined {
  if (flow.name !== '' && !hasTorNameForm(flow.name)) return false;
  if (!isHelloRead(flow)) return undefined;
  return flow.name !== '' && !flow.offersAlpn;
}

/** An endpoint that is an address says nothing of a name; one that is a name is held against it. */
function ownHello(flow: Flow, host: string | undefined): boolean | undefined {
  if (host === undefined) return true;
  if (flow.name !== '') return flow.name === host;
  return isHelloRead(flow) ? true : undefined;
}

function isHelloRead(flow: Flow): boolean {
  return flow.hellos > 0 || flow.done;
}

/** RFC 1035 section 4.1.1 behind the length of RFC 7766 section 8: no flag but RD, AD, CD, one question and nothing else. */
function isQueryBehindLength(head: Uint8Array, length: number): boolean {
  if (length < 12) return false;
  const at = (i: number): number => head[i] ?? 0;
  const flags = (at(4) << 8) | at(5);
  const counts = at(6) | (at(7) ^ 1) | at(8) | at(9) | at(10) | at(11);
  return (flags & 0xfecf) === 0 && counts === 0;
}

/** Whether so few bytes are there that something readable may begin with them. */
function canBecomeReadable(head: Uint8Array, length: number): boolean {
  if (length >= HEAD) return false;
  if (isClientHelloStart(head, 0, length)) return true;
  if (canBecomeRequest(head, 0, length) || canBecomeBanner(head, 0, length)) return true;
  // A query's length and its id may be anything.
  return length < 12 && couldBeQuery(head, length);
}

function couldBeQuery(head: Uint8Array, length: number): boolean {
  const rest = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
  const fits = rest.every((byte, i) => i < 6 || i >= length || head[i] === byte);
  return (
    fits && (length < 5 || ((head[4] ?? 0) & 0xfe) === 0) && (length < 6 || ((head[5] ?? 0) & 0xcf) === 0)
  );
}
