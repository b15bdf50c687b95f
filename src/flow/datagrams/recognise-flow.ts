// How the packets of one UDP flow, in both directions, confirm each other as a tunnel. WireGuard white paper section 5.4 (indices),
// OpenVPN's session ids, RFC 7296 section 2.6 (SPIs), RFC 4303 section 2.2 (sequence), RFC 6347 section 4.2. Fixed memory, a few dozen
// octets per flow, apart from a fragmented DTLS hello.

import { dtlsHello, DtlsHelloReassembly } from '../../wire/tls/dtls.ts';
import { espInUdp, ikeMessage, markedIkeMessage } from '../../wire/vpn/ipsec.ts';
import { u32le } from '../../wire/octets.ts';
import { isClientReset, isReset, openvpnControl, openvpnData } from '../../wire/vpn/openvpn.ts';
import { stunMessage } from '../../wire/application/stun.ts';
import { paddedHandshake, wireguardMessage } from '../../wire/vpn/wireguard.ts';
import type { Recognition } from '../parsed-packet.ts';
import { fromDtls, ikeServer, recogniseUdp } from './recognise.ts';

/** One of the two directions of a flow; which is which does not matter as long as it stays the same. */
export type FlowDirection = 0 | 1;

/** What one side has sent so far; -1 and '' mean nothing yet. */
interface Side {
  index: number;
  counter: number;
  run: number;
  session: string;
  /** It has sent a client's first message: an OpenVPN hard reset, or IKE without the responder's SPI. */
  opened: boolean;
  /** It has sent a Tailscale discovery message. */
  discovers: boolean;
  hello: DtlsHelloReassembly | undefined;
}

const HANDSHAKE_RECORD = 22;
/** Packets in a row with the same index and growing counters that cannot be chance. */
const RUN = 3;
/** A number that jumps further ahead than this is not a counter. */
const WINDOW = 0x10000;

/** After so many packets a flow with this confidence is not read any further, to save time. */
const ENOUGH_PACKETS = 32;
const ENOUGH = 0.85;

/** Recognises the tunnel of one UDP flow. Its confidence never falls, except that DTLS is withdrawn for calls (STUN). */
export class FlowRecogniser {
  #best: Recognition | undefined;
  #bestDirection: FlowDirection = 0;
  #mirrored: Recognition | undefined;
  #media = false;
  #packets = 0;
  readonly #sides: readonly [Side, Side] = [newSide(), newSide()];

  /**
   * Reads one UDP payload and returns the best recognition of its flow so far, `server` as seen from this packet. Undefined
   * while nothing suggests a tunnel, and for a DTLS flow from the moment it shows STUN or the keys of a call. With `settles` false (the
   * payload is from the network) this payload cannot prove a call. Nothing is kept of `bytes` but fragments of a DTLS hello. Never throws.
   */
  udp(
    bytes: Uint8Array,
    start: number,
    end: number,
    sourcePort: number,
    destinationPort: number,
    direction: FlowDirection,
    settles = true,
  ): Recognition | undefined {
    this.#packets += 1;
    if (this.#packets > ENOUGH_PACKETS && (this.#best?.confidence ?? 0) >= ENOUGH) {
      return this.recognition(direction);
    }
    if (settles) this.#ruleOutCalls(bytes, start, end);
    const single = recogniseUdp(bytes, start, end, sourcePort, destinationPort);
    const joined = this.#join(bytes, start, end, single, sourcePort, destinationPort, direction);
    if (joined !== undefined) this.#keep(joined, direction);
    return this.recognition(direction);
  }

  /** The best recognition so far, with `server` as seen from a packet in that direction; undefined as for `udp`. */
  recognition(direction: FlowDirection): Recognition | undefined {
    if (this.#media && this.#best?.protocol === 'dtls') return undefined;
    return direction === this.#bestDirection ? this.#best : this.#mirrored;
  }

  #ruleOutCalls(bytes: Uint8Array, start: number, end: number): void {
    if (this.#media) return;
    this.#media =
      stunMessage(bytes, start, end) !== undefined || dtlsHello(bytes, start, end)?.media === true;
  }

  #keep(found: Recognition, direction: FlowDirection): void {
    const best = this.#best;
    if (best !== undefined && best.confidence >= found.confidence) return;
    // Tailscale's discovery shares the flow with plain WireGuard, so a known variant is kept.
    const variant = found.variant ?? (best?.protocol === found.protocol ? best.variant : undefined);
    this.#best = variant === undefined ? found : { ...found, variant };
    this.#mirrored = { ...this.#best, server: found.server === 'source' ? 'destination' : 'source' };
    this.#bestDirection = direction;
  }

  #join(
    bytes: Uint8Array,
    start: number,
    end: number,
    single: Recognition | undefined,
    sourcePort: number,
    destinationPort: number,
    direction: FlowDirection,
  ): Recognition | undefined {
    const mine = this.#sides[direction];
    const other = this.#sides[direction === 0 ? 1 : 0];
    switch (single?.protocol) {
      case undefined:
        return (
          joinDtls(bytes, start, end, mine) ??
          joinOpenvpnData(bytes, start, end, sourcePort < destinationPort, mine) ??
          joinPadded(bytes, start, end, mine, other)
        );
      case 'dtls':
        return joinDtls(bytes, start, end, mine) ?? single;
      case 'wireguard':
        return joinWireguard(bytes, start, end, single, mine, other);
      case 'openvpn':
        return joinOpenvpn(openvpnControl(bytes, start, end), single, mine, other);
      case 'ipsec':
        return joinIpsec(bytes, start, end, single, mine, other);
      case 'tor':
      case 'ssh':
      case 'sstp':
      case 'opaque':
        return single;
    }
  }
}

function newSide(): Side {
  return { index: -1, counter: -1, run: 0, session: '', opened: false, discovers: false, hello: undefined };
}

/** TunnelBear pads WireGuard's handshake: only initiation and response with matching indices prove it. */
function joinPadded(
  bytes: Uint8Array,
  start: number,
  end: number,
  mine: Side,
  other: Side,
): Recognition | undefined {
  const type = paddedHandshake(bytes, start, end);
  if (type === 1) mine.index = u32le(bytes, start + 4);
  if (type !== 2 || other.index !== u32le(bytes, start + 8)) return undefined;
  const why = 'WireGuard response to a preceding initiation, both padded';
  const variant = 'padded handshake';
  return { protocol: 'wireguard', variant, confidence: 0.95, why, server: 'source', answered: true };
}

/** A fragmented hello is recognised once all fragments are there. */
function joinDtls(bytes: Uint8Array, start: number, end: number, mine: Side): Recognition | undefined {
  if (bytes[start] !== HANDSHAKE_RECORD) return undefined;
  mine.hello ??= new DtlsHelloReassembly();
  return fromDtls(mine.hello.take(bytes, start, end));
}

/** Data of a session whose handshake was not seen, which leaves some doubt. */
function joinOpenvpnData(
  bytes: Uint8Array,
  start: number,
  end: number,
  fromLower: boolean,
  mine: Side,
): Recognition | undefined {
  const data = openvpnData(bytes, start, end);
  if (data === undefined || !advance(mine, `openvpn ${data.head}`, data.packetId)) return undefined;
  const why = 'OpenVPN data with growing packet ids, no handshake seen';
  const server = fromLower ? 'source' : 'destination';
  return { protocol: 'openvpn', variant: 'data v2', confidence: 0.5, why, server };
}

function joinWireguard(
  bytes: Uint8Array,
  start: number,
  end: number,
  single: Recognition,
  mine: Side,
  other: Side,
): Recognition {
  if (single.variant === 'tailscale') {
    mine.discovers = true;
    if (!other.discovers) return single;
    const why = 'Tailscale discovery in both directions';
    return { ...single, confidence: 0.98, why, answered: true, guessed: true };
  }
  const message = wireguardMessage(bytes, start, end);
  if (message?.type === 1) mine.index = message.sender;
  if (message?.type === 2 && other.index === message.receiver) {
    const why = 'WireGuard response to a preceding initiation';
    return { ...single, confidence: 0.99, why, answered: true };
  }
  if (message?.type !== 4) return single;
  if (!advance(mine, `data ${message.receiver}`, message.counter)) return single;
  const both = other.run >= RUN;
  const why = `WireGuard data with growing counters${both ? ' in both directions' : ''}, no handshake seen`;
  return both
    ? { ...single, confidence: 0.85, why, answered: true, guessed: true }
    : { ...single, confidence: 0.7, why };
}

function joinOpenvpn(
  control: ReturnType<typeof openvpnControl>,
  single: Recognition,
  mine: Side,
  other: Side,
): Recognition {
  if (control === undefined) return single;
  const again = mine.session === control.session;
  mine.session = control.session;
  if (control.remoteSession !== undefined && control.remoteSession === other.session) {
    const why = 'OpenVPN session ids of both ends refer to each other';
    return { ...single, confidence: 0.99, why, answered: true };
  }
  if (isClientReset(control.opcode)) mine.opened = true;
  else if (isReset(control.opcode) && other.opened) {
    // tls-crypt hides the acknowledgement, but the server's reset, too, can only be made with the shared key.
    const why = 'OpenVPN hard resets of both ends';
    return { ...single, confidence: 0.97, why, answered: true };
  }
  // tls-crypt hides the other end's id; eight random octets that are repeated are as good a proof.
  if (!again || isReset(control.opcode)) return single;
  return { ...single, confidence: Math.max(single.confidence, 0.8), why: 'repeated OpenVPN session id' };
}

function joinIpsec(
  bytes: Uint8Array,
  start: number,
  end: number,
  single: Recognition,
  mine: Side,
  other: Side,
): Recognition {
  const ike = ikeMessage(bytes, start, end) ?? markedIkeMessage(bytes, start, end);
  if (ike !== undefined) {
    mine.session = ike.initiatorSpi;
    mine.opened ||= ike.first;
    if (other.session !== ike.initiatorSpi || ike.first) return single;
    const why = `IKEv${ike.version} exchange in both directions`;
    const either = other.opened ? 'source' : mine.opened ? 'destination' : single.server;
    return { ...single, confidence: 0.99, why, server: ikeServer(ike, either), answered: true };
  }
  const esp = espInUdp(bytes, start, end);
  if (esp === undefined || !advance(mine, `esp ${esp.spi}`, esp.sequence)) return single;
  return { ...single, confidence: 0.8, why: 'ESP in UDP with growing sequence numbers' };
}

/** Counts packets in a row of the same stream whose counters grow; true from the third on. */
function advance(side: Side, stream: string, counter: number): boolean {
  const grows = side.session === stream && counter > side.counter && counter - side.counter < WINDOW;
  side.run = grows ? side.run + 1 : 1;
  side.session = stream;
  side.counter = counter;
  return side.run >= RUN;
}
