// Knows: how packed captures are unpacked, and that unpacking is bounded. Must not know: captures, files.
// gzip is read by Node; xz, zstd, bzip2 and lz4, of which Node 20 has none, by the system's own program in a child process,
// which the distribution keeps, with its memory bounded. Follows RFC 1952, RFC 8878, the .xz and bzip2 file formats.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** What went wrong while unpacking; `code` is `missing-program`, `unpacking` or `limit`. */
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
  /** Absent where Node unpacks it. */
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

/** Octets that tell every packing. */
export const PACKING_MAGIC = 6;

/** What the octets from `start` on are packed with, or undefined. */
export function packingAt(bytes: Uint8Array, start: number, end: number): Packing | undefined {
  return PACKINGS.find(
    ({ magic }) => end - start >= magic.length && magic.every((octet, at) => bytes[start + at] === octet),
  );
}

/** Captures pack to a tenth, floods of one frame to a hundredth. What swells more than this, and is large, is made to. */
const MOST_SWELLING = 100;
const ALWAYS_ALLOWED = 1_073_741_824;

/** How much may come out of so many packed octets. */
export function mostUnpacked(packed: number): number {
  return Math.max(ALWAYS_ALLOWED, MOST_SWELLING * packed);
}

/** The octets that `packed` holds. Throws UnpackingError when it breaks, swells beyond measure, or its program is missing. */
export async function* unpack(
  packing: Packing,
  packed: AsyncIterable<Uint8Array>,
  most = mostUnpacked,
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
    if (given > most(taken)) {
      throw new UnpackingError(
        'limit',
        `${taken} packed bytes hold more than ${most(taken)}: the rest was not unpacked`,
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
    // Options of the person's own (XZ_OPT, ZSTD_CLEVEL, …) are for other occasions.
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
        code === 0 ? undefined : new UnpackingError('unpacking', `${command} ended with ${how}${said()}`),
      );
    });
  });
  let words = '';
  const said = (): string => (words === '' ? '' : `: ${words.trim().split('\n')[0] ?? ''}`);
  const { stdin, stdout, stderr } = child;
  stderr?.on('data', (chunk: Buffer) => {
    if (words.length < 500) words += chunk.toString('utf8');
  });
  // A program that refuses its input ends before it is read: how it ended tells why.
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
  const words = `it is packed with ${name}, and the program ${program[0] ?? ''} that unpacks it could not be started (Debian's package is ${debianPackage})`;
  return new UnpackingError('missing-program', words, cause);
}

function asBytes(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), 'latin1');
}
