// Reads TCP flows: orders their segments, chooses the decoder, and keeps the kind once it is recognised. In doubt the kind stays that of
// the port, or `tcp`.

import { requestAt } from '../../wire/application/http1.ts';
import { TcpFlag } from '../../wire/ip/ip.ts';
import { isClientHelloStart } from '../../wire/tls/tls-record.ts';
import type { RelayList } from '../../wire/vpn/tor.ts';
import { DohShape } from '../datagrams/doh-shape.ts';
import { Connection, NO_FINDINGS, SUSPECTED } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { Flow } from '../flow-table.ts';
import type { FlowTable } from '../flow-table.ts';
import { readFromNetwork, readContent } from './tcp-content.ts';
import { RECOGNISED } from '../datagrams/recognise.ts';
import { Stream } from './stream.ts';
import type { StreamBudget } from './stream.ts';

/** The most octets that one segment can have (RFC 791). */
const LONGEST_SEGMENT = 65_535;

/** Octets in which two beginnings are compared: hellos differ in their random numbers, requests in their first lines. */
const COMPARED = 256;
const SHORTEST_BEGINNING = 3;
/** HTTP/2 connections that are read at once, with at most a quarter of a megabyte each; few begin in the clear. */
const MAX_HTTP2 = 64;
/** Segments after which an alternate beginning must have shown its name. */
const MAX_ALTERNATE_SEGMENTS = 8;

/** Reads the TCP segments of one flow table. */
export class TcpReader {
  readonly #flows: FlowTable;
  readonly #budget: StreamBudget;
  readonly #down: StreamBudget;
  readonly #relays: RelayList;
  /** Flows whose HTTP/2 is read, oldest first: their tables do not count in the streams' budget. */
  readonly #http2 = new Set<Flow>();

  /** `down` is the budget for streams from the network, so that they take no room from those of clients. */
  constructor(flows: FlowTable, budget: StreamBudget, relays: RelayList, down = budget) {
    this.#flows = flows;
    this.#budget = budget;
    this.#down = down;
    this.#relays = relays;
  }

  /**
   * Sets kind and findings of the segment that `packet` was read from, and `flowName`, `connection` and `fromServer`; `packet.kind` must be
   * the kind by ports. Findings may be from earlier segments that have become readable now (RFC 9293 section 3.4). Never throws.
   */
  read(bytes: Uint8Array, packet: ParsedPacket): void {
    const flow = this.#flows.of(packet);
    const { side } = this.#flows;
    if ((packet.tcpFlags & TcpFlag.SYN) !== 0) open(packet, flow, side);
    const isRead = flow.done || flow.hellos > 0;
    if (!flow.done) this.#follow(bytes, packet, flow, side);
    if (!packet.fromServer && packet.payloadOffset < packet.payloadEnd)
      this.#readAlternate(bytes, packet, flow, side);
    if (flow.kind !== undefined) packet.kind = flow.kind;
    if (isRead && flow.kind === 'tls' && packet.payloadLength > 0) noteShape(packet, flow);
    if (flow.suspected && packet.findings === NO_FINDINGS) packet.findings = SUSPECTED;
    packet.flowName = flow.name;
    if (!packet.fromServer && packet.findings.names.length > 0) flow.connection ??= new Connection();
    packet.connection = flow.connection;
  }

  #follow(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
    const opposite = side === 0 ? flow.highStream : flow.lowStream;
    // The network can acknowledge data that was never sent, so it is not believed. A tap reports the frames that it loses itself.
    const isBelieved = packet.direction !== 'down';
    if (isBelieved && opposite?.isMissing(packet.tcpAcknowledgment) === true && opposite.skip()) {
      this.#consume(packet, flow, opposite, side !== 0);
    }
    const { payloadOffset: start, payloadEnd: end } = packet;
    const isSyn = (packet.tcpFlags & TcpFlag.SYN) !== 0;
    if (start >= end && !isSyn) return;
    const stream = this.#streamOf(packet, flow, side);
    if (isSyn) {
      stream.synchronise(packet.tcpSequence);
      // A SYN-ACK also shows where the client's stream begins, whose SYN may not have been captured.
      if ((packet.tcpFlags & TcpFlag.ACK) !== 0 && packet.direction !== 'down')
        this.#streamOf(packet, flow, other(side)).synchronise(flow.initialSequence);
    }
    if (start >= end) return;
    if (packet.direction !== 'down') flow.packets += 1;
    const sequence = isSyn ? (packet.tcpSequence + 1) >>> 0 : packet.tcpSequence;
    if (stream.accept(sequence, bytes, start, end)) this.#consume(packet, flow, stream, side === 0);
    // What the capture cut off is missing for good: the stream continues after it.
    if (packet.payloadLength > end - start) stream.jump((sequence + packet.payloadLength) >>> 0);
  }

  /**
   * Reads a second, different beginning that a client sends. Programs that evade inspection send a decoy whose hop limit ends
   * before the server, or whose sequence numbers the server refuses; an eavesdropper can read both.
   */
  #readAlternate(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
    const { payloadOffset: start, payloadEnd: end, tcpFlags, tcpSequence } = packet;
    const sequence = (tcpFlags & TcpFlag.SYN) !== 0 ? (tcpSequence + 1) >>> 0 : tcpSequence;
    if (flow.firstSequence < 0) {
      flow.firstSequence = sequence;
      if (beginsHelloOrRequest(bytes, start, end))
        flow.firstOctets = bytes.slice(start, Math.min(end, start + COMPARED));
      return;
    }
    if (((sequence - flow.firstSequence) | 0) <= 0 && beginsHelloOrRequest(bytes, start, end)) {
      const again = sequence === flow.firstSequence && flow.firstOctets !== undefined;
      // A repeated part of it may be the beginning of a different one.
      const isPart = end - start < (flow.firstOctets?.length ?? 0);
      if (again && isSame(flow.firstOctets, bytes, start, end) && !isPart) return;
      flow.alternate ??= new Flow();
      flow.alternate.reset();
      flow.alternate.helloName = flow.helloName;
      flow.alternate.clientIsLow = flow.clientIsLow;
      this.#streamOf(packet, flow.alternate, side).synchronise((sequence - 1) >>> 0);
    }
    const { alternate } = flow;
    if (alternate === undefined) return;
    alternate.packets += 1;
    const { findings } = packet;
    const stream = this.#streamOf(packet, alternate, side);
    if (stream.accept(sequence, bytes, start, end)) this.#consume(packet, alternate, stream, side === 0);
    if (alternate.name === flow.name) packet.findings = findings;
    else if (alternate.name !== '' && findings.names.length === 0) flow.name = alternate.name;
    if (alternate.name === '' && !alternate.done && alternate.packets < MAX_ALTERNATE_SEGMENTS) return;
    alternate.reset();
    flow.alternate = undefined;
  }

  /** Whether that side's stream comes from the network; false for a frame without direction. */
  #comesDown({ direction }: ParsedPacket, side: 0 | 1): boolean {
    return direction !== undefined && (direction === 'down') === (side === this.#flows.side);
  }

  #streamOf(packet: ParsedPacket, flow: Flow, side: 0 | 1): Stream {
    const budget = this.#comesDown(packet, side) ? this.#down : this.#budget;
    if (side === 0) return (flow.lowStream ??= new Stream(budget));
    return (flow.highStream ??= new Stream(budget));
  }

  /** Reads everything in a stream that is in order by now. */
  #consume(packet: ParsedPacket, flow: Flow, stream: Stream, isLow: boolean): void {
    do {
      const rest = this.#comesDown(packet, isLow ? 0 : 1)
        ? readFromNetwork(packet, flow, stream)
        : readContent(packet, flow, stream, isLow === flow.clientIsLow, this.#relays);
      stream.keep(rest);
    } while (!flow.done && stream.advance());
    if (flow.done) {
      flow.lowStream?.release();
      flow.highStream?.release();
      flow.http2 = undefined;
    } else if (flow.http2 !== undefined && !this.#http2.has(flow)) {
      this.#makeRoom();
      this.#http2.add(flow);
    }
  }

  /** Stops reading the oldest HTTP/2 connection if there are too many, and counts that as refused. */
  #makeRoom(): void {
    for (const flow of this.#http2) if (flow.http2 === undefined) this.#http2.delete(flow);
    const [oldest] = this.#http2;
    if (oldest === undefined || this.#http2.size < MAX_HTTP2) return;
    this.#http2.delete(oldest);
    oldest.http2 = undefined;
    oldest.done = true;
    oldest.lowStream?.release();
    oldest.highStream?.release();
    this.#budget.refused += 1;
  }
}

/** Whether octets begin with a ClientHello or an HTTP request, in which a client names its peer. */
function beginsHelloOrRequest(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= SHORTEST_BEGINNING
    ? isClientHelloStart(bytes, start, end) || requestAt(bytes, start, end) >= 0
    : false;
}

/** Whether both are the same, up to the end of the shorter. */
function isSame(known: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number): boolean {
  const length = Math.min(known?.length ?? 0, end - start);
  for (let at = 0; at < length; at += 1) if (known?.[at] !== bytes[start + at]) return false;
  return true;
}

/**
 * A SYN, or SYN-ACK, with another initial sequence number of the client opens a new connection between the same ports, and
 * the old one is forgotten. The same SYN sent again changes nothing.
 */
function open(packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
  // In a SYN-ACK the network can claim any initial sequence number for the client.
  if (packet.direction === 'down') return;
  const answers = (packet.tcpFlags & TcpFlag.ACK) !== 0;
  // Both ends may open at once (RFC 9293 section 3.5): the client's number stays.
  const isOwn = flow.initialSequence === packet.tcpSequence && flow.clientIsLow === (side === 0);
  if (answers && isOwn && packet.direction === 'up') return;
  const initialSequence = answers ? (packet.tcpAcknowledgment - 1) >>> 0 : packet.tcpSequence;
  // A SYN-ACK also acknowledges data in the SYN (RFC 7413).
  const acknowledged = flow.initialSequence < 0 ? -1 : (initialSequence - flow.initialSequence) >>> 0;
  if (acknowledged === 0 || (answers && acknowledged > 0 && acknowledged <= LONGEST_SEGMENT)) return;
  if (flow.initialSequence >= 0 || flow.packets > 0) flow.reset();
  flow.initialSequence = initialSequence;
  flow.clientIsLow = (side === 0) !== answers;
  packet.fromServer = answers;
  if (!answers) flow.connection = new Connection();
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0;
}

/** The pattern of DNS over HTTPS is a hint: reported once, and the kind stays TLS. A tunnel inside TLS can look the same for a while. */
function noteShape(packet: ParsedPacket, flow: Flow): void {
  flow.shape ??= new DohShape();
  const { shape } = flow;
  if (shape.isReported) return;
  shape.take(packet.fromServer, packet.payloadLength);
  const { confidence } = shape;
  if (confidence < RECOGNISED) return;
  shape.isReported = true;
  const detail = `looks like DNS over HTTPS by its sizes, confidence ${confidence.toFixed(2)}`;
  packet.findings = { names: [], answers: [], detail, late: true };
}
