// Packets of OpenVPN's control channel, plain, with tls-auth, tls-crypt and tls-crypt-v2, over UDP and TCP, and the head of its data
// packets: draft-bernardv-openvpn (the protocol as OpenVPN 2.x speaks it). An opcode alone proves nothing (one random octet in five is
// valid), so a control packet counts only when its layout adds up to the last octet.

import { allZero, u16, u32 } from '../octets.ts';

const HARD_RESET_CLIENT_V1 = 1;
const HARD_RESET_SERVER_V1 = 2;
const CONTROL_V1 = 4;
/** Acknowledgements without data (draft-bernardv-openvpn). */
export const ACK_V1 = 5;
/** What a client begins with; version 3 has a wrapped client key (tls-crypt-v2). */
export const HARD_RESET_CLIENT_V2 = 7;
const HARD_RESET_SERVER_V2 = 8;
export const HARD_RESET_CLIENT_V3 = 10;
const CONTROL_WKC_V1 = 11;

/** How the control channel is wrapped. Acknowledgements are readable with `plain` and `tls-auth`, encrypted with the others. */
type OpenvpnWrapping = 'plain' | 'tls-auth' | 'tls-crypt' | 'tls-crypt-v2';

/** A control packet whose layout adds up. */
export interface OpenvpnControl {
  /** 5 bits: 1 to 11. */
  readonly opcode: number;
  /** 3 bits: 0 to 7, counts the key negotiations of a session. */
  readonly keyId: number;
  readonly wrapping: OpenvpnWrapping;
  /** The sender's session id, 16 hexadecimal digits in lower case. */
  readonly session: string;
  /** The other end's session id in the same form, if the packet acknowledges something and that is readable. */
  readonly remoteSession: string | undefined;
  /** Control packets without tls-crypt: the payload begins like a TLS handshake record. */
  readonly tls: boolean;
}

const SESSION_END = 9;
/** HMAC lengths of tls-auth: MD5, SHA-1 (the default), SHA-224, SHA-256, SHA-384, SHA-512. */
const HMACS = [20, 32, 64, 16, 28, 48] as const;
/** Packet id and time in front of what tls-auth and tls-crypt protect. */
const REPLAY = 8;
const TLS_CRYPT_TAG = 32;
/** OpenVPN's array holds 8 acknowledgements (it sends at most 4, CONTROL_SEND_ACK_MAX): a longer list is noise. */
const MAX_ACKS = 8;
/** Both ends count up from 0 or 1, so a large id is noise. */
const MAX_PACKET_ID = 0x10000;
/** First octets of the packet ids by which clients announce support for early negotiation (tls-crypt-v2). */
const EARLY_NEGOTIATION = [0x0a, 0x0f];
/** The replay header's time, seconds since 1970: 2001-09-09 to 2096. A clock outside this range is rarer than a random number inside it. */
const EARLIEST = 1_000_000_000;
const LATEST = 4_000_000_000;

/**
 * The opcode (upper five bits) and key id (lower three) in one octet, as draft-bernardv-openvpn defines them; undefined unless the opcode
 * is 1 to 11 and, for a hard reset, the key id is 0.
 */
export function openvpnOpcode(octet: number): { opcode: number; keyId: number } | undefined {
  const opcode = octet >>> 3;
  const keyId = octet & 7;
  if (opcode < 1 || opcode > 11) return undefined;
  return isReset(opcode) && keyId !== 0 ? undefined : { opcode, keyId };
}

/** Whether the opcode is a hard reset, which begins a session, from either side (draft-bernardv-openvpn). */
export function isReset(opcode: number): boolean {
  return isClientReset(opcode) || opcode === HARD_RESET_SERVER_V1 || opcode === HARD_RESET_SERVER_V2;
}

/** Whether the opcode is a hard reset from the client's side, in version 1, 2 or 3 (draft-bernardv-openvpn). */
export function isClientReset(opcode: number): boolean {
  return (
    opcode === HARD_RESET_CLIENT_V1 || opcode === HARD_RESET_CLIENT_V2 || opcode === HARD_RESET_CLIENT_V3
  );
}

const DATA_V2 = 9;
/** Opcode with peer id (4 octets), packet id (4), tag (16), and at least one octet of data. */
const SHORTEST_DATA = 25;
const NO_PEER = 0xffffff;
const MAX_PEERS = 0x10000;

/**
 * The first four octets (opcode, key id and peer id) and the packet id of the data packet with an AEAD cipher (P_DATA_V2) that fills a UDP
 * payload, both as unsigned big-endian 32-bit numbers; undefined for anything else. A single packet proves nothing: compare these four
 * octets and the growing packet id of several. Never throws.
 */
export function openvpnData(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly head: number; readonly packetId: number } | undefined {
  if (end - start < SHORTEST_DATA || (bytes[start] ?? 0) >>> 3 !== DATA_V2) return undefined;
  const peer = u32(bytes, start) & NO_PEER;
  const packetId = u32(bytes, start + 4);
  if ((peer >= MAX_PEERS && peer !== NO_PEER) || packetId === 0) return undefined;
  return { head: u32(bytes, start), packetId };
}

/**
 * The control packet that fills `start` to before `end` (one UDP payload), or undefined. Resets, acknowledgements and control packets are
 * read (draft-bernardv-openvpn); data packets contain nothing that could be checked, and soft resets are refused. Never throws.
 */
export function openvpnControl(bytes: Uint8Array, start: number, end: number): OpenvpnControl | undefined {
  const head = openvpnOpcode(bytes[start] ?? 0);
  if (head === undefined || end - start < 14 || !isControl(head.opcode)) return undefined;
  if (allZero(bytes, start + 1, start + SESSION_END)) return undefined;
  const session = sessionText(bytes, start + 1);
  const { opcode, keyId } = head;
  const open = openLayout(bytes, start, end, opcode);
  if (open !== undefined) return { opcode, keyId, session, ...open };
  const wrapping = cryptLayout(bytes, start, end, opcode);
  if (wrapping === undefined) return undefined;
  return { opcode, keyId, session, wrapping, remoteSession: undefined, tls: false };
}

/**
 * The first control packet in the payload of a TCP segment, after its 16-bit big-endian length, which does not count itself; or undefined.
 * A packet that continues in the next segment is refused: a hard reset always fits in one. Never throws.
 */
export function openvpnOverTcp(bytes: Uint8Array, start: number, end: number): OpenvpnControl | undefined {
  if (end - start < 16) return undefined;
  const packetEnd = start + 2 + u16(bytes, start);
  return packetEnd > end ? undefined : openvpnControl(bytes, start + 2, packetEnd);
}

function isControl(opcode: number): boolean {
  return isReset(opcode) || opcode === CONTROL_V1 || opcode === ACK_V1 || opcode === CONTROL_WKC_V1;
}

function sessionText(bytes: Uint8Array, at: number): string {
  return (
    u32(bytes, at).toString(16).padStart(8, '0') +
    u32(bytes, at + 4)
      .toString(16)
      .padStart(8, '0')
  );
}

type OpenLayout = Pick<OpenvpnControl, 'wrapping' | 'remoteSession' | 'tls'>;

/** The layouts whose acknowledgements and packet id are readable: plain, or after an HMAC of one of the known lengths. */
function openLayout(bytes: Uint8Array, start: number, end: number, opcode: number): OpenLayout | undefined {
  const plain = reliability(bytes, start + SESSION_END, end, opcode);
  if (plain !== undefined) return { wrapping: 'plain', ...plain };
  for (const hmac of HMACS) {
    const replay = start + SESSION_END + hmac;
    if (replay + REPLAY >= end || !isReplayHeader(bytes, replay)) continue;
    const inner = reliability(bytes, replay + REPLAY, end, opcode);
    if (inner !== undefined) return { wrapping: 'tls-auth', ...inner };
  }
  return undefined;
}

/** Acknowledgement list, remote session and packet id from `at` on; undefined if they do not fit the opcode. */
function reliability(
  bytes: Uint8Array,
  at: number,
  end: number,
  opcode: number,
): Pick<OpenvpnControl, 'remoteSession' | 'tls'> | undefined {
  const acks = bytes[at] ?? 0;
  if (at >= end || acks > MAX_ACKS) return undefined;
  const acksEnd = at + 1 + 4 * acks;
  const remoteEnd = acks > 0 ? acksEnd + 8 : acksEnd;
  if (remoteEnd > end) return undefined;
  for (let ack = at + 1; ack < acksEnd; ack += 4) if (u32(bytes, ack) >= MAX_PACKET_ID) return undefined;
  if (acks > 0 && allZero(bytes, acksEnd, remoteEnd)) return undefined;
  const remoteSession = acks > 0 ? sessionText(bytes, acksEnd) : undefined;
  if (opcode === ACK_V1) return remoteEnd === end && acks > 0 ? { remoteSession, tls: false } : undefined;
  if (remoteEnd + 4 > end || u32(bytes, remoteEnd) >= MAX_PACKET_ID) return undefined;
  const payload = remoteEnd + 4;
  if (isReset(opcode)) {
    const first = u32(bytes, remoteEnd) === 0 && payload === end;
    // A client that begins a session has nothing to acknowledge; a server acknowledges at most the client's reset.
    return first && (isClientReset(opcode) ? acks === 0 : acks <= 1)
      ? { remoteSession, tls: false }
      : undefined;
  }
  const tls = bytes[payload] === 22 && bytes[payload + 1] === 3 && payload + 5 <= end;
  return tls ? { remoteSession, tls } : undefined;
}

function isReplayHeader(bytes: Uint8Array, at: number): boolean {
  const packetId = u32(bytes, at);
  const early = EARLY_NEGOTIATION.includes(packetId >>> 24) && (packetId & 0xfff0) === 0;
  const time = u32(bytes, at + 4);
  return (early || (packetId > 0 && packetId < MAX_PACKET_ID)) && time >= EARLIEST && time <= LATEST;
}

/** The encrypted layouts: after the session id come a packet id and time, a 32-octet tag, and ciphertext whose length fits the opcode. */
function cryptLayout(
  bytes: Uint8Array,
  start: number,
  end: number,
  opcode: number,
): OpenvpnWrapping | undefined {
  const replay = start + SESSION_END;
  const sealed = replay + REPLAY + TLS_CRYPT_TAG;
  if (sealed + 5 > end || !isReplayHeader(bytes, replay)) return undefined;
  const length = end - sealed;
  switch (opcode) {
    case HARD_RESET_CLIENT_V3:
    case CONTROL_WKC_V1: {
      // The wrapped client key ends with its own length, which counts itself (tag 32, key 256, metadata).
      const wrapped = u16(bytes, end - 2);
      const inside = wrapped >= 290 && wrapped + 5 <= length;
      return inside && (opcode === CONTROL_WKC_V1 || wrapped + 5 === length) ? 'tls-crypt-v2' : undefined;
    }
    case HARD_RESET_CLIENT_V2:
      return length === 5 ? 'tls-crypt' : undefined;
    case HARD_RESET_SERVER_V2:
      // Without an acknowledgement 5 octets; with one and the remote session id 17; servers of version 2.6 add 6 for early negotiation.
      return length === 5 || length === 17 || length === 23 ? 'tls-crypt' : undefined;
    case ACK_V1:
      return (length - 9) % 4 === 0 && length <= 9 + 4 * MAX_ACKS ? 'tls-crypt' : undefined;
    case CONTROL_V1:
      return length > 5 ? 'tls-crypt' : undefined;
    default:
      return undefined;
  }
}
