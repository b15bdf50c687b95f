// Puts the segments of one TCP direction in order. RFC 9293 section 3.4 (sequence arithmetic). Bounded per stream and, by a shared
// budget, over all streams: what does not fit is dropped and counted, so the flow keeps its kind: unknown, which is a leak.
// A reader that needs more, until a head or a hello is complete, is given the unread octets again with each segment. It can keep its
// progress in `memo`, so that it need not read them all again.

/** Out-of-order segments that one direction may keep; more means that a segment is lost for good. */
const MAX_HELD = 32;
/** Unread octets that one direction may keep; a ClientHello with post-quantum key shares and padding is much smaller. */
const MAX_UNREAD = 65_536;

/** The octets that streams with the same budget may keep together. */
export class StreamBudget {
  /** In octets, as is `used`. */
  readonly limit: number;
  used = 0;
  /** How often something was dropped for lack of room. */
  refused = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Takes so many octets of the budget; false, and counted, if there are not enough. Who gives octets back subtracts them from `used`.
   */
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

/** One direction of a TCP connection. */
export class Stream {
  readonly #budget: StreamBudget;
  #next = -1;
  #fresh = false;
  #held: Held[] = [];
  /** The unread octets are `#buffer[#from, #to)`; the buffer may have room after them. */
  #buffer: Uint8Array = NOTHING;
  #from = 0;
  #to = 0;
  /** The octets that can be read now are `bytes[start, end)`; valid until the next call. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** The reader's progress in the unread octets, from `start` on; cleared together with them. */
  memo: object | undefined = undefined;
  /** The readable octets are the first after the SYN of this direction. */
  first = false;
  /** There is a gap between the readable octets and those that were read before. */
  broken = false;

  constructor(budget: StreamBudget) {
    this.#budget = budget;
  }

  /** Notes a SYN's sequence number (RFC 9293 section 3.4), in which the SYN counts as one octet; does nothing once the stream has begun. */
  synchronise(sequence: number): void {
    if (this.#next >= 0) return;
    this.#next = (sequence + 1) >>> 0;
    this.#fresh = true;
  }

  /**
   * Takes a segment's payload `bytes[start, end)`, whose first octet has this sequence number (unsigned 32 bits, RFC 9293 section 3.4);
   * true if there is something new to read. Octets that were shown before are left out; a segment after a gap is copied and kept. Never
   * throws.
   */
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

  /** Makes the next kept segment readable if it joins what was read. After each reading, call this until it returns false. */
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

  /** Gives up what is missing and continues after the gap; false if no later segment is kept. */
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

  /** Continues at `sequence`, unless that lies behind; unread octets are dropped. */
  jump(sequence: number): void {
    this.#forget();
    if (((sequence - this.#next) | 0) > 0) this.#next = sequence;
  }

  /**
   * Whether the other side has acknowledged octets that are missing here (RFC 9293 section 3.4): they were lost by the capture and not on
   * the wire. False if no segment is kept.
   */
  isMissing(acknowledgment: number): boolean {
    if (this.#held.length === 0) return false;
    return this.#held.every((held) => ((acknowledgment - held.sequence) | 0) > 0);
  }

  /**
   * Keeps copies of the unread octets of `this.bytes` from `at` on, to be read again together with the next ones; all are dropped, and
   * counted, if they are more than 64 KiB.
   */
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

  /** Frees everything that is kept; the stream begins again. */
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

  /** Makes the next octets readable, after the unread ones. */
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
      // No room to keep all of it: it is readable once, and what then stays unread is dropped.
      const joined = new Uint8Array(unread + length);
      joined.set(this.#buffer.subarray(this.#from, this.#to));
      joined.set(bytes.subarray(start, end), unread);
      this.#forget();
      [this.bytes, this.start, this.end] = [joined, 0, joined.length];
    }
  }

  /** Appends octets to the unread ones; false if the budget has no room for them. */
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
    // A segment may be sent again with more data (RFC 9293 section 3.8.1): the longer one is kept.
    if (known >= end - start || (same < 0 && this.#held.length >= MAX_HELD)) return;
    if (!this.#budget.take(end - start - known)) return;
    const held = { sequence, bytes: bytes.slice(start, end) };
    if (same < 0) this.#held.push(held);
    else this.#held[same] = held;
  }
}
