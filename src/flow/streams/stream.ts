// Knows: how the bytes of one TCP direction come into order. Must not know: what they say, policy, clocks.
// Follows RFC 9293 section 3.4 (sequence arithmetic). Bounded per stream and, by a shared budget, over all streams:
// what does not fit is given up and counted, so the flow stays what it was: unknown, a leak.
// Who reads wants more until a head or a hello is whole: the unread bytes are shown again with each segment, and `memo` keeps what was made
// of them, so that nobody reads all of it again and again.

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
  /** Unread bytes are `#buffer[#from, #to)`; there is room behind them. */
  #buffer: Uint8Array = NOTHING;
  #from = 0;
  #to = 0;
  /** What can be read now: `bytes[start, end)`; valid until the next call. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** What the reader has made of the unread bytes, from `start` on; gone with them. */
  memo: object | undefined = undefined;
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
    if (at > this.start) {
      this.first = false;
      this.memo = undefined;
    }
    if (at >= this.end || this.end - at > MAX_UNREAD) {
      if (at < this.end) this.#budget.refused += 1;
      this.#forget();
    } else if (this.bytes === this.#buffer) {
      this.#budget.used -= at - this.#from;
      this.#from = at;
    } else if (this.#budget.take(this.end - at)) {
      this.#buffer = this.bytes.slice(at, this.end);
      [this.#from, this.#to] = [0, this.end - at];
    }
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

  get #unread(): number {
    return this.#to - this.#from;
  }

  #forget(): void {
    this.#budget.used -= this.#unread;
    this.#buffer = NOTHING;
    this.#from = this.#to = 0;
    this.memo = undefined;
  }

  /** Shows the next bytes behind the unread ones. */
  #show(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const unread = this.#unread;
    this.#next = (this.#next + length) >>> 0;
    this.first = this.#fresh || (this.first && unread > 0);
    this.#fresh = false;
    if (unread === 0) {
      this.memo = undefined;
      [this.bytes, this.start, this.end] = [bytes, start, end];
    } else if (this.#append(bytes, start, end)) {
      [this.bytes, this.start, this.end] = [this.#buffer, this.#from, this.#to];
    } else {
      // No room is left for all of it: it is shown once, and what is then unread is given up.
      const joined = new Uint8Array(unread + length);
      joined.set(this.#buffer.subarray(this.#from, this.#to));
      joined.set(bytes.subarray(start, end), unread);
      this.#forget();
      [this.bytes, this.start, this.end] = [joined, 0, joined.length];
    }
  }

  /** Puts bytes behind the unread ones; false when the budget has no room for them. */
  #append(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (!this.#budget.take(length)) return false;
    const unread = this.#unread;
    if (this.#to + length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * unread, unread + length));
      larger.set(this.#buffer.subarray(this.#from, this.#to));
      this.#buffer = larger;
      this.#from = 0;
      this.#to = unread;
    }
    this.#buffer.set(bytes.subarray(start, end), this.#to);
    this.#to += length;
    return true;
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
