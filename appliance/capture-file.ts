// Knows: how captures come from files, gzip and standard input in large pieces. Must not know: frames, policy.
// One buffer is reused: it grows only for a record longer than itself. Formats are in src/wire/capture.ts.

import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MAGIC_LENGTH, parserFor } from '../src/wire/capture.ts';
import type { CaptureFault, CaptureParser, PacketSink } from '../src/wire/capture.ts';

const CHUNK = 1_048_576;
/** Chunks read between two looks at the event loop: signals and progress wait for no more than this. */
const CHUNKS_PER_TURN = 32;

/** A capture that cannot be opened or read at all; `code` is the system's (`ENOENT`, …) or `unknown-format`. */
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
  /** Share of the file that was read, 0 to 1; not called where the size is unknown. */
  readonly onProgress?: (share: number) => void;
}

/** What is left to say when everything readable was read. */
export interface CaptureEnd {
  /** Why reading stopped before the end; undefined for a whole capture. */
  readonly fault: CaptureFault | undefined;
  readonly aborted: boolean;
}

/**
 * Hands every packet of a capture to the sink: pcap or pcapng, plain or gzip, `-` for standard input. A truncated or
 * damaged capture yields what could be read and says so in `fault`. Throws CaptureFileError when there is nothing to read.
 */
export async function readCapture(
  path: string,
  sink: PacketSink,
  options: CaptureOptions,
): Promise<CaptureEnd> {
  if (path === '-') return readStream(options.stdin, sink, options);
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (error) {
    throw systemError(path, error);
  }
  try {
    return await readHandle(handle, path, sink, options);
  } catch (error) {
    throw error instanceof CaptureFileError ? error : systemError(path, error);
  } finally {
    closeSync(handle);
  }
}

function systemError(path: string, error: unknown): CaptureFileError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  const words = code === 'ENOENT' ? 'no such file' : error instanceof Error ? error.message : String(error);
  return new CaptureFileError(code, `${path}: ${words}`, error);
}

async function readHandle(
  handle: number,
  path: string,
  sink: PacketSink,
  options: CaptureOptions,
): Promise<CaptureEnd> {
  const { size } = fstatSync(handle);
  const feed = new Feed(sink);
  let read = 0;
  for (let turn = 1; !options.signal.aborted; turn += 1) {
    const room = feed.room();
    const got = readSync(handle, room, 0, room.length, null);
    if (got === 0) return { fault: feed.finish(), aborted: false };
    if (read === 0 && room[0] === 0x1f && room[1] === 0x8b) {
      return readStream(createReadStream(path), sink, options);
    }
    read += got;
    feed.added(got);
    if (feed.fault !== undefined) return { fault: feed.finish(), aborted: false };
    if (turn % CHUNKS_PER_TURN === 0) {
      if (size > 0) options.onProgress?.(read / size);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { fault: undefined, aborted: true };
}

/** Reads a stream, unpacking gzip by its magic number. */
async function readStream(input: Readable, sink: PacketSink, options: CaptureOptions): Promise<CaptureEnd> {
  const feed = new Feed(sink);
  const chunks = unpacked(input);
  try {
    for await (const chunk of chunks) {
      if (options.signal.aborted) return { fault: undefined, aborted: true };
      feed.take(chunk);
      if (feed.fault !== undefined) break;
    }
  } catch (error) {
    if (!feed.started) throw systemError('input', error);
    const message = error instanceof Error ? error.message : String(error);
    feed.finish();
    return {
      fault: { code: 'truncated', message: `the compressed data ends or breaks: ${message}` },
      aborted: false,
    };
  }
  return { fault: feed.finish(), aborted: false };
}

async function* unpacked(input: Readable): AsyncGenerator<Uint8Array> {
  const source: AsyncIterator<unknown> = input[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done === true) return;
  const head = asBytes(first.value);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next())
      yield asBytes(next.value);
    return;
  }
  const gunzip = createGunzip();
  const feeding = (async () => {
    gunzip.write(head);
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      if (!gunzip.write(asBytes(next.value))) await new Promise((resolve) => gunzip.once('drain', resolve));
    }
    gunzip.end();
  })();
  feeding.catch((error: unknown) =>
    gunzip.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  for await (const chunk of gunzip) yield asBytes(chunk);
}

function asBytes(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), 'latin1');
}

/** One buffer between reads and the parser; what a read leaves incomplete moves to its front. */
class Feed {
  readonly #sink: PacketSink;
  #parser: CaptureParser | undefined = undefined;
  #buffer: Uint8Array = Buffer.allocUnsafeSlow(CHUNK);
  #filled = 0;
  #unknown = false;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  get started(): boolean {
    return this.#parser !== undefined;
  }

  get fault(): CaptureFault | undefined {
    if (this.#unknown) return { code: 'unknown-format', message: 'neither pcap nor pcapng' };
    return this.#parser?.fault;
  }

  /** Where the next bytes go. */
  room(): Uint8Array {
    return this.#buffer.subarray(this.#filled);
  }

  /** Parses what `room` was filled with. */
  added(length: number): void {
    this.#filled += length;
    if (this.#parser === undefined) {
      if (this.#filled < MAGIC_LENGTH) return;
      this.#parser = parserFor(this.#buffer, 0);
      if (this.#parser === undefined) {
        this.#unknown = true;
        return;
      }
    }
    const rest = this.#parser.push(this.#buffer, 0, this.#filled, this.#sink);
    if (rest > 0) this.#buffer.copyWithin(0, rest, this.#filled);
    this.#filled -= rest;
    if (this.#parser.wanted > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#parser.wanted + CHUNK);
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
  }

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.fault === undefined;) {
      const room = this.room();
      const part = chunk.subarray(at, at + room.length);
      room.set(part);
      this.added(part.length);
      at += part.length;
    }
  }

  /** The fault at the end of input, if any. */
  finish(): CaptureFault | undefined {
    if (this.#parser === undefined) {
      const message = this.#filled === 0 ? 'the input is empty' : 'neither pcap nor pcapng';
      throw new CaptureFileError('unknown-format', message);
    }
    if (this.#parser.fault !== undefined || this.#filled === 0) return this.#parser.fault;
    return { code: 'truncated', message: `the last ${this.#filled} bytes are an incomplete record` };
  }
}
