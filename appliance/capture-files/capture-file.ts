// Reads captures from files and standard input in large chunks; the formats are parsed by src/wire/capture/capture.ts.
// One buffer is reused: it grows only for a record that is longer than the buffer.

import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { MAGIC_LENGTH, parserFor } from '../../src/wire/capture/capture-format.ts';
import type { CaptureFault, CaptureParser, PacketSink } from '../../src/wire/capture/capture.ts';
import { yieldToEventLoop } from '../os/event-loop.ts';
import { PACKING_MAGIC, packingAt, unpack, UnpackingError } from './unpacking.ts';

/** In bytes. Small enough to stay in the processor's cache while it is parsed: larger chunks and reading ahead both measured slower. */
const CHUNK = 262_144;
/** Bytes in front of a chunk for the incomplete record at the end of the previous chunk. */
const HEADROOM = 262_144;
/** Chunks between two turns of the event loop, during which signals and progress wait. */
const CHUNKS_PER_TURN = 128;

/** A capture that cannot be read at all; `code` is the system's (`ENOENT`, …) or `unknown-format`, `missing-program`, `unpacking` or `limit`. */
export class CaptureFileError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CaptureFileError';
    this.code = code;
  }
}

/** How a capture is read. */
export interface CaptureOptions {
  /** What is read for the path `-`; chunks of bytes, or of latin1 text. */
  readonly stdin: Readable;
  /** Stops reading at the next chunk; the result then has `aborted`. */
  readonly signal: AbortSignal;
  /** Called with the share of the file read so far, 0 to 1, or undefined when the size is unknown. */
  readonly onProgress?: (share: number | undefined) => void;
}

/** How the reading of a capture ended. */
export interface CaptureEnd {
  /** Why reading stopped before the end; undefined for a complete capture. */
  readonly fault: CaptureFault | undefined;
  /** Bytes of the file after that fault; undefined when the size is unknown. */
  readonly unreadBytes: number | undefined;
  /** Reading was stopped by `options.signal`. */
  readonly aborted: boolean;
  /** Number of packets in the capture that could not be passed to the sink. */
  readonly passedOver: number;
  /** The link types declared in the capture (LINKTYPE_ numbers of tcpdump.org), also those of which no packet came. */
  readonly linkTypes: ReadonlySet<number>;
}

/**
 * Passes every packet of a capture to the sink, in the order of the file: pcap or pcapng, one file or several concatenated, uncompressed or
 * compressed; path `-` is standard input. A truncated or damaged capture is read as far as possible, with `fault` set; this and an abort do
 * not reject. Rejects with CaptureFileError when nothing can be read, and with whatever the sink throws. Formats:
 * src/wire/capture/capture.ts.
 */
export async function readCapture(
  path: string,
  sink: PacketSink,
  options: CaptureOptions,
): Promise<CaptureEnd> {
  if (path === '-') return readStream(options.stdin, sink, options, undefined);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    return await readHandle(handle, sink, options);
  } catch (error) {
    throw systemError(path, error);
  } finally {
    await handle?.close();
  }
}

/** Wraps system errors, which have a code; any other error is a bug and is returned unchanged. */
function systemError(path: string, error: unknown): unknown {
  if (error instanceof CaptureFileError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  const words = code === 'ENOENT' ? 'no such file' : error.message;
  return new CaptureFileError(code, `${path}: ${words}`, error);
}

async function readHandle(
  handle: FileHandle,
  sink: PacketSink,
  options: CaptureOptions,
): Promise<CaptureEnd> {
  const status = await handle.stat();
  // A pipe or device may block, so it is read asynchronously to let signals through.
  if (!status.isFile()) return readStream(chunksOf(handle), sink, options, undefined);
  const feed = new Feed(sink);
  const area = Buffer.allocUnsafeSlow(HEADROOM + CHUNK);
  let kept = 0;
  let read = 0;
  for (let turn = 1; !options.signal.aborted; turn += 1) {
    const got = readSync(handle.fd, area, HEADROOM, CHUNK, null);
    if (got === 0) return feed.end(kept, status.size);
    const end = HEADROOM + got;
    if (read === 0 && packingAt(area, HEADROOM, end) !== undefined) {
      return readStream(chunksOf(handle, area.subarray(HEADROOM, end)), sink, options, status.size);
    }
    read += got;
    const rest = feed.parse(area, HEADROOM - kept, end);
    if (feed.fault !== undefined) return feed.end(0, status.size);
    kept = end - rest;
    if (kept > HEADROOM) {
      // A record longer than the headroom: from here on chunks are joined in Feed's buffer, which is slower.
      feed.take(area.subarray(rest, end));
      return readInto(feed, progressing(chunksOf(handle), options, status.size, read), options, status.size);
    }
    area.copyWithin(HEADROOM - kept, rest, end);
    if (turn % CHUNKS_PER_TURN === 0) {
      if (status.size > 0) options.onProgress?.(read / status.size);
      await yieldToEventLoop();
    }
  }
  return feed.aborted();
}

/** Yields `first`, which was read before, then the rest of the input. */
async function* chunksOf(handle: FileHandle, first?: Uint8Array): AsyncGenerator<Uint8Array> {
  if (first !== undefined) yield first;
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Passes the input through and reports progress. */
async function* progressing(
  input: AsyncIterable<unknown>,
  options: CaptureOptions,
  size: number | undefined,
  before = 0,
): AsyncGenerator<Uint8Array> {
  let read = before;
  let reported = before;
  for await (const piece of input) {
    const chunk = asBytes(piece);
    yield chunk;
    read += chunk.length;
    if (read - reported < CHUNKS_PER_TURN * CHUNK && size === undefined) continue;
    if (read - reported < CHUNK) continue;
    reported = read;
    options.onProgress?.(size === undefined || size === 0 ? undefined : read / size);
  }
}

/** Reads a stream; its magic number decides whether it is decompressed. */
async function readStream(
  input: AsyncIterable<unknown>,
  sink: PacketSink,
  options: CaptureOptions,
  size: number | undefined,
): Promise<CaptureEnd> {
  return readInto(new Feed(sink), unpacked(progressing(input, options, size)), options, undefined);
}

async function readInto(
  feed: Feed,
  chunks: AsyncIterable<Uint8Array>,
  options: CaptureOptions,
  size: number | undefined,
): Promise<CaptureEnd> {
  try {
    for await (const chunk of chunks) {
      if (options.signal.aborted) return feed.aborted();
      feed.take(chunk);
      if (feed.fault !== undefined) break;
    }
  } catch (error) {
    if (error instanceof UnpackingError && feed.started) return feed.broken(error);
    if (error instanceof UnpackingError) throw new CaptureFileError(error.code, error.message, error);
    throw systemError('input', error);
  }
  return feed.end(0, size);
}

async function* unpacked(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = input[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  // A pipe may deliver its first octets one at a time.
  while (head.length < PACKING_MAGIC) {
    const next = await source.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  if (head.length === 0) return;
  const packing = packingAt(head, 0, head.length);
  const rest = restOf(head, source);
  if (packing === undefined) yield* rest;
  else yield* unpack(packing, rest);
}

async function* restOf(head: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

function asBytes(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), 'latin1');
}

/** Passes chunks of bytes to the parser. The caller keeps the incomplete record at the end of a chunk (`parse`), or Feed does (`take`). */
class Feed {
  readonly #sink: PacketSink;
  #parser: CaptureParser | undefined = undefined;
  readonly #linkTypes = new Set<number>();
  /** Packets passed over in earlier captures of a concatenated file. */
  #passedOver = 0;
  #parsed = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  #filled = 0;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  get started(): boolean {
    return this.#parser !== undefined;
  }

  get fault(): CaptureFault | undefined {
    return this.#parser?.fault;
  }

  /** The result at the end of an input of `size` bytes; the caller holds `kept` incomplete bytes besides those held here. */
  end(kept: number, size: number | undefined): CaptureEnd {
    const fault = this.#finish(kept);
    const unreadBytes = fault === undefined || size === undefined ? undefined : size - this.#parsed;
    return { ...this.#counts(), fault, unreadBytes, aborted: false };
  }

  /** The result when reading was stopped. */
  aborted(): CaptureEnd {
    return { ...this.#counts(), fault: undefined, unreadBytes: undefined, aborted: true };
  }

  /** The result when the compressed data is truncated, damaged or too large. */
  broken({ code, message }: UnpackingError): CaptureEnd {
    const fault: CaptureFault =
      code === 'limit'
        ? { code: 'limit', message }
        : { code: 'truncated', message: `the compressed data is truncated or damaged: ${message}` };
    return { ...this.#counts(), fault, unreadBytes: undefined, aborted: false };
  }

  #counts(): Pick<CaptureEnd, 'linkTypes' | 'passedOver'> {
    this.#collectLinkTypes();
    return { linkTypes: this.#linkTypes, passedOver: this.#passedOver + (this.#parser?.passedOver ?? 0) };
  }

  #collectLinkTypes(): void {
    for (const linkType of this.#parser?.linkTypes ?? []) this.#linkTypes.add(linkType);
  }

  /** Parses `bytes[start, end)`; returns the offset of the incomplete record at its end. */
  parse(given: Uint8Array, start: number, end: number): number {
    // What the dissector keeps, it copies with `slice`, which on a Buffer copies nothing: the next chunk would overwrite it.
    const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
    let at = start;
    for (;;) {
      if (this.#parser === undefined) {
        if (end - at < MAGIC_LENGTH) return at;
        this.#parser = parserFor(bytes, at);
        if (this.#parser === undefined) throw unknownFormat('neither pcap nor pcapng');
      }
      const next = this.#parser.push(bytes, at, end, this.#sink);
      this.#parsed += next - at;
      at = next;
      if (!this.#parser.isBehind) return at;
      this.#collectLinkTypes();
      this.#passedOver += this.#parser.passedOver;
      this.#parser = undefined;
    }
  }

  /** Parses the kept bytes followed by `chunk`, and keeps the incomplete record at the end. */
  take(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#filled > 0) {
      this.#append(chunk);
      // Parsing after every chunk of a long record would copy the record each time: wait until it is complete.
      if (this.#filled < (this.#parser?.wanted ?? MAGIC_LENGTH)) return;
      bytes = this.#buffer.subarray(0, this.#filled);
    }
    const rest = this.parse(bytes, 0, bytes.length);
    this.#filled = 0;
    if (rest < bytes.length) this.#append(bytes.slice(rest));
  }

  #append(chunk: Uint8Array): void {
    const length = this.#filled + chunk.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, CHUNK, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#filled);
    this.#filled = length;
  }

  #finish(kept: number): CaptureFault | undefined {
    const left = kept + this.#filled;
    if (this.#parser === undefined) {
      throw unknownFormat(left === 0 ? 'the input is empty' : 'neither pcap nor pcapng');
    }
    if (this.#parser.fault !== undefined || left === 0) return this.#parser.fault;
    return { code: 'truncated', message: `the last ${left} bytes are an incomplete record` };
  }
}

function unknownFormat(message: string): CaptureFileError {
  return new CaptureFileError('unknown-format', message);
}
