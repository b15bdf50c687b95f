// The interface of capture parsers (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).

/**
 * Receives packets, in the file's order. The captured octets are those of `bytes` from `start` to before `end`; they may be overwritten
 * once `packet` returns. `wireLength` is the frame's length in octets before the capture cut it, as the file claims it; `linkType` is from
 * the tcpdump.org registry; `timeMicros` is in microseconds since the epoch, with a fraction where the file has nanoseconds.
 */
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

/** Why a capture could not be read to its end, in words for people; the packets before remain valid. `limit`: it is too large. */
export interface CaptureFault {
  readonly code: 'damaged' | 'truncated' | 'unknown-format' | 'limit';
  readonly message: string;
}

/** Reads records from pieces of a capture, which the caller puts into one buffer. Nothing in it throws: `fault` says what is wrong. */
export interface CaptureParser {
  readonly format: 'pcap' | 'pcapng';
  /** Set when nothing more can be read. */
  readonly fault: CaptureFault | undefined;
  /** The link types found in the capture so far. */
  readonly linkTypes: ReadonlySet<number>;
  /** How many packets had to be skipped: they name no known interface, or do not fit their block. */
  readonly passedOver: number;
  /** At the offset that `push` returned another capture begins (concatenated files), which needs a new parser. */
  readonly isBehind: boolean;
  /** Octets, counted from the offset that `push` returned, that are needed before another record can be read. */
  readonly wanted: number;
  /**
   * Passes the packets in whole records of `bytes[start, end)` to the sink; returns the offset in `bytes` of the first incomplete record,
   * from which the next call must begin. At a fault that is the offset of the faulty record.
   */
  push(bytes: Uint8Array, start: number, end: number, sink: PacketSink): number;
}
