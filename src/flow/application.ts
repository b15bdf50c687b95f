// Knows: which reader looks at which transport, and the state they share. Must not know: policy, I/O, clocks, link layers.
// State is bounded by FlowTable and StreamBudget; what they give up is counted and stays unknown.

import { segmentQuestions, wholeQuestion } from '../wire/names/dns-stream.ts';
import { Protocol } from '../wire/ip/ip.ts';
import type { QuicCrypto } from '../wire/quic/quic-crypto.ts';
import type { RelayList } from '../wire/vpn/tor.ts';
import { eapolFindings } from './findings/eapol-findings.ts';
import type { ParsedPacket } from './parsed-packet.ts';
import { Dnscrypt } from './datagrams/dnscrypt-flows.ts';
import { FirstBytes } from './streams/first-bytes.ts';
import { FlowTable } from './flow-table.ts';
import { redirectFindings } from './findings/icmp-findings.ts';
import { ndFindings } from './findings/nd-findings.ts';
import { membershipFindings } from './findings/membership-findings.ts';
import { QuicFlows } from './datagrams/quic-flows.ts';
import { readSctp } from './datagrams/sctp-reader.ts';
import { StreamBudget } from './streams/stream.ts';
import { TcpReader } from './streams/tcp-reader.ts';
import { UdpReader } from './datagrams/udp-reader.ts';

/** RFC 1035 section 4.2. */
const DNS = 53;

/** What the readers need of the world. Without QUIC's ciphers its names stay unread. */
export interface ApplicationPorts {
  readonly quic?: QuicCrypto;
  /** Servers known to be Tor relays: a connection to one of them is Tor's, whatever it looks like. */
  readonly relays?: RelayList;
  /** 32 bits that nobody else knows: with them a flow cannot be pushed out by whoever chooses ports. */
  readonly secret?: number;
}

export class ApplicationReader {
  readonly #flows: FlowTable;
  readonly #budget: StreamBudget;
  /** Of streams that come down, of which little is read. */
  readonly #budgetDown: StreamBudget;
  readonly #udp: UdpReader;
  readonly #tcp: TcpReader;
  /** Reads what streams to tunnels' endpoints begin with: no other flow pushes one of these out. */
  readonly firstBytes: FirstBytes;

  constructor(ports: ApplicationPorts, limits: { readonly flows: number; readonly streamBytes: number }) {
    this.#flows = new FlowTable(limits.flows, ports.secret);
    this.#budget = new StreamBudget(limits.streamBytes);
    this.#budgetDown = new StreamBudget(limits.streamBytes / 4);
    this.#udp = new UdpReader(this.#flows, new Dnscrypt(), new QuicFlows(ports.quic));
    this.#tcp = new TcpReader(this.#flows, this.#budget, ports.relays ?? new Set(), this.#budgetDown);
    this.firstBytes = new FirstBytes(this.#budget, ports.secret);
  }

  get losses(): { readonly flowsEvicted: number; readonly streamsRefused: number } {
    const flowsEvicted = this.#flows.evicted + this.firstBytes.evicted;
    return { flowsEvicted, streamsRefused: this.#budget.refused + this.#budgetDown.refused };
  }

  /** Sets kind and findings by the payload of a whole packet; `packet.kind` is what the headers say. */
  read(bytes: Uint8Array, packet: ParsedPacket): void {
    if (packet.protocol === Protocol.UDP && packet.sourcePort >= 0) this.#udp.read(bytes, packet);
    else if (packet.protocol === Protocol.TCP && packet.sourcePort >= 0) this.#readTcp(bytes, packet);
    else if (packet.protocol === Protocol.SCTP)
      readSctp(bytes, packet.payloadOffset, packet.payloadEnd, packet);
    else if (packet.kind === 'igmp-mld')
      packet.findings = membershipFindings(bytes, packet) ?? packet.findings;
    else if (packet.kind === 'eapol') packet.findings = eapolFindings(bytes, packet) ?? packet.findings;
    else if (packet.kind === 'nd') packet.findings = ndFindings(bytes, packet) ?? packet.findings;
    else if (packet.kind === 'icmp' && packet.ipVersion === 4)
      packet.findings = redirectFindings(bytes, packet) ?? packet.findings;
  }

  #readTcp(bytes: Uint8Array, packet: ParsedPacket): void {
    if (packet.destinationPort === DNS && packet.payloadLength === packet.payloadEnd - packet.payloadOffset) {
      packet.wholeQuestion = wholeQuestion(bytes, packet.payloadOffset, packet.payloadEnd) ?? '';
      packet.questions = segmentQuestions(bytes, packet.payloadOffset, packet.payloadEnd);
    }
    this.#tcp.read(bytes, packet);
  }

  /** A datagram's first fragment: what it begins with can be read, the rest may never come. TCP has to wait. */
  readFirstFragment(bytes: Uint8Array, packet: ParsedPacket): void {
    if (packet.protocol === Protocol.UDP && packet.sourcePort >= 0) this.#udp.read(bytes, packet);
  }
}
