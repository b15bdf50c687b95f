// Decompresses captures, with a limit on the output. Node decompresses gzip; xz, zstd, bzip2 and lz4, which Node 20 does not support,
// are decompressed by the distribution's program in a child process with limited memory.
// Formats: RFC 1952, RFC 8878, the .xz and bzip2 file formats.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** Decompression failed; `code` is `missing-program`, `unpacking` (damaged data) or `limit`. */
export class UnpackingError extends Error {
  readonly code: 'missing-program' | 'unpacking' | 'limit';

  constructor(code: UnpackingError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UnpackingError';
    this.code = code;
  }
}

interface Packing {
  readonly name: string;
  readonly magic: readonly number[];
  /** Absent for the format that Node decompresses. */
  readonly program?: readonly string[];
  readonly debianPackage?: string;
}

const PACKINGS: readonly Packing[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  {
    name: 'xz',
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    program: ['xz', '--decompress', '--stdout', '--threads=1', '--memlimit-decompress=256MiB'],
    debianPackage: 'xz-utils',
  },
  {
    name: 'zstd',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    program: ['zstd', '--decompress', '--stdout', '--quiet', '--memory=256MB'],
    debianPackage: 'zstd',
  },
  {
    name: 'bzip2',
    magic: [0x42, 0x5a, 0x68],
    program: ['bzip2', '--decompress', '--stdout', '--small'],
    debianPackage: 'bzip2',
  },
  {
    name: 'lz4',
    magic: [0x04, 0x22, 0x4d, 0x18],
    program: ['lz4', '-dc', '-q'],
    debianPackage: 'lz4',
  },
];

/** Octets needed to recognize any of the formats: the longest magic number, that of .xz. */
export const PACKING_MAGIC = 6;

/**
 * The compression format of `bytes[start, end)` by its magic number at `start`; undefined when it is none of them, or too short. gzip: RFC
 * 1952 section 2.3.1; zstd: RFC 8878 section 3.1.1. Never throws.
 */
export function packingAt(bytes: Uint8Array, start: number, end: number): Packing | undefined {
  return PACKINGS.find(
    ({ magic }) => end - start >= magic.length && magic.every((octet, at) => bytes[start + at] === octet),
  );
}

/** Captures compress to a tenth, a flood of one frame to a hundredth. A large output beyond this ratio is a decompression bomb. */
const MAX_RATIO = 100;
/** Output in bytes that is allowed at any ratio. */
const ALWAYS_ALLOWED = 1_073_741_824;

/** Maximum output in bytes for `packed` bytes of compressed data: a hundred times as much, but at least 1 GiB. */
export function maxUnpackedBytes(packed: number): number {
  return Math.max(ALWAYS_ALLOWED, MAX_RATIO * packed);
}

/**
 * Decompresses `packed`, in chunks of any size. `limit`: most bytes of output for so many bytes of input, checked after each chunk. Throws
 * UnpackingError when the data is damaged (`unpacking`) or exceeds the limit (`limit`), or when the program is missing (`missing-program`);
 * what came before was yielded already. Ending the iteration kills the program.
 */
export async function* unpack(
  packing: Packing,
  packed: AsyncIterable<Uint8Array>,
  limit = maxUnpackedBytes,
): AsyncGenerator<Uint8Array> {
  let taken = 0;
  let given = 0;
  const counted = (async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of packed) {
      taken += chunk.length;
      yield chunk;
    }
  })();
  const chunks = packing.program === undefined ? gunzip(counted) : byProgram(packing, counted);
  for await (const chunk of chunks) {
    given += chunk.length;
    if (given > limit(taken)) {
      throw new UnpackingError(
        'limit',
        `${taken} compressed bytes expand to more than ${limit(taken)} bytes: the rest was not decompressed`,
      );
    }
    yield chunk;
  }
}

async function* gunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip({ chunkSize: 65_536 });
  const source = Readable.from(packed, { objectMode: false });
  source.on('error', (error) => unpacker.destroy(error));
  try {
    for await (const chunk of source.pipe(unpacker)) yield asBytes(chunk);
  } catch (error) {
    throw new UnpackingError('unpacking', error instanceof Error ? error.message : String(error), error);
  } finally {
    source.destroy();
  }
}

async function* byProgram(packing: Packing, packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const [command = '', ...args] = packing.program ?? [];
  let child: ChildProcess;
  try {
    // The user's environment options for these programs (XZ_OPT, ZSTD_CLEVEL, …) must not apply here.
    child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
  } catch (error) {
    throw missing(packing, error);
  }
  const ended = new Promise<Error | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(missing(packing, error));
    });
    child.once('close', (code, signal) => {
      const how = signal ?? `code ${String(code)}`;
      resolve(
        code === 0
          ? undefined
          : new UnpackingError('unpacking', `${command} ended with ${how}${errorLine()}`),
      );
    });
  });
  let errors = '';
  const errorLine = (): string => (errors === '' ? '' : `: ${errors.trim().split('\n')[0] ?? ''}`);
  const { stdin, stdout, stderr } = child;
  stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 500) errors += chunk.toString('utf8');
  });
  // A program that rejects its input ends before reading all of it: its exit status gives the reason, not the broken pipe.
  const fed =
    stdin === null ? Promise.resolve() : pipeline(Readable.from(packed), stdin).catch(() => undefined);
  try {
    if (stdout !== null) for await (const chunk of stdout) yield asBytes(chunk);
    const fault = await ended;
    if (fault !== undefined) throw fault;
  } finally {
    child.kill('SIGKILL');
    if (stdin instanceof Writable) stdin.destroy();
    await fed;
  }
}

function missing({ name, program = [], debianPackage = '' }: Packing, cause: unknown): UnpackingError {
  const message = `it is compressed with ${name}, but the program ${program[0] ?? ''} could not be started (install the Debian package ${debianPackage})`;
  return new UnpackingError('missing-program', message, cause);
}

function asBytes(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), 'latin1');
}
