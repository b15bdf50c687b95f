// Finds the socket of this machine that a frame came from, in the kernel's socket tables (proc_net(5)), and how certain that is. In doubt
// it names no process: a wrong name would accuse an innocent program.

import type { ParsedPacket } from '../../flow/parsed-packet.ts';
import { MAPPED_PREFIX, ipv4Words, sameAddress } from '../../wire/ip/address.ts';
import { Protocol } from '../../wire/ip/ip.ts';

/** `high`: the same connection; `medium`: the same port, bound to any address; `low`: only the same protocol, or several sockets fit. */
type Confidence = 'high' | 'medium' | 'low';

/**
 * One line of /proc/net/{tcp,udp,icmp,raw}{,6}: IP protocol number, addresses as in ParsedPacket (four 32-bit words), ports in host order;
 * all zero for an end that is not bound or connected.
 */
export interface Socket {
  readonly protocol: number;
  readonly ipVersion: 4 | 6;
  readonly local: Uint32Array;
  readonly localPort: number;
  readonly remote: Uint32Array;
  readonly remotePort: number;
  readonly inode: number;
}

/** Table name → IP protocol; -1: the table has the protocol in place of a port (raw sockets). */
export const SOCKET_TABLES: Readonly<Record<string, number>> = {
  tcp: Protocol.TCP,
  tcp6: Protocol.TCP,
  udp: Protocol.UDP,
  udp6: Protocol.UDP,
  icmp: Protocol.ICMP,
  icmp6: Protocol.ICMPV6,
  raw: -1,
  raw6: -1,
};

const LINE =
  /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) (?:\S+ +){6}(\d+)/;

/**
 * The sockets of one table (`tcp6`) from its text; lines that are none, and sockets that no process holds (inode 0), are skipped, and an
 * unknown table has none. The kernel prints address words in the machine's byte order (proc_net(5)). Does not throw.
 */
export function readSocketTable(table: string, text: string, littleEndian: boolean): Socket[] {
  const protocol = SOCKET_TABLES[table];
  if (protocol === undefined) return [];
  return text.split('\n').flatMap((line) => {
    const [, local = '', localPort = '', remote = '', remotePort = '', inode = ''] = LINE.exec(line) ?? [];
    if (inode === '' || inode === '0') return [];
    const words = wordsOf(local, littleEndian);
    // A dual-stack socket that speaks IPv4 (RFC 4291 section 2.5.5.2).
    const mapped = words[0] === 0 && words[1] === 0 && words[2] === MAPPED_PREFIX;
    const port = Number.parseInt(localPort, 16);
    return [
      {
        protocol: protocol < 0 ? port : protocol,
        ipVersion: mapped ? (4 as const) : (6 as const),
        local: words,
        localPort: protocol < 0 ? 0 : port,
        remote: wordsOf(remote, littleEndian),
        remotePort: Number.parseInt(remotePort, 16),
        inode: Number(inode),
      },
    ];
  });
}

function wordsOf(hex: string, littleEndian: boolean): Uint32Array {
  const words = (hex.match(/.{8}/g) ?? []).map((printed) => {
    const bytes = printed.match(/../g) ?? [];
    return Number.parseInt((littleEndian ? bytes.reverse() : bytes).join(''), 16);
  });
  return words.length === 1 ? ipv4Words(words[0] ?? 0) : Uint32Array.from(words);
}

/** Where a frame came from. */
export interface Origin {
  /** Inodes of the best-fitting sockets, which all fit equally well. */
  readonly inodes: readonly number[];
  readonly confidence: Confidence;
}

/** The sockets that may have sent the frame; undefined when none fits, for frames without IP and for later fragments. */
export function originOf(packet: ParsedPacket, sockets: readonly Socket[]): Origin | undefined {
  if (packet.ipVersion === 0 || packet.fragmentOffset > 0) return undefined;
  let best: Socket[] = [];
  let score = 0;
  for (const socket of sockets) {
    const fit = fitOf(packet, socket);
    if (fit === 0 || fit < score) continue;
    if (fit > score) best = [];
    score = fit;
    best.push(socket);
  }
  if (best.length === 0) return undefined;
  const confidence = best.length > 1 || score === 1 ? 'low' : score === 2 ? 'medium' : 'high';
  return { inodes: best.map(({ inode }) => inode), confidence };
}

/** How well a socket fits. 3: this connection, or bound to this address; 2: this port on any address; 1: only this protocol; 0: not at all. */
function fitOf(packet: ParsedPacket, socket: Socket): 0 | 1 | 2 | 3 {
  if (socket.protocol !== packet.protocol) return 0;
  const dual = socket.ipVersion === 6 && isNone(socket.local) && isNone(socket.remote);
  if (socket.ipVersion !== packet.ipVersion && !dual) return 0;
  const bound = sameAddress(socket.local, packet.source);
  if (!bound && !isNone(socket.local)) return 0;
  const connected = !isNone(socket.remote);
  if (connected && !sameAddress(socket.remote, packet.destination)) return 0;
  if (packet.protocol !== Protocol.TCP && packet.protocol !== Protocol.UDP) return connected ? 2 : 1;
  if (socket.localPort !== packet.sourcePort) return 0;
  if (connected && socket.remotePort !== packet.destinationPort) return 0;
  return bound ? 3 : 2;
}

function isNone([w0, w1, w2, w3]: Uint32Array): boolean {
  return w0 === 0 && w1 === 0 && (w2 === 0 || w2 === MAPPED_PREFIX) && w3 === 0;
}

/** The process of this machine that a leak is attributed to, or why there is none (`pid` null, `name` ''). */
export interface Attribution {
  readonly pid: number | null;
  /** The kernel's short name of the process (comm), or ''. */
  readonly name: string;
  readonly confidence: Confidence | 'none';
  /** Half a sentence for people. */
  readonly why: string;
}

const WHY: Readonly<Record<Confidence, string>> = {
  high: 'its socket has this connection',
  medium: 'its socket has this port, on any address',
  low: 'its socket uses this protocol, but other sockets may too',
};

/**
 * The attribution of a frame whose sockets these processes hold; with several of them the first is named, with low confidence. Without an
 * origin or a process, nobody's, with the reason.
 */
export function attribute(
  origin: Origin | undefined,
  holders: readonly { readonly pid: number; readonly name: string }[],
): Attribution {
  const [first] = holders;
  if (origin === undefined)
    return nobody('no socket of this machine fits: it was closed before it could be looked up');
  if (first === undefined) return nobody('none of the processes that may be inspected holds its socket');
  if (holders.length === 1)
    return { pid: first.pid, name: first.name, confidence: origin.confidence, why: WHY[origin.confidence] };
  const others = `${holders.length - 1} more process${holders.length === 2 ? '' : 'es'}`;
  return { pid: first.pid, name: first.name, confidence: 'low', why: `it shares the socket with ${others}` };
}

/** An attribution to no process, with the reason. */
export function nobody(why: string): Attribution {
  return { pid: null, name: '', confidence: 'none', why };
}
