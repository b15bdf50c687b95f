// Knows: the shape of what a person is told about one captured frame. Must not know: how it was read, how it is shown.

import { VIAS } from '../kinds.ts';

/** What one thing read from a frame is; a name is told by what carried it. */
export const READINGS = [
  ...VIAS,
  ...(['kind', 'malformed', 'source-mac', 'destination-mac', 'source', 'destination'] as const),
  ...(['source-port', 'destination-port', 'target', 'host-name', 'account', 'vendor'] as const),
  ...(['client-id', 'options', 'previous-address', 'group', 'recognised', 'server', 'offered'] as const),
  ...(['router', 'route', 'resolver', 'portal', 'redirect'] as const),
] as const;

export type ReadingWhat = (typeof READINGS)[number];

/** Bytes of a frame, from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Reading {
  readonly what: ReadingWhat;
  readonly value: string;
  /** Where exactly this stands in the frame. Empty: it does not stand there as such, or is no field. */
  readonly marks: readonly ByteRange[];
}

export const DNS_SECTIONS = ['question', 'answer', 'authority', 'additional'] as const;

/** A question or a record of a DNS message. */
export interface DnsEntry {
  readonly section: (typeof DNS_SECTIONS)[number];
  readonly name: string;
  readonly type: string;
  /** Class, seconds to live and data, as zone files write them (RFC 1035 section 5.1). */
  readonly rest: string;
}

/** What a library that knows nothing of ours reads. `cut`: the message goes on behind the bytes that are here. */
export interface DnsReading {
  readonly state: 'whole' | 'cut' | 'malformed';
  /** Of a whole message: what it is, its code, number and flags. */
  readonly head: string;
  readonly entries: readonly DnsEntry[];
  /** Entries left out. */
  readonly more: number;
  /** Bytes behind the message. */
  readonly behind: number;
}

export interface FrameReading {
  readonly readings: readonly Reading[];
  /** Readings left out. */
  readonly more: number;
  /** Null: the frame carries no DNS message. */
  readonly dns: DnsReading | null;
}
