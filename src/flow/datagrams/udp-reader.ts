// Chooses the decoder for a datagram: first by port, then by what is known of its flow, then by its shape. DNS is ruled out before
// anything is recognised as a tunnel. If the content does not fit the port, the port's kind is not kept; in doubt the kind is `udp`.

import { Connection, NO_FINDINGS, SUSPECTED } from '../parsed-packet.ts';
import type { ParsedPacket, Findings } from '../parsed-packet.ts';
import type { Flow, FlowTable } from '../flow-table.ts';
import type { Kind } from '../kinds.ts';
import { dnsFindings, DNS_CUT, DNS_ELSEWHERE } from '../findings/name-readers.ts';
import type { Dnscrypt } from './dnscrypt-flows.ts';
import { isQuicMidway } from './quic-flows.ts';
import type { QuicFlows } from './quic-flows.ts';
import { readSctp } from './sctp-reader.ts';
import { isAnswer, readByPort } from './udp-ports.ts';
import { RECOGNISED } from './recognise.ts';
import { FlowRecogniser } from './recognise-flow.ts';
import { SCTP_IN_UDP_PORT } from '../../wire/ip/sctp.ts';
import { stunMessage, isTurnChannelData } from '../../wire/application/stun.ts';
import { teredoPacket } from '../../wire/vpn/teredo.ts';

/** A recognition with less confidence is reported as suspected. */
const CERTAIN = 0.6;

/** Reads the datagrams of one flow table. */
export class UdpReader {
  readonly #flows: FlowTable;
  readonly #dnscrypt: Dnscrypt;
  readonly #quic: QuicFlows;

  constructor(flows: FlowTable, dnscrypt: Dnscrypt, quic: QuicFlows) {
    this.#flows = flows;
    this.#dnscrypt = dnscrypt;
    this.#quic = quic;
  }

  /**
   * Sets kind and findings of the datagram that `packet` was read from, and `flowName`, `connection` and `fromServer`; `packet.kind` must
   * be the kind by ports. The kind is `udp` when the content does not fit. Never throws.
   */
  read(bytes: Uint8Array, packet: ParsedPacket): void {
    const { payloadOffset: start, payloadEnd: end } = packet;
    // A datagram that fits its port needs no flow: a flood of questions must not evict the flows that are needed.
    if (start < end && readByPort(bytes, start, end, packet)) {
      packet.fromServer = isAnswer(bytes, start, packet);
      if (packet.kind === 'dns') this.#dnscrypt.learn(bytes, start, end, packet.findings);
      return;
    }
    if (packet.destinationPort === SCTP_IN_UDP_PORT || packet.sourcePort === SCTP_IN_UDP_PORT)
      readSctp(bytes, start, end, packet);
    const flow = this.#flows.of(packet);
    packet.flowName = flow.name;
    packet.connection = flow.connection ??= new Connection();
    if (start >= end) {
      packet.kind = flow.kind ?? packet.kind;
      return;
    }
    if (packet.direction === 'down') {
      this.#readFromNetwork(bytes, packet, flow);
      return;
    }
    flow.packets += 1;
    this.#readContent(bytes, packet, flow);
  }

  /** Reads a datagram from the network in a client's flow without changing what the flow is known as. */
  #readFromNetwork(bytes: Uint8Array, packet: ParsedPacket, flow: Flow): void {
    const { kind, suspected, name } = flow;
    this.#readContent(bytes, packet, flow);
    Object.assign(flow, { kind, suspected, name });
  }

  #readContent(bytes: Uint8Array, packet: ParsedPacket, flow: Flow): void {
    const { payloadOffset: start, payloadEnd: end } = packet;
    const found =
      readForeignDns(bytes, start, end, packet, flow) ||
      this.#readEncryptedDns(bytes, start, end, packet, flow) ||
      this.#quic.read(bytes, start, end, packet, flow) ||
      readTeredo(bytes, start, end, packet, flow) ||
      readCall(bytes, start, end, packet, flow) ||
      this.#recognise(bytes, start, end, packet, flow);
    if (!found) packet.kind = flow.kind ?? kindWithoutContent(bytes, start, end, packet.kind);
    if (packet.kind === 'dns') this.#dnscrypt.learn(bytes, start, end, packet.findings);
    if (flow.suspected && packet.findings === NO_FINDINGS) packet.findings = SUSPECTED;
    const [first] = packet.findings.names;
    if (first !== undefined) flow.name = first.name;
  }

  #readEncryptedDns(
    bytes: Uint8Array,
    start: number,
    end: number,
    packet: ParsedPacket,
    flow: Flow,
  ): boolean {
    if (flow.kind !== 'dnscrypt' && !this.#dnscrypt.isSpoken(bytes, start, end, packet, flow)) return false;
    packet.kind = flow.kind = 'dnscrypt';
    return true;
  }

  #recognise(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
    flow.recogniser ??= new FlowRecogniser();
    const { sourcePort, destinationPort, direction } = packet;
    const { side } = this.#flows;
    const ends = [sourcePort, destinationPort, side, direction !== 'down'] as const;
    const recognition = flow.recogniser.udp(bytes, start, end, ...ends);
    if (recognition === undefined || recognition.confidence < RECOGNISED) return false;
    const { protocol } = recognition;
    if (protocol === 'opaque' || protocol === 'sstp') return false;
    packet.kind = flow.kind = protocol;
    flow.suspected = recognition.confidence < CERTAIN;
    packet.findings = flow.recognised(recognition);
    return true;
  }
}

/** Teredo clients use any port to talk to each other and to relays (RFC 4380 section 5.2.4). */
function readTeredo(
  bytes: Uint8Array,
  start: number,
  end: number,
  packet: ParsedPacket,
  flow: Flow,
): boolean {
  if (flow.kind !== undefined || teredoPacket(bytes, start, end)?.certain !== true) return false;
  packet.kind = 'teredo';
  return true;
}

/** STUN, and what a call sends between the same ports: its media and their keys are not a tunnel. */
function readCall(bytes: Uint8Array, start: number, end: number, packet: ParsedPacket, flow: Flow): boolean {
  if (stunMessage(bytes, start, end) !== undefined) {
    packet.kind = flow.kind = 'stun';
    return true;
  }
  if (flow.kind !== 'stun') return false;
  packet.kind = 'stun';
  if (isTurnChannelData(bytes, start, end)) packet.findings = TURN;
  return true;
}

const TURN: Findings = Object.freeze({
  names: Object.freeze([]),
  answers: Object.freeze([]),
  detail: 'relayed by TURN',
});

/** DNS on another port than its own: it must parse to its last octet, and the flow must not be known as something else. */
function readForeignDns(
  bytes: Uint8Array,
  start: number,
  end: number,
  packet: ParsedPacket,
  flow: Flow,
): boolean {
  // DNSCrypt certificates are queried in plain DNS between the same ports.
  if (flow.kind !== undefined && flow.kind !== 'dnscrypt') return false;
  // A first fragment cannot be parsed to the end of the message.
  const atLeast = packet.moreFragments ? DNS_CUT : DNS_ELSEWHERE;
  const sure = dnsFindings(bytes, start, end, 'dns', atLeast);
  if (sure === undefined) return false;
  packet.kind = 'dns';
  packet.findings = { ...sure, detail: `${sure.detail ?? 'DNS'}, not on port 53`, suspected: true };
  return true;
}

/** Kinds that a port only suggests: a datagram whose content does not fit is plain UDP. */
const NEEDS_CONTENT: ReadonlySet<Kind> = new Set<Kind>([
  'quic',
  'doq',
  'ipsec',
  'l2tp',
  'teredo',
  'vxlan',
  'stun',
  'ntp',
  'dhcp',
  'dhcp6',
  'ssdp',
  // To a local group their names are only amber, so nothing else may pass for link-local discovery.
  'mdns',
  'llmnr',
  'nbns',
]);

function kindWithoutContent(bytes: Uint8Array, start: number, end: number, port: Kind): Kind {
  return NEEDS_CONTENT.has(port) && !isQuicMidway(bytes, start, end, port) ? 'udp' : port;
}
