// The shape of what people are shown about one captured frame.

import { VIAS } from '../kinds.ts';

/** What a reading is about; for a name, the protocol in which it was found. */
export const READINGS = [
  ...VIAS,
  ...(['kind', 'malformed', 'source-mac', 'destination-mac', 'source', 'destination'] as const),
  ...(['source-port', 'destination-port', 'target', 'host-name', 'account', 'vendor'] as const),
  ...(['client-id', 'options', 'previous-address', 'group', 'recognised', 'server', 'offered'] as const),
  ...(['router', 'route', 'resolver', 'portal', 'redirect'] as const),
] as const;

export type ReadingWhat = (typeof READINGS)[number];

/** Octets of a frame, from `start` to before `end`, counted from 0 at its first captured octet. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One thing that was read from a frame. */
export interface Reading {
  readonly what: ReadingWhat;
  /** A text for people, cut to 280 characters: a MAC address in lower case with colons, an IP address, a decimal port, a name. */
  readonly value: string;
  /** Where exactly the value is in the frame; empty if it is not there literally. */
  readonly marks: readonly ByteRange[];
}

/** The sections of a DNS message, in its order (RFC 1035 section 4.1). */
export const DNS_SECTIONS = ['question', 'answer', 'authority', 'additional'] as const;

/** A question or a record of a DNS message. */
export interface DnsEntry {
  readonly section: (typeof DNS_SECTIONS)[number];
  /** As the library writes it, a space as `\032`, in the case of the message. */
  readonly name: string;
  /** A mnemonic such as `A`, or `TYPE` and a number (RFC 3597 section 5). */
  readonly type: string;
  /** Of a question the class, of a record TTL in seconds, class and data, as in zone files (RFC 1035 section 5.1). */
  readonly rest: string;
}

/** What an independent DNS library reads. `cut`: the message is longer than the octets that are here. */
export interface DnsReading {
  readonly state: 'whole' | 'cut' | 'malformed';
  /** Of a whole message: query or response, opcode, result code, ID and flags. */
  readonly head: string;
  readonly entries: readonly DnsEntry[];
  /** Entries left out. */
  readonly more: number;
  /** Octets after the message. */
  readonly behind: number;
}

/** Everything that is shown about a frame. */
export interface FrameReading {
  readonly readings: readonly Reading[];
  /** Readings left out. */
  readonly more: number;
  /** Null if the frame has no DNS message. */
  readonly dns: DnsReading | null;
}
