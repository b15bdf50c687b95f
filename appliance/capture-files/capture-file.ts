// Knows: how captures come from files and standard input in large pieces, and what could not be read. Must not know: frames,
// policy, packings. One buffer is reused: it grows only for a record longer than itself. Formats are in src/wire/capture/capture.ts.

import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { MAGIC_LENGTH, parserFor } from '../../src/wire/capture/capture-format.ts';
import type { CaptureFault, CaptureParser, PacketSink } from '../../src/wire/capture/capture.ts';
import { othersTurn } from '../os/others-turn.ts';
import { PACKING_MAGIC, packingAt, unpack, UnpackingError } from './unpacking.ts';

/** Small enough to be parsed while it is in the processor's cache: larger chunks and reading ahead both measured slower. */
const CHUNK = 262_144;
/** Room in front of a chunk for the record that the chunk before it left incomplete. */
const HEADROOM = 262_144;
/** Chunks between two looks at the event loop: signals and progress wait for no more than this. */
const CHUNKS_PER_TURN = 128;

/** A capture that cannot be opened or read at all; `code` is the system's (`ENOENT`, …) or `unknown-format`, `missing-program`, `unpacking` or `limit`. */
export class CaptureFileError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CaptureFileError';
    this.code = code;
  }
}

export interface CaptureOptions {
  readonly stdin: Readable;
  readonly signal: AbortSignal;
  /** Share of the file that was read, 0 to 1; undefined where the size is unknown. */
  readonly onProgress?: (share: number | undefined) => void;
}

/** What is left to say when everything readable was read. */
export interface CaptureEnd {
  /** Why reading stopped before the end; undefined for a whole capture. */
  readonly fault: CaptureFault | undefined;
  /** Bytes of the file behind that fault; undefined where the size is not known. */
  readonly unreadBytes: number | undefined;
  readonly aborted: boolean;
  /** Packets that the capture holds and that could not be handed out. */
  readonly passedOver: number;
  /** The link types that the capture names. */
  readonly linkTypes: ReadonlySet<number>;
}

/**
 * Hands every packet of a capture to the sink: pcap or pcapng, one file or several glued together, plain or packed, `-` for
 * standard input. A truncated or damaged capture yields what could be read and says so in `fault`. Throws CaptureFileError
 * when there is nothing to read.
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

/** The system's errors have a code; whatever has none is a defect and stays what it is. */
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
  // What is no file may make us wait, and then signals have to come through.
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
      // A record longer than the headroom: its pieces are joined the slow way, and so is what follows.
      feed.take(area.subarray(rest, end));
      return readInto(feed, progressing(chunksOf(handle), options, status.size, read), options, status.size);
    }
    area.copyWithin(HEADROOM - kept, rest, end);
    if (turn % CHUNKS_PER_TURN === 0) {
      if (status.size > 0) options.onProgress?.(read / status.size);
      await othersTurn();
    }
  }
  return feed.aborted();
}

/** What was read already, if anything, then the rest of the input. */
async function* chunksOf(handle: FileHandle, first?: Uint8Array): AsyncGenerator<Uint8Array> {
  if (first !== undefined) yield first;
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Tells how far the input was read; where its size is not known, that it goes on. */
async function* progressing(
  input: AsyncIterable<unknown>,
  options: CaptureOptions,
  size: number | undefined,
  before = 0,
): AsyncGenerator<Uint8Array> {
  let read = before;
  let told = before;
  for await (const piece of input) {
    const chunk = asBytes(piece);
    yield chunk;
    read += chunk.length;
    if (read - told < CHUNKS_PER_TURN * CHUNK && size === undefined) continue;
    if (read - told < CHUNK) continue;
    told = read;
    options.onProgress?.(size === undefined || size === 0 ? undefined : read / size);
  }
}

/** Reads a stream, unpacking by its magic number. */
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
  // A pipe may give its first octets one by one.
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

/** Between bytes in pieces and the parser; what a piece leaves incomplete is the caller's, or is kept by `take`. */
class Feed {
  readonly #sink: PacketSink;
  #parser: CaptureParser | undefined = undefined;
  readonly #linkTypes = new Set<number>();
  /** Of captures that another one was glued behind. */
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

  /** What is left to say at the end of an input of `size` bytes; `kept` bytes are incomplete besides those held here. */
  end(kept: number, size: number | undefined): CaptureEnd {
    const fault = this.#finish(kept);
    const unreadBytes = fault === undefined || size === undefined ? undefined : size - this.#parsed;
    return { ...this.#told(), fault, unreadBytes, aborted: false };
  }

  /** The same where the reading was stopped. */
  aborted(): CaptureEnd {
    return { ...this.#told(), fault: undefined, unreadBytes: undefined, aborted: true };
  }

  /** The same where the packed data ended or broke before its end. */
  broken({ code, message }: UnpackingError): CaptureEnd {
    const fault: CaptureFault =
      code === 'limit'
        ? { code: 'limit', message }
        : { code: 'truncated', message: `the packed data ends or breaks: ${message}` };
    return { ...this.#told(), fault, unreadBytes: undefined, aborted: false };
  }

  #told(): Pick<CaptureEnd, 'linkTypes' | 'passedOver'> {
    this.#settle();
    return { linkTypes: this.#linkTypes, passedOver: this.#passedOver + (this.#parser?.passedOver ?? 0) };
  }

  #settle(): void {
    for (const linkType of this.#parser?.linkTypes ?? []) this.#linkTypes.add(linkType);
  }

  /** Parses `bytes[start, end)`; gives the offset of what is incomplete. */
  parse(bytes: Uint8Array, start: number, end: number): number {
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
      this.#settle();
      this.#passedOver += this.#parser.passedOver;
      this.#parser = undefined;
    }
  }

  /** Parses a piece behind what is kept, and keeps what is incomplete. */
  take(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#filled > 0) {
      this.#append(chunk);
      // Joining piece by piece to a long record would copy it again and again: wait until it is whole.
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
