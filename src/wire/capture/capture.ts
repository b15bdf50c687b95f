// Knows: what a capture parser is. Must not know: which ones there are, files, gzip, frames.
// Follows draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

/** Where packets go; the bytes may be overwritten when `packet` returns. Time in microseconds since the epoch. */
export interface PacketSink {
  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    wireLength: number,
    linkType: number,
    timeMicros: number,
  ): void;
}

/** What is wrong with a capture, in words; what was read before it stands. `limit`: it is larger than anybody's is. */
export interface CaptureFault {
  readonly code: 'damaged' | 'truncated' | 'unknown-format' | 'limit';
  readonly message: string;
}

/** Reads records from pieces of a capture that the caller lays into one buffer. */
export interface CaptureParser {
  readonly format: 'pcap' | 'pcapng';
  /** Set when nothing more can be read. */
  readonly fault: CaptureFault | undefined;
  /** The link types that the capture has named so far. */
  readonly linkTypes: ReadonlySet<number>;
  /** Packets that the capture holds and that could not be handed out: they name no interface, or do not fit their block. */
  readonly passedOver: number;
  /** At the offset that `push` gave another capture begins (files that were glued together): it wants a parser of its own. */
  readonly isBehind: boolean;
  /** Bytes from the record at the returned offset on that must be there before another record can be read. */
  readonly wanted: number;
  /** Hands whole records of `bytes[start, end)` to the sink; gives the offset of the first incomplete one. */
  push(bytes: Uint8Array, start: number, end: number, sink: PacketSink): number;
}
