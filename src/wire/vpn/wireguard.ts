// The shape of WireGuard's four messages (white paper sections 5.4.2 to 5.4.7) and of Tailscale's discovery message (its published
// disco wire format). When in doubt a datagram is not WireGuard: it is then judged like any other UDP.

import { allZero, u24, u32, u32le } from '../octets.ts';

/** UDP payload lengths of the four messages, in octets; for data the minimum. */
export const WIREGUARD_LENGTHS = [148, 92, 64, 32] as const;
const [INITIATION_LENGTH, RESPONSE_LENGTH, COOKIE_LENGTH, DATA_MIN_LENGTH] = WIREGUARD_LENGTHS;

const WIREGUARD_INITIATION = 1;
const WIREGUARD_RESPONSE = 2;
const WIREGUARD_COOKIE = 3;
const WIREGUARD_DATA = 4;

/** One message. `sender` and `receiver` are its session indices (32 bits, little endian), -1 where the message has none. */
export interface WireguardMessage {
  /** 1 handshake initiation, 2 handshake response, 3 cookie reply, 4 data. */
  readonly type: 1 | 2 | 3 | 4;
  readonly sender: number;
  readonly receiver: number;
  /** The three reserved octets as a big-endian number, usually 0; Cloudflare WARP puts a client identifier there. */
  readonly reserved: number;
  /** Data only: the counter (64 bits, little endian) if it is below 2^53; otherwise, and in other messages, -1. */
  readonly counter: number;
  /** Handshakes only: the second MAC is all zeros, as long as the peer is not under load. */
  readonly noCookie: boolean;
}

/**
 * Whether a UDP payload can be WireGuard (white paper sections 5.4.2 to 5.4.7), by its first four octets (big endian) and its length in
 * octets alone: type 1 to 4, three zero octets, and a length of 148, 92, 64 or, for data, at least 32. Data need not be a multiple of 16:
 * padding stops at the tunnel's MTU, often 1420 (Linux drivers/net/wireguard/send.c), and BoringTun does not pad at all. The firewall rule
 * and the capture filter test the same, so this must not test anything that they cannot.
 */
export function isWireguardShape(payloadHead: number, payloadLength: number): boolean {
  switch (payloadHead >>> 0) {
    case 0x01000000:
      return payloadLength === INITIATION_LENGTH;
    case 0x02000000:
      return payloadLength === RESPONSE_LENGTH;
    case 0x03000000:
      return payloadLength === COOKIE_LENGTH;
    case 0x04000000:
      return payloadLength >= DATA_MIN_LENGTH;
    default:
      return false;
  }
}

/**
 * The message that fills a UDP payload (white paper sections 5.4.2 to 5.4.7); undefined for another length or type, or a handshake whose
 * ephemeral key is all zeros. The reserved octets need not be zero; if they are not, the caller must require more evidence. Never throws.
 */
export function wireguardMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): WireguardMessage | undefined {
  const length = end - start;
  const type = bytes[start];
  const reserved = u24(bytes, start + 1);
  if (type === undefined || !isWireguardShape(type << 24, length)) return undefined;
  switch (type) {
    case WIREGUARD_INITIATION:
      if (allZero(bytes, start + 8, start + 40)) return undefined;
      return {
        type: WIREGUARD_INITIATION,
        sender: u32le(bytes, start + 4),
        receiver: -1,
        reserved,
        counter: -1,
        noCookie: allZero(bytes, start + 132, end),
      };
    case WIREGUARD_RESPONSE:
      if (allZero(bytes, start + 12, start + 44)) return undefined;
      return {
        type: WIREGUARD_RESPONSE,
        sender: u32le(bytes, start + 4),
        receiver: u32le(bytes, start + 8),
        reserved,
        counter: -1,
        noCookie: allZero(bytes, start + 76, end),
      };
    case WIREGUARD_COOKIE:
      return {
        type: WIREGUARD_COOKIE,
        sender: -1,
        receiver: u32le(bytes, start + 4),
        reserved,
        counter: -1,
        noCookie: false,
      };
    default:
      return {
        type: WIREGUARD_DATA,
        sender: -1,
        receiver: u32le(bytes, start + 4),
        reserved,
        counter: counterOf(bytes, start + 8),
        noCookie: false,
      };
  }
}

function counterOf(bytes: Uint8Array, at: number): number {
  const high = u32le(bytes, at + 4);
  return high < 0x200000 ? high * 0x100000000 + u32le(bytes, at) : -1;
}

const DISCO_HEADER = 62;

/**
 * Whether a UDP payload is a Tailscale discovery message (its published disco wire format): six magic octets, a 32-octet key, a 24-octet
 * nonce, an encrypted box.
 */
export function isTailscaleDisco(bytes: Uint8Array, start: number, end: number): boolean {
  // The box holds at least its 16-octet tag and two octets of type and version.
  if (end - start < DISCO_HEADER + 18) return false;
  return u32(bytes, start) === 0x5453f09f && bytes[start + 4] === 0x92 && bytes[start + 5] === 0xac;
}

/**
 * The type of a handshake message, 1 initiation or 2 response, that fills a UDP payload and that the provider has lengthened (TunnelBear
 * does), or undefined: longer than WireGuard's (148 or 92 octets), at most twice as long, with a second MAC of zeros at its end. Weak
 * evidence alone: compare the indices of both messages. Never throws.
 */
export function paddedHandshake(bytes: Uint8Array, start: number, end: number): 1 | 2 | undefined {
  const head = u32(bytes, start);
  const length = end - start;
  const initiation = head === 0x01000000 && length > INITIATION_LENGTH && length <= 2 * INITIATION_LENGTH;
  const response = head === 0x02000000 && length > RESPONSE_LENGTH && length <= 2 * RESPONSE_LENGTH;
  if ((!initiation && !response) || !allZero(bytes, end - 16, end)) return undefined;
  if (allZero(bytes, start + 12, start + 44)) return undefined;
  return initiation ? 1 : 2;
}
