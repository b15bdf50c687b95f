// Knows: what a client says in HTTP/2 that is not encrypted: whom its requests are for, and questions that they carry.
// Must not know: streams of TCP, flows, policy. Follows RFC 9113 sections 3.4 (preface), 4.1 (frames), 6.1, 6.2, 6.10 and 8.3, RFC 8484.
// Bounded: a header block, a question and the streams that carry one.

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
/** A frame may be longer only where the server says so (SETTINGS_MAX_FRAME_SIZE); headers are not. */
const LONGEST_HEADERS = 32_768;
/** Fields of one sort that are told of a request that repeats them. */
const MOST_REPEATED = 8;
const LONGEST_BLOCK = 65_536;
const LONGEST_QUESTION = 4_096;
const MOST_QUESTIONS = 32;
const LONGEST_HOST = 512;
const LONGEST_PATH = 2_048;

/** What a client's frames tell, one by one. */
export interface Http2Told {
  /** Whom a request is for: its authority, which beats any Host (RFC 9113 section 8.3.1), then what else it says. */
  hosts(names: readonly string[]): void;
  /** Hosts of the pages that a request says it comes from. */
  pages(hosts: readonly string[]): void;
  /** A DNS message. */
  question(bytes: Uint8Array): void;
}

/** `need-more` when the octets are the beginning of the preface and no more. */
export function http2Preface(bytes: Uint8Array, start: number, end: number): boolean | 'need-more' {
  const length = Math.min(PREFACE.length, end - start);
  if (length < 4 || bytes[start] !== 0x50 || !startsWith(bytes, start, end, PREFACE.slice(0, length)))
    return false;
  return length === PREFACE.length ? true : 'need-more';
}

export const HTTP2_PREFACE_LENGTH = PREFACE.length;

/** Reads the frames of one client, piece by piece. */
export class Http2Reader {
  readonly #hpack = new HpackReader();
  /** Octets of a frame that says nothing which are still to come. */
  #skip = 0;
  #block: Uint8Array[] = [];
  #blockLength = 0;
  /** By stream, what has come of a DNS message. */
  readonly #questions = new Map<number, { readonly pieces: Uint8Array[]; length: number }>();
  /** The frames are not what they should be: nothing more is read. */
  broken = false;

  /** Gives the offset behind what was read; an incomplete frame that is wanted is left. */
  read(bytes: Uint8Array, start: number, end: number, told: Http2Told): number {
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
      if (isHeaders) this.#headers(bytes, payload, payload + length, type, flags, stream, told);
      else this.#data(bytes, payload, payload + length, flags, stream, told);
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
    told: Http2Told,
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
      this.#read(bytes, from, to, (flags & END_STREAM) !== 0 ? -1 : stream, told);
      return;
    }
    this.#block.push(bytes.slice(from, to));
    // One more than nothing, so that an empty beginning counts too.
    this.#blockLength += to - from + 1;
    if (this.#blockLength > LONGEST_BLOCK) {
      this.broken = true;
      return;
    }
    if (!isLast) return;
    const whole = joined(this.#block);
    this.#block = [];
    this.#blockLength = 0;
    this.#read(whole, 0, whole.length, stream, told);
  }

  /** `stream` is -1 where no body follows. */
  #read(bytes: Uint8Array, start: number, end: number, stream: number, told: Http2Told): void {
    const found = { path: '', carriesDns: false };
    const [authorities, hosts, pages] = [new Said(), new Said(), new Said()];
    const isWhole = this.#hpack.read(bytes, start, end, ({ name, value }: HeaderField) => {
      if (isName(name, ':authority')) authorities.note(() => [hostOf(value)]);
      else if (isName(name, 'host')) hosts.note(() => [hostOf(value)]);
      else if (found.path === '' && isName(name, ':path'))
        found.path = printable(value, 0, Math.min(value.length, LONGEST_PATH));
      else if (isName(name, 'referer') || isName(name, 'origin'))
        pages.note(() => pageHost(nameText(value, 0, Math.min(value.length, LONGEST_HOST))));
      else if (isName(name, 'content-type'))
        found.carriesDns = startsWith(value, 0, value.length, 'application/dns-message');
    });
    const { path, carriesDns } = found;
    this.broken = !isWhole;
    const named = new Set([...authorities.names, ...hosts.names]);
    if (named.size > 0) told.hosts([...named]);
    if (pages.names.size > 0) told.pages([...pages.names]);
    const question = path.includes(DOH_QUERY) ? dohQuestion(path) : undefined;
    if (question !== undefined) told.question(question);
    if (carriesDns && stream >= 0 && this.#questions.size < MOST_QUESTIONS)
      this.#questions.set(stream, { pieces: [], length: 0 });
  }

  #data(bytes: Uint8Array, start: number, end: number, flags: number, stream: number, told: Http2Told): void {
    const [from, to] = unpadded(bytes, start, end, flags);
    const question = this.#questions.get(stream);
    if (question === undefined || from > to) return;
    if (to > from) question.pieces.push(bytes.slice(from, to));
    question.length += to - from;
    const isLast = (flags & END_STREAM) !== 0;
    if (isLast || question.length > LONGEST_QUESTION) this.#questions.delete(stream);
    if (isLast && question.length <= LONGEST_QUESTION) told.question(joined(question.pieces));
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

/** What a request may say once; of what it repeats the first few times are read. */
class Said {
  readonly names = new Set<string>();
  #times = 0;

  note(read: () => readonly string[]): void {
    this.#times += 1;
    for (const name of this.#times <= MOST_REPEATED ? read() : []) if (name !== '') this.names.add(name);
  }
}

function isName(name: Uint8Array, text: string): boolean {
  return name.length === text.length && startsWith(name, 0, name.length, text);
}

function hostOf(value: Uint8Array): string {
  const text = nameText(value, 0, Math.min(value.length, LONGEST_HOST)).trim();
  return withoutPort(text.slice(text.lastIndexOf('@') + 1));
}
