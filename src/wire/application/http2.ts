// What an HTTP/2 client says without TLS: the hosts of its requests, and DNS questions in them. The sizes of header blocks and questions,
// and the number of streams with a question, are limited. RFC 9113 sections 3.4 (preface), 4.1 (frames), 6.1, 6.2, 6.10 and 8.3, RFC 8484.

import { DOH_QUERY, dohQuestion } from '../names/doh.ts';
import { HpackReader } from './hpack.ts';
import type { HeaderField } from './hpack.ts';
import { pageHost, withoutPort } from './http1.ts';
import { nameText } from '../names/name-text.ts';
import { printable, startsWith, u24, u32 } from '../octets.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEADER = 9;
const DATA = 0;
const HEADERS = 1;
const CONTINUATION = 9;
const END_STREAM = 0x01;
const END_HEADERS = 0x04;
const PADDED = 0x08;
const PRIORITY = 0x20;
/** Longer frames are possible only where the server allows them (SETTINGS_MAX_FRAME_SIZE); real headers are shorter. */
const LONGEST_HEADERS = 32_768;
/** How many fields of the same name are read in one request. */
const MAX_REPEATED = 8;
const LONGEST_BLOCK = 65_536;
const LONGEST_QUESTION = 4_096;
const MAX_QUESTIONS = 32;
const LONGEST_HOST = 512;
const LONGEST_PATH = 2_048;

/** Receives what a client's frames say, in order. Hosts are as `nameText` writes them, without port and trailing dot, never ''. */
export interface Http2Sink {
  /** The hosts of a request: first its authority, which takes precedence over Host (RFC 9113 section 8.3.1), then the others. */
  hosts(names: readonly string[]): void;
  /** Hosts of the pages in a request's Referer and Origin fields. */
  pages(hosts: readonly string[]): void;
  /** A DNS message in a request (RFC 8484), at most 4096 octets; the octets are a copy. */
  question(bytes: Uint8Array): void;
}

/**
 * Whether the octets begin with the client's preface (RFC 9113 section 3.4); `need-more` when they are no more than its beginning, of at
 * least four octets. False for fewer; never throws.
 */
export function http2Preface(bytes: Uint8Array, start: number, end: number): boolean | 'need-more' {
  const length = Math.min(PREFACE.length, end - start);
  if (length < 4 || bytes[start] !== 0x50 || !startsWith(bytes, start, end, PREFACE.slice(0, length)))
    return false;
  return length === PREFACE.length ? true : 'need-more';
}

/** The preface's length in octets, 24 (RFC 9113 section 3.4). */
export const HTTP2_PREFACE_LENGTH = PREFACE.length;

/** Reads the frames (RFC 9113 section 4.1) of one client, piece by piece, from after the preface. */
export class Http2Reader {
  readonly #hpack = new HpackReader();
  /** Remaining octets of a frame that is skipped. */
  #skip = 0;
  #block: Uint8Array[] = [];
  #blockLength = 0;
  /** By stream number, the pieces of an incomplete DNS message. */
  readonly #questions = new Map<number, { readonly pieces: Uint8Array[]; length: number }>();
  /** The frames were invalid: nothing more is read. */
  broken = false;

  /**
   * Reads frames and returns the offset in `bytes` after them, `end` once `broken`. An incomplete frame of interest, of at most 32 KiB, is
   * not consumed: call again with it and what follows. Never throws itself.
   */
  read(bytes: Uint8Array, start: number, end: number, sink: Http2Sink): number {
    let at = start;
    while (at < end && !this.broken) {
      if (this.#skip > 0) {
        const here = Math.min(this.#skip, end - at);
        this.#skip -= here;
        at += here;
        continue;
      }
      if (end - at < HEADER) return at;
      const length = u24(bytes, at);
      const type = bytes[at + 3] ?? 0;
      const stream = u32(bytes, at + 5) & 0x7fffffff;
      const isHeaders = type === HEADERS || (type === CONTINUATION && this.#blockLength > 0);
      const isWanted = isHeaders || (type === DATA && this.#questions.has(stream));
      if (!isWanted) {
        at += HEADER;
        this.#skip = length;
        continue;
      }
      if (length > LONGEST_HEADERS) {
        this.broken = true;
        break;
      }
      const payload = at + HEADER;
      if (payload + length > end) return at;
      const flags = bytes[at + 4] ?? 0;
      if (isHeaders) this.#headers(bytes, payload, payload + length, type, flags, stream, sink);
      else this.#data(bytes, payload, payload + length, flags, stream, sink);
      at = payload + length;
    }
    return this.broken ? end : at;
  }

  #headers(
    bytes: Uint8Array,
    start: number,
    end: number,
    type: number,
    flags: number,
    stream: number,
    sink: Http2Sink,
  ): void {
    let [from, to] = [start, end];
    if (type === HEADERS) {
      [from, to] = unpadded(bytes, start, end, flags);
      if ((flags & PRIORITY) !== 0) from += 5;
      this.#block = [];
      this.#blockLength = 0;
    }
    if (from > to) {
      this.broken = true;
      return;
    }
    const isLast = (flags & END_HEADERS) !== 0;
    if (isLast && this.#blockLength === 0) {
      this.#read(bytes, from, to, (flags & END_STREAM) !== 0 ? -1 : stream, sink);
      return;
    }
    this.#block.push(bytes.slice(from, to));
    // Plus 1, so that an empty first piece makes the length positive.
    this.#blockLength += to - from + 1;
    if (this.#blockLength > LONGEST_BLOCK) {
      this.broken = true;
      return;
    }
    if (!isLast) return;
    const whole = joined(this.#block);
    this.#block = [];
    this.#blockLength = 0;
    this.#read(whole, 0, whole.length, stream, sink);
  }

  /** Reads one whole header block; `stream` is -1 when no body follows. */
  #read(bytes: Uint8Array, start: number, end: number, stream: number, sink: Http2Sink): void {
    const found = { path: '', carriesDns: false };
    const [authorities, hosts, pages] = [new RepeatedField(), new RepeatedField(), new RepeatedField()];
    const isWhole = this.#hpack.read(bytes, start, end, ({ name, value }: HeaderField) => {
      if (isName(name, ':authority')) authorities.add(() => [hostOf(value)]);
      else if (isName(name, 'host')) hosts.add(() => [hostOf(value)]);
      else if (found.path === '' && isName(name, ':path'))
        found.path = printable(value, 0, Math.min(value.length, LONGEST_PATH));
      else if (isName(name, 'referer') || isName(name, 'origin'))
        pages.add(() => pageHost(nameText(value, 0, Math.min(value.length, LONGEST_HOST))));
      else if (isName(name, 'content-type'))
        found.carriesDns = startsWith(value, 0, value.length, 'application/dns-message');
    });
    const { path, carriesDns } = found;
    this.broken = !isWhole;
    const named = new Set([...authorities.names, ...hosts.names]);
    if (named.size > 0) sink.hosts([...named]);
    if (pages.names.size > 0) sink.pages([...pages.names]);
    const question = path.includes(DOH_QUERY) ? dohQuestion(path) : undefined;
    if (question !== undefined) sink.question(question);
    if (carriesDns && stream >= 0 && this.#questions.size < MAX_QUESTIONS)
      this.#questions.set(stream, { pieces: [], length: 0 });
  }

  #data(bytes: Uint8Array, start: number, end: number, flags: number, stream: number, sink: Http2Sink): void {
    const [from, to] = unpadded(bytes, start, end, flags);
    const question = this.#questions.get(stream);
    if (question === undefined || from > to) return;
    if (to > from) question.pieces.push(bytes.slice(from, to));
    question.length += to - from;
    const isLast = (flags & END_STREAM) !== 0;
    if (isLast || question.length > LONGEST_QUESTION) this.#questions.delete(stream);
    if (isLast && question.length <= LONGEST_QUESTION) sink.question(joined(question.pieces));
  }
}

function unpadded(bytes: Uint8Array, start: number, end: number, flags: number): [number, number] {
  return (flags & PADDED) === 0 ? [start, end] : [start + 1, end - (bytes[start] ?? 0)];
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The hosts in a field that should occur once; if it is repeated, the first MAX_REPEATED are read. */
class RepeatedField {
  readonly names = new Set<string>();
  #count = 0;

  add(read: () => readonly string[]): void {
    this.#count += 1;
    for (const name of this.#count <= MAX_REPEATED ? read() : []) if (name !== '') this.names.add(name);
  }
}

function isName(name: Uint8Array, text: string): boolean {
  return name.length === text.length && startsWith(name, 0, name.length, text);
}

function hostOf(value: Uint8Array): string {
  const text = nameText(value, 0, Math.min(value.length, LONGEST_HOST)).trim();
  return withoutPort(text.slice(text.lastIndexOf('@') + 1));
}
