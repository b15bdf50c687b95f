// Knows: which decoder reads a TCP flow, and that a flow keeps the kind it was recognised as. Must not know: policy, I/O.
// Doubt leaves the kind the port has, or `tcp`.

import { TcpFlag } from '../wire/ip.ts';
import type { RelayList } from '../wire/tor.ts';
import { DohShape } from './doh-shape.ts';
import { NO_FINDINGS, SUSPECTED } from './facts.ts';
import type { Facts } from './facts.ts';
import type { Flow, FlowTable } from './flow-table.ts';
import { readContent } from './tcp-content.ts';
import { RECOGNISED } from './recognise.ts';
import { Stream } from './stream.ts';
import type { StreamBudget } from './stream.ts';

/** What one segment can carry at most (RFC 791). */
const LONGEST_SEGMENT = 65_535;

export class TcpReader {
  readonly #flows: FlowTable;
  readonly #budget: StreamBudget;
  readonly #relays: RelayList;

  constructor(flows: FlowTable, budget: StreamBudget, relays: RelayList) {
    this.#flows = flows;
    this.#budget = budget;
    this.#relays = relays;
  }

  /** Sets kind and findings; `facts.kind` is what the ports say. */
  read(bytes: Uint8Array, facts: Facts): void {
    const flow = this.#flows.of(facts);
    const { side } = this.#flows;
    if ((facts.tcpFlags & TcpFlag.SYN) !== 0) open(facts, flow, side);
    const isRead = flow.done;
    if (!isRead) this.#follow(bytes, facts, flow, side);
    if (flow.kind !== undefined) facts.kind = flow.kind;
    if (isRead && flow.kind === 'tls' && facts.payloadLength > 0) weigh(facts, flow);
    if (flow.suspected && facts.findings === NO_FINDINGS) facts.findings = SUSPECTED;
    facts.flowName = flow.name;
  }

  #follow(bytes: Uint8Array, facts: Facts, flow: Flow, side: 0 | 1): void {
    const opposite = side === 0 ? flow.highStream : flow.lowStream;
    if (opposite?.isMissing(facts.tcpAcknowledgment) === true && opposite.skip()) {
      this.#consume(facts, flow, opposite, side !== 0);
    }
    const { payloadOffset: start, payloadEnd: end } = facts;
    const isSyn = (facts.tcpFlags & TcpFlag.SYN) !== 0;
    if (start >= end && !isSyn) return;
    const stream = this.#streamOf(flow, side);
    if (isSyn) {
      stream.synchronise(facts.tcpSequence);
      // An answer also says where the client begins, whose SYN may not have been captured.
      if ((facts.tcpFlags & TcpFlag.ACK) !== 0) this.#streamOf(flow, other(side)).synchronise(flow.opening);
    }
    if (start >= end) return;
    flow.packets += 1;
    const sequence = isSyn ? (facts.tcpSequence + 1) >>> 0 : facts.tcpSequence;
    if (stream.accept(sequence, bytes, start, end)) this.#consume(facts, flow, stream, side === 0);
    // What the capture cut off the segment is missing for good: the stream goes on behind it.
    if (facts.payloadLength > end - start) stream.jump((sequence + facts.payloadLength) >>> 0);
  }

  #streamOf(flow: Flow, side: 0 | 1): Stream {
    if (side === 0) return (flow.lowStream ??= new Stream(this.#budget));
    return (flow.highStream ??= new Stream(this.#budget));
  }

  /** Reads everything of a stream that is in order now. */
  #consume(facts: Facts, flow: Flow, stream: Stream, isLow: boolean): void {
    do {
      const rest = readContent(facts, flow, stream, isLow === flow.clientIsLow, this.#relays);
      stream.keep(rest);
    } while (!flow.done && stream.advance());
    if (flow.done) {
      flow.lowStream?.release();
      flow.highStream?.release();
    }
  }
}

/**
 * A SYN, or its answer, whose client begins elsewhere opens another connection between the same ports, which knows nothing
 * of the one before. The same SYN sent again changes nothing.
 */
function open(facts: Facts, flow: Flow, side: 0 | 1): void {
  const answers = (facts.tcpFlags & TcpFlag.ACK) !== 0;
  const opening = answers ? (facts.tcpAcknowledgment - 1) >>> 0 : facts.tcpSequence;
  // The answer to a SYN that carried data acknowledges that as well (RFC 7413).
  const acknowledged = flow.opening < 0 ? -1 : (opening - flow.opening) >>> 0;
  if (acknowledged === 0 || (answers && acknowledged > 0 && acknowledged <= LONGEST_SEGMENT)) return;
  if (flow.opening >= 0 || flow.packets > 0) flow.reset();
  flow.opening = opening;
  flow.clientIsLow = (side === 0) !== answers;
  facts.fromServer = answers;
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0;
}

/** A shape is a hint: it is told once, and the connection stays TLS. A tunnel inside TLS can look so for a while. */
function weigh(facts: Facts, flow: Flow): void {
  flow.shape ??= new DohShape();
  const { shape } = flow;
  if (shape.told) return;
  shape.take(facts.fromServer, facts.payloadLength);
  const { confidence } = shape;
  if (confidence < RECOGNISED) return;
  shape.told = true;
  const detail = `in the shape of DNS over HTTPS, confidence ${confidence.toFixed(2)}`;
  facts.findings = { names: [], answers: [], detail, late: true };
}
