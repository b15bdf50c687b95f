// Knows: how the bytes of one TCP direction come into order. Must not know: what they say, policy, clocks.
// Follows RFC 9293 section 3.4 (sequence arithmetic). Bounded per stream and, by a shared budget, over all streams:
// what does not fit is given up and counted, so the flow stays what it was: unknown, a leak.

/** Out-of-order segments of one direction; more means that something is lost for good. */
const MAX_HELD = 32;
/** Unread bytes one direction may keep: a ClientHello with post-quantum key shares and padding stays far below. */
const MAX_UNREAD = 65_536;

/** Bytes that all streams of a dissector hold together. */
export class StreamBudget {
  readonly limit: number;
  used = 0;
  /** Times something was given up for want of room. */
  refused = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(bytes: number): boolean {
    if (this.used + bytes > this.limit) {
      this.refused += 1;
      return false;
    }
    this.used += bytes;
    return true;
  }
}

interface Held {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);

export class Stream {
  readonly #budget: StreamBudget;
  #next = -1;
  #fresh = false;
  #held: Held[] = [];
  #unread: Uint8Array = NOTHING;
  /** What can be read now: `bytes[start, end)`; valid until the next call. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** The readable bytes are the first after the SYN of this direction. */
  first = false;
  /** The readable bytes do not join what was read before: something between is missing. */
  broken = false;

  constructor(budget: StreamBudget) {
    this.#budget = budget;
  }

  /** Notes a SYN: its sequence number counts one byte. */
  synchronise(sequence: number): void {
    if (this.#next >= 0) return;
    this.#next = (sequence + 1) >>> 0;
    this.#fresh = true;
  }

  /** Takes a segment; true when there is something new to read. */
  accept(sequence: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.broken = false;
    if (this.#next < 0) this.#next = sequence;
    const ahead = (sequence - this.#next) | 0;
    if (ahead > 0) {
      this.#hold(sequence, bytes, start, end);
      return this.#held.length >= MAX_HELD && this.skip();
    }
    const from = start - ahead;
    if (from >= end) return false;
    this.#show(bytes, from, end);
    return true;
  }

  /** The next held segment, when it joins what was read; call after reading until false. */
  advance(): boolean {
    this.broken = false;
    while (this.#held.length > 0) {
      const at = this.#held.findIndex((held) => ((held.sequence - this.#next) | 0) <= 0);
      const held = at < 0 ? undefined : this.#held.splice(at, 1)[0];
      if (held === undefined) return false;
      this.#budget.used -= held.bytes.length;
      const from = (this.#next - held.sequence) | 0;
      if (from >= held.bytes.length) continue;
      this.#show(held.bytes, from, held.bytes.length);
      return true;
    }
    return false;
  }

  /** Gives up what is missing and goes on behind the gap; false when nothing is held. */
  skip(): boolean {
    let first: Held | undefined;
    for (const held of this.#held) {
      if (first === undefined || ((held.sequence - first.sequence) | 0) < 0) first = held;
    }
    if (first === undefined) return false;
    this.#next = first.sequence;
    this.#forget();
    const more = this.advance();
    this.broken = true;
    return more;
  }

  /** Goes on at `sequence`; what was unread before it is given up. */
  jump(sequence: number): void {
    this.#forget();
    if (((sequence - this.#next) | 0) > 0) this.#next = sequence;
  }

  /** Whether the other side has acknowledged bytes that are missing here: the capture lost them, the wire did not. */
  isMissing(acknowledgment: number): boolean {
    if (this.#held.length === 0) return false;
    return this.#held.every((held) => ((acknowledgment - held.sequence) | 0) > 0);
  }

  /** Keeps what was not read, from `at` on, so that the next bytes are shown behind it; too much is given up. */
  keep(at: number): void {
    if (at > this.start) this.first = false;
    if (at >= this.end) {
      this.#forget();
      return;
    }
    const rest = this.bytes.slice(at, this.end);
    this.#forget();
    if (rest.length > MAX_UNREAD) this.#budget.refused += 1;
    else if (this.#budget.take(rest.length)) this.#unread = rest;
  }

  /** Gives back everything held; the stream starts anew. */
  release(): void {
    if (this.#next < 0) return;
    this.#forget();
    if (this.#held.length > 0) {
      for (const held of this.#held) this.#budget.used -= held.bytes.length;
      this.#held = [];
    }
    this.#next = -1;
    this.#fresh = false;
    this.bytes = NOTHING;
    this.start = this.end = 0;
  }

  #forget(): void {
    this.#budget.used -= this.#unread.length;
    this.#unread = NOTHING;
  }

  #show(bytes: Uint8Array, start: number, end: number): void {
    this.#next = (this.#next + end - start) >>> 0;
    this.first = this.#fresh || (this.first && this.#unread.length > 0);
    this.#fresh = false;
    if (this.#unread.length === 0) {
      this.bytes = bytes;
      this.start = start;
      this.end = end;
      return;
    }
    const joined = new Uint8Array(this.#unread.length + end - start);
    joined.set(this.#unread);
    joined.set(bytes.subarray(start, end), this.#unread.length);
    this.bytes = joined;
    this.start = 0;
    this.end = joined.length;
  }

  #hold(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    const same = this.#held.findIndex((held) => held.sequence === sequence);
    const known = this.#held[same]?.bytes.length ?? 0;
    // A segment may be sent again with more behind it (RFC 9293 section 3.8.1): the longer one stays.
    if (known >= end - start || (same < 0 && this.#held.length >= MAX_HELD)) return;
    if (!this.#budget.take(end - start - known)) return;
    const held = { sequence, bytes: bytes.slice(start, end) };
    if (same < 0) this.#held.push(held);
    else this.#held[same] = held;
  }
}
