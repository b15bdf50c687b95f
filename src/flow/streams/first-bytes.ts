// Decides whether a client's TCP stream to a tunnel endpoint begins as that tunnel's protocol does.
// The OpenVPN wire protocol (a length, then a hard reset), RFC 9329 (IKE over TCP), tor-spec section 2.1 (a ClientHello with a generated
// name), RFC 8446 (ClientHello), RFC 9112 (requests). State is kept while the first bytes are incomplete, and is bounded. What could still
// become readable but never completes is foreign: doubt errs towards red. If the start of a stream was not captured, only the
// beginnings of its segments can be judged.

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

/** Streams that are followed at once; a tunnel has one, an onion router a few. */
const STREAMS = 1_024;
/** After so many segments or octets the first bytes must be complete. */
const LIMIT = { segments: 48, bytes: 32_768 };
/** More octets than any handshake takes, in each direction. */
const CARRIED = 16_384;
/** In octets: OpenVPN's largest first packet, with a wrapped client key. */
const LONGEST_RESET = 2_048;

/** Kinds that are readable or hide nothing, and so never belong to a tunnel. */
const FOREIGN: ReadonlySet<Kind> = new Set<Kind>(['http', 'http-proxy', 'dns', 'llmnr', 'socks', 'pptp']);
const TLS: ReadonlySet<Kind> = new Set<Kind>(['tls', 'dot', 'doh', 'tor']);

/** Follows streams from clients to tunnel endpoints. */
export class FirstBytes {
  readonly #flows: FlowTable;
  readonly #tcp: TcpReader;
  /** The stream of the last frame, which began as the tunnel's, has just carried more than a handshake in both directions. */
  carries = false;
  /** Of the stream of the last frame; undefined if that was already known to be the tunnel's own. */
  #beginning: Beginning | undefined = undefined;

  constructor(budget: StreamBudget, secret?: number) {
    this.#flows = new FlowTable(STREAMS, secret);
    this.#tcp = new TcpReader(this.#flows, budget, new Set());
  }

  /** How many streams were evicted for lack of room. */
  get evicted(): number {
    return this.#flows.evicted;
  }

  /**
   * Takes a TCP frame from a client to an endpoint of `protocol`, whose name is `host` if it has one (lower case, no trailing dot). Sets
   * `packet.foreign`, true only once the first bytes are known not to be the tunnel's; returns true if it also set kind and findings, false
   * for a stream that is known to be the tunnel's. Which first bytes count is in this file's head. Never throws.
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
    // The caller knows which end is the client, whatever the ports suggest.
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

  /** Notes that the caller counted the last frame, which has data, as the tunnel's. */
  passes(): void {
    if (this.#beginning?.own === undefined && this.#beginning !== undefined) this.#beginning.passed += 1;
  }

  /**
   * If the stream of the last frame is foreign: how many of its earlier frames were counted as the tunnel's; otherwise 0. That happens when
   * later segments arrive before the first. Returned only once.
   */
  takePassed(): number {
    const beginning = this.#beginning;
    if (beginning?.own !== false) return 0;
    const { passed } = beginning;
    beginning.passed = 0;
    return passed;
  }

  /** Copies what the segment has of the first bytes into `head`. */
  #take(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, beginning: Beginning): void {
    const { payloadOffset: start, payloadEnd: end } = packet;
    beginning.segments += 1;
    beginning.bytes += packet.payloadLength;
    if (beginning.acknowledged < 0) beginning.acknowledged = packet.tcpAcknowledgment;
    if (flow.initialSequence < 0) return;
    const isSyn = (packet.tcpFlags & TcpFlag.SYN) !== 0;
    const at = isSyn ? 0 : (packet.tcpSequence - flow.initialSequence - 1) | 0;
    if (at < -65_535 || at >= HEAD) return;
    for (let i = Math.max(0, -at); start + i < end && at + i < HEAD; i += 1) {
      // The octets that came first stay: a client that sends different ones later is deceiving someone.
      if ((beginning.present & (1 << (at + i))) !== 0) continue;
      beginning.head[at + i] = bytes[start + i] ?? 0;
      beginning.present |= 1 << (at + i);
    }
  }

  /** Sequence numbers show how much was sent, acknowledgements how much was received (RFC 9293 section 3.4). */
  #weigh(packet: ParsedPacket, flow: Flow, beginning: Beginning): void {
    if (beginning.carried || flow.initialSequence < 0 || beginning.acknowledged < 0) return;
    const sent = (packet.tcpSequence - flow.initialSequence) | 0;
    const received = (packet.tcpAcknowledgment - beginning.acknowledged) | 0;
    if (sent < CARRIED || received < CARRIED) return;
    beginning.carried = true;
    this.carries = true;
  }
}

/** Frees what was kept of a stream that is not read any further. A foreign stream is read on like any other leak. */
function release(flow: Flow): void {
  flow.lowStream?.release();
  flow.highStream?.release();
}

/** Whether the first bytes are the tunnel's own; undefined while that is not known. */
function verdict(
  flow: Flow,
  beginning: Beginning,
  protocol: TunnelProtocol,
  host: string | undefined,
): boolean | undefined {
  const own = ownBy(flow, beginning, protocol, host);
  if (own !== undefined) return own;
  if (beginning.segments < LIMIT.segments && beginning.bytes < LIMIT.bytes) return undefined;
  // If the capture lost the first segment, none of them are there, which is no evidence against the tunnel.
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
    // What these protocols send over TCP is not known.
    case 'opaque':
    case 'wireguard':
    case 'tailscale':
    case 'nebula':
    case 'zerotier':
      if (kind === 'ssh') return true;
      // A hello that never ends has no name that could be compared with the endpoint's.
      if (isTls) return ownHello(flow, host);
      break;
    default:
      protocol satisfies never;
  }
  if (flow.initialSequence < 0) return true;
  const { head, length } = beginning;
  if (isQueryAfterLength(head, length)) {
    flow.kind = 'dns';
    return false;
  }
  if (length === 0) return undefined;
  if (isHttpRequestStart(head, 0, length)) return false;
  return canBecomeReadable(head, length) ? undefined : true;
}

/** Whether the stream begins with a length and the opcode of a client's hard reset; anything else is foreign. */
function ownOpenvpn(flow: Flow, { head, length }: Beginning): boolean | undefined {
  if (flow.kind !== undefined && flow.kind !== 'openvpn' && flow.kind !== 'tcp') return false;
  // The start of the stream was not captured.
  if (flow.initialSequence < 0) return true;
  if (length > 0 && (head[0] ?? 0) >= LONGEST_RESET >>> 8) return false;
  if (length < 3) return undefined;
  const opcode = (head[2] ?? 0) >>> 3;
  return opcode === HARD_RESET_CLIENT_V2 || opcode === HARD_RESET_CLIENT_V3;
}

/** "IKETCP", RFC 9329 section 4. */
const IKE_PREFIX = [0x49, 0x4b, 0x45, 0x54, 0x43, 0x50];
/** Smallest messages: a length (which counts itself), then the non-ESP marker and an IKE header, or ESP (RFC 9329 section 3). */
const MIN_IKE = 2 + 4 + 28;
const MIN_ESP = 2 + 20;
/** RFC 4303 section 2.1. */
const RESERVED_SPIS = 256;

/** Whether the stream begins with the prefix and a message of IKE or, after a change of address, perhaps of ESP (RFC 9329 section 6). */
function ownIke(flow: Flow, { head, length }: Beginning): boolean | undefined {
  if (flow.kind !== undefined && flow.kind !== 'ipsec' && flow.kind !== 'tcp') return false;
  // The start of the stream was not captured.
  if (flow.initialSequence < 0) return true;
  if (IKE_PREFIX.some((byte, at) => at < length && head[at] !== byte)) return false;
  if (length < IKE_PREFIX.length + 6) return undefined;
  const size = u16(head, 6);
  const spi = u32(head, 8);
  return spi === 0 ? size >= MIN_IKE : spi >= RESERVED_SPIS && size >= MIN_ESP;
}

/** Tor generates a server name and offers no application protocols; a browser that visits such a name does offer some. */
function ownTor(flow: Flow): boolean | undefined {
  if (flow.name !== '' && !hasTorNameForm(flow.name)) return false;
  if (!isHelloRead(flow)) return undefined;
  return flow.name !== '' && !flow.offersAlpn;
}

/** If the endpoint has a name, the server name must be the same; if it is an address, any server name will do. */
function ownHello(flow: Flow, host: string | undefined): boolean | undefined {
  if (host === undefined) return true;
  if (flow.name !== '') return flow.name === host;
  return isHelloRead(flow) ? true : undefined;
}

function isHelloRead(flow: Flow): boolean {
  return flow.hellos > 0 || flow.done;
}

/** Whether a DNS query follows a length (RFC 1035 section 4.1.1, RFC 7766 section 8): no flags but RD, AD, CD, one question, no records. */
function isQueryAfterLength(head: Uint8Array, length: number): boolean {
  if (length < 12) return false;
  const at = (i: number): number => head[i] ?? 0;
  const flags = (at(4) << 8) | at(5);
  const counts = at(6) | (at(7) ^ 1) | at(8) | at(9) | at(10) | at(11);
  return (flags & 0xfecf) === 0 && counts === 0;
}

/** Whether the octets are too few to exclude that something readable begins with them. */
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
