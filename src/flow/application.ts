// Chooses the reader for each transport, and owns the state that the readers share. That state is bounded by FlowTable and
// StreamBudget; what is evicted or refused is counted, and such traffic stays unknown.

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

/** What the readers need from outside. Without QUIC's ciphers its names stay unread. */
export interface ApplicationPorts {
  readonly quic?: QuicCrypto;
  /** Known Tor relays: TLS to one of them is taken for Tor, whatever its server name. */
  readonly relays?: RelayList;
  /**
   * 32 secret random bits, as a number from 0 to 2^32 - 1. They prevent an attacker from choosing ports so that other flows are evicted
   * from the table.
   */
  readonly secret?: number;
}

/** Reads what a packet carries above the transport. `limits.flows` is rounded down to a power of two, `limits.streamBytes` is in octets. */
export class ApplicationReader {
  readonly #flows: FlowTable;
  readonly #budget: StreamBudget;
  /** For streams from the network, of which little is read. */
  readonly #budgetDown: StreamBudget;
  readonly #udp: UdpReader;
  readonly #tcp: TcpReader;
  /** Reads the first bytes of streams to tunnel endpoints. It has its own flow table, so that no other flow evicts these. */
  readonly firstBytes: FirstBytes;

  constructor(ports: ApplicationPorts, limits: { readonly flows: number; readonly streamBytes: number }) {
    this.#flows = new FlowTable(limits.flows, ports.secret);
    this.#budget = new StreamBudget(limits.streamBytes);
    this.#budgetDown = new StreamBudget(limits.streamBytes / 4);
    this.#udp = new UdpReader(this.#flows, new Dnscrypt(), new QuicFlows(ports.quic));
    this.#tcp = new TcpReader(this.#flows, this.#budget, ports.relays ?? new Set(), this.#budgetDown);
    this.firstBytes = new FirstBytes(this.#budget, ports.secret);
  }

  /** How many flows were evicted and how often stream data was refused since this reader was made. */
  get losses(): { readonly flowsEvicted: number; readonly streamsRefused: number } {
    const flowsEvicted = this.#flows.evicted + this.firstBytes.evicted;
    return { flowsEvicted, streamsRefused: this.#budget.refused + this.#budgetDown.refused };
  }

  /**
   * Sets kind and findings by the payload of a whole packet, whose offsets must be those of `bytes`; `packet.kind` must be the kind by
   * headers (kindOfHeaders). What cannot be read leaves both as they are. Never throws.
   */
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

  /**
   * Like `read` for a datagram's first fragment, as the rest may never come. TCP must wait for the whole packet, so it is not read here.
   */
  readFirstFragment(bytes: Uint8Array, packet: ParsedPacket): void {
    if (packet.protocol === Protocol.UDP && packet.sourcePort >= 0) this.#udp.read(bytes, packet);
  }
}
