// Knows: which decoder reads a TCP flow, and that a flow keeps the kind it was recognised as. Must not know: policy, I/O.
// Doubt leaves the kind the port has, or `tcp`.

import { requestAt } from '../../wire/application/http1.ts';
import { TcpFlag } from '../../wire/ip/ip.ts';
import { isClientHelloStart } from '../../wire/tls/tls-record.ts';
import type { RelayList } from '../../wire/vpn/tor.ts';
import { DohShape } from '../datagrams/doh-shape.ts';
import { Connection, NO_FINDINGS, SUSPECTED } from '../parsed-packet.ts';
import type { ParsedPacket } from '../parsed-packet.ts';
import { Flow } from '../flow-table.ts';
import type { FlowTable } from '../flow-table.ts';
import { hearAnswer, readContent } from './tcp-content.ts';
import { RECOGNISED } from '../datagrams/recognise.ts';
import { Stream } from './stream.ts';
import type { StreamBudget } from './stream.ts';

/** What one segment can carry at most (RFC 791). */
const LONGEST_SEGMENT = 65_535;

/** Octets of a beginning that are held against another: hellos differ in their random numbers, requests in their first lines. */
const COMPARED = 256;
const SHORTEST_BEGINNING = 3;
/** Connections in HTTP/2 that are read at once: it begins in the clear on few. A quarter of a megabyte each at most. */
const HTTP2_MOST = 64;
/** Segments in which what was sent again may show its name. */
const MOST_TWIN = 8;

export class TcpReader {
  readonly #flows: FlowTable;
  readonly #budget: StreamBudget;
  readonly #down: StreamBudget;
  readonly #relays: RelayList;
  /** Flows whose HTTP/2 is read, in the order in which they began: each keeps tables beside the streams' budget. */
  readonly #http2 = new Set<Flow>();

  /** `down`: for what the network says, which takes no room of what clients do. */
  constructor(flows: FlowTable, budget: StreamBudget, relays: RelayList, down = budget) {
    this.#flows = flows;
    this.#budget = budget;
    this.#down = down;
    this.#relays = relays;
  }

  /** Sets kind and findings; `packet.kind` is what the ports say. */
  read(bytes: Uint8Array, packet: ParsedPacket): void {
    const flow = this.#flows.of(packet);
    const { side } = this.#flows;
    if ((packet.tcpFlags & TcpFlag.SYN) !== 0) open(packet, flow, side);
    const isRead = flow.done || flow.hellos > 0;
    if (!flow.done) this.#follow(bytes, packet, flow, side);
    if (!packet.fromServer && packet.payloadOffset < packet.payloadEnd)
      this.#readTwin(bytes, packet, flow, side);
    if (flow.kind !== undefined) packet.kind = flow.kind;
    if (isRead && flow.kind === 'tls' && packet.payloadLength > 0) weigh(packet, flow);
    if (flow.suspected && packet.findings === NO_FINDINGS) packet.findings = SUSPECTED;
    packet.flowName = flow.name;
    if (!packet.fromServer && packet.findings.names.length > 0) flow.connection ??= new Connection();
    packet.connection = flow.connection;
  }

  #follow(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
    const opposite = side === 0 ? flow.highStream : flow.lowStream;
    // What the network acknowledges need not have come by: a tap that loses frames says so itself.
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
      // An answer also says where the client begins, whose SYN may not have been captured.
      if ((packet.tcpFlags & TcpFlag.ACK) !== 0 && packet.direction !== 'down')
        this.#streamOf(packet, flow, other(side)).synchronise(flow.opening);
    }
    if (start >= end) return;
    if (packet.direction !== 'down') flow.packets += 1;
    const sequence = isSyn ? (packet.tcpSequence + 1) >>> 0 : packet.tcpSequence;
    if (stream.accept(sequence, bytes, start, end)) this.#consume(packet, flow, stream, side === 0);
    // What the capture cut off the segment is missing for good: the stream goes on behind it.
    if (packet.payloadLength > end - start) stream.jump((sequence + packet.payloadLength) >>> 0);
  }

  /**
   * Reads what a client sends once more as its beginning, and is not the same: programs that fool a reader on the way send a
   * decoy with a hop limit that ends before the server, or with numbers that the server refuses. Eve reads both.
   */
  #readTwin(bytes: Uint8Array, packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
    const { payloadOffset: start, payloadEnd: end, tcpFlags, tcpSequence } = packet;
    const sequence = (tcpFlags & TcpFlag.SYN) !== 0 ? (tcpSequence + 1) >>> 0 : tcpSequence;
    if (flow.first < 0) {
      flow.first = sequence;
      if (namesSomebody(bytes, start, end))
        flow.firstSaid = bytes.slice(start, Math.min(end, start + COMPARED));
      return;
    }
    if (((sequence - flow.first) | 0) <= 0 && namesSomebody(bytes, start, end)) {
      const again = sequence === flow.first && flow.firstSaid !== undefined;
      // A part of it again may be how another one begins.
      const isPart = end - start < (flow.firstSaid?.length ?? 0);
      if (again && isSame(flow.firstSaid, bytes, start, end) && !isPart) return;
      flow.twin ??= new Flow();
      flow.twin.reset();
      flow.twin.helloName = flow.helloName;
      flow.twin.clientIsLow = flow.clientIsLow;
      this.#streamOf(packet, flow.twin, side).synchronise((sequence - 1) >>> 0);
    }
    const { twin } = flow;
    if (twin === undefined) return;
    twin.packets += 1;
    const { findings } = packet;
    const stream = this.#streamOf(packet, twin, side);
    if (stream.accept(sequence, bytes, start, end)) this.#consume(packet, twin, stream, side === 0);
    if (twin.name === flow.name) packet.findings = findings;
    else if (twin.name !== '' && findings.names.length === 0) flow.name = twin.name;
    if (twin.name === '' && !twin.done && twin.packets < MOST_TWIN) return;
    twin.reset();
    flow.twin = undefined;
  }

  /** Whether what that side says comes down: nobody knows of a frame without direction. */
  #comesDown({ direction }: ParsedPacket, side: 0 | 1): boolean {
    return direction !== undefined && (direction === 'down') === (side === this.#flows.side);
  }

  #streamOf(packet: ParsedPacket, flow: Flow, side: 0 | 1): Stream {
    const budget = this.#comesDown(packet, side) ? this.#down : this.#budget;
    if (side === 0) return (flow.lowStream ??= new Stream(budget));
    return (flow.highStream ??= new Stream(budget));
  }

  /** Reads everything of a stream that is in order now. */
  #consume(packet: ParsedPacket, flow: Flow, stream: Stream, isLow: boolean): void {
    do {
      const rest = this.#comesDown(packet, isLow ? 0 : 1)
        ? hearAnswer(packet, flow, stream)
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

  /** The oldest gives way: of it no further name is read, which is told. */
  #makeRoom(): void {
    for (const flow of this.#http2) if (flow.http2 === undefined) this.#http2.delete(flow);
    const [oldest] = this.#http2;
    if (oldest === undefined || this.#http2.size < HTTP2_MOST) return;
    this.#http2.delete(oldest);
    oldest.http2 = undefined;
    oldest.done = true;
    oldest.lowStream?.release();
    oldest.highStream?.release();
    this.#budget.refused += 1;
  }
}

/** Whether octets begin with what a client says to whom it wants to speak. */
function namesSomebody(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= SHORTEST_BEGINNING
    ? isClientHelloStart(bytes, start, end) || requestAt(bytes, start, end) >= 0
    : false;
}

/** As far as both are there. */
function isSame(known: Uint8Array | undefined, bytes: Uint8Array, start: number, end: number): boolean {
  const length = Math.min(known?.length ?? 0, end - start);
  for (let at = 0; at < length; at += 1) if (known?.[at] !== bytes[start + at]) return false;
  return true;
}

/**
 * A SYN, or its answer, whose client begins elsewhere opens another connection between the same ports, which knows nothing
 * of the one before. The same SYN sent again changes nothing.
 */
function open(packet: ParsedPacket, flow: Flow, side: 0 | 1): void {
  // The network says with every answer where a client began, if it likes to.
  if (packet.direction === 'down') return;
  const answers = (packet.tcpFlags & TcpFlag.ACK) !== 0;
  // Both ends may begin at once (RFC 9293 section 3.5): the client's own number stays.
  const isOwn = flow.opening === packet.tcpSequence && flow.clientIsLow === (side === 0);
  if (answers && isOwn && packet.direction === 'up') return;
  const opening = answers ? (packet.tcpAcknowledgment - 1) >>> 0 : packet.tcpSequence;
  // The answer to a SYN that carried data acknowledges that as well (RFC 7413).
  const acknowledged = flow.opening < 0 ? -1 : (opening - flow.opening) >>> 0;
  if (acknowledged === 0 || (answers && acknowledged > 0 && acknowledged <= LONGEST_SEGMENT)) return;
  if (flow.opening >= 0 || flow.packets > 0) flow.reset();
  flow.opening = opening;
  flow.clientIsLow = (side === 0) !== answers;
  packet.fromServer = answers;
  if (!answers) flow.connection = new Connection();
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0;
}

/** A shape is a hint: it is told once, and the connection stays TLS. A tunnel inside TLS can look so for a while. */
function weigh(packet: ParsedPacket, flow: Flow): void {
  flow.shape ??= new DohShape();
  const { shape } = flow;
  if (shape.told) return;
  shape.take(packet.fromServer, packet.payloadLength);
  const { confidence } = shape;
  if (confidence < RECOGNISED) return;
  shape.told = true;
  const detail = `in the shape of DNS over HTTPS, confidence ${confidence.toFixed(2)}`;
  packet.findings = { names: [], answers: [], detail, late: true };
}
