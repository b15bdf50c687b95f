// Finds the end of an HTTP/1 message's body, by its length or its chunks, also when the body comes in pieces.
// RFC 9112 section 6 (length) and section 7.1 (chunks, trailers). Lines of chunk sizes and trailers are limited in length.

import { printable } from '../octets.ts';

const LONGEST_SIZE_LINE = 256;
const LONGEST_TRAILER_LINE = 8192;
const LF = 0x0a;
const CR = 0x0d;
/** Octets of the line end after a chunk's data. */
const LINE_END = 2;

/** The state of one body (RFC 9112 sections 6 and 7.1) that is skipped piece by piece. Nothing in it throws. */
export class HttpBody {
  #stage: 'none' | 'data' | 'size' | 'chunk' | 'trailer' = 'none';
  #left = 0;

  /** Begins a body. `length` is in octets (0: no body), -1 for chunks. */
  begin(length: number): void {
    this.#left = length;
    this.#stage = length < 0 ? 'size' : length > 0 ? 'data' : 'none';
  }

  /** Forgets the body. */
  reset(): void {
    this.#stage = 'none';
  }

  /** Whether the body continues. */
  get isOpen(): boolean {
    return this.#stage !== 'none';
  }

  /**
   * Takes the next octets of the stream and returns the offset in `bytes` after those that belong to the body; `start` when there is no
   * body. An incomplete line is not consumed: call again with it and what follows. Invalid chunks, and lines above 256 octets (sizes) or 8
   * KiB (trailers), end the body.
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

/** The hexadecimal number at the beginning of a line, with extensions ignored; -1 when there is none. */
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
