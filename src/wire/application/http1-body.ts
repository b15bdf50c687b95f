// Knows: where the body of an HTTP/1 message ends, by its length or by its chunks, also when it comes in pieces. Must not know:
// heads, streams, flows, policy. Follows RFC 9112 section 6 (length) and section 7.1 (chunks, trailers). Bounded by its lines.

import { printable } from '../octets.ts';

const LONGEST_SIZE_LINE = 256;
const LONGEST_TRAILER_LINE = 8192;
const LF = 0x0a;
const CR = 0x0d;
/** Line end behind a chunk's data. */
const LINE_END = 2;

/** One body, passed over piece by piece. A body without a length (0) has no octets. */
export class HttpBody {
  #stage: 'none' | 'data' | 'size' | 'chunk' | 'trailer' = 'none';
  #left = 0;

  /** `length` is in octets, -1 for chunks. */
  begin(length: number): void {
    this.#left = length;
    this.#stage = length < 0 ? 'size' : length > 0 ? 'data' : 'none';
  }

  reset(): void {
    this.#stage = 'none';
  }

  /** Octets of it are still to come. */
  get isOpen(): boolean {
    return this.#stage !== 'none';
  }

  /**
   * The offset behind what belongs to the body in the next octets. A line that is cut off is left: it has to be given again
   * with what follows. Where chunks do not add up the body ends: what follows is read like anything else.
   */
  pass(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#stage !== 'none') {
      if (this.#stage === 'data' || this.#stage === 'chunk') {
        const here = Math.min(this.#left, end - at);
        at += here;
        this.#left -= here;
        if (this.#left === 0) this.#stage = this.#stage === 'data' ? 'none' : 'size';
        continue;
      }
      const longest = this.#stage === 'size' ? LONGEST_SIZE_LINE : LONGEST_TRAILER_LINE;
      const feed = lineFeed(bytes, at, Math.min(end, at + longest));
      if (feed < 0) {
        if (end - at < longest) return at;
        this.#stage = 'none';
        return at;
      }
      if (this.#stage === 'trailer') {
        const isEmpty = feed === at || (feed === at + 1 && bytes[at] === CR);
        if (isEmpty) this.#stage = 'none';
        at = feed + 1;
        continue;
      }
      const size = chunkSize(bytes, at, feed);
      if (size < 0) {
        this.#stage = 'none';
        return at;
      }
      at = feed + 1;
      // The last chunk is empty; trailer fields or the empty line follow.
      this.#stage = size === 0 ? 'trailer' : 'chunk';
      this.#left = size + LINE_END;
    }
    return at;
  }
}

/** The hexadecimal number that a line begins with, extensions behind it ignored; -1 when there is none. */
function chunkSize(bytes: Uint8Array, start: number, end: number): number {
  const digits = /^[ \t]*(?:0x)?0*([0-9a-f]{0,12})[ \t]*(?:\\013)?(?:;.*)?$/i.exec(
    printable(bytes, start, end),
  );
  if (digits === null) return -1;
  const [, text = ''] = digits;
  if (text === '' && !printable(bytes, start, end).includes('0')) return -1;
  return text === '' ? 0 : parseInt(text, 16);
}

function lineFeed(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) if (bytes[at] === LF) return at;
  return -1;
}
