// Knows: what an update is: one package of Debian under a signature. Must not know: how it is installed, who may ask for it.
// Ed25519 (RFC 8032) over the head that names the package's digest. Nothing in a file is believed before its signature is.
//
//   leakguard-update 1\n
//   {"version":"0.2.0","architecture":"arm64","bytes":3500000,"sha256":"…","downgradeFrom":["0.3.0"]}\n
//   base64 of the signature over both lines above\n
//   the package

import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const MAGIC = 'leakguard-update 1';
/** A head is three short lines; a file that has none within this is no update. Bytes. */
const HEAD_MOST = 2048;
/** The package is 4 MB; whatever is this large is something else. Bytes. */
export const UPDATE_MOST = 32 * 1024 * 1024;
/** Of the whole file. Bytes. */
export const UPDATE_FILE_MOST = UPDATE_MOST + HEAD_MOST;
/** Versions that one update may stand in for although they are newer; as many fit the head. */
const DOWNGRADES_MOST = 8;
/** Of Ed25519 (RFC 8032 section 5.1.6). Bytes. */
const SIGNATURE_LENGTH = 64;

interface UpdateHead {
  readonly version: string;
  readonly architecture: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Newer versions that this one may take the place of: its publisher's permission. Empty when there is none. */
  readonly downgradeFrom: readonly string[];
}

/** What its publisher says of a package. */
export type UpdateClaim = Pick<UpdateHead, 'version' | 'architecture'> & Partial<UpdateHead>;

export interface Update {
  readonly head: UpdateHead;
  /** The package. */
  readonly package: Uint8Array;
}

export class UpdateError extends Error {
  readonly code:
    | 'not-an-update'
    | 'not-signed'
    | 'damaged'
    | 'not-for-this-box'
    | 'older'
    | 'no-way-back'
    | 'unsafe-place';

  constructor(code: UpdateError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UpdateError';
    this.code = code;
  }
}

/**
 * The file of an update; `key` is the private key of whoever publishes it. Throws UpdateError for a claim that no box would read.
 * @public image-build/sign-update.mjs loads it from dist.
 */
export function makeUpdate(
  { version, architecture, downgradeFrom = [] }: UpdateClaim,
  content: Uint8Array,
  key: KeyObject,
): Buffer {
  const named = downgradeFrom.length === 0 ? {} : { downgradeFrom };
  const head = { version, architecture, bytes: content.length, sha256: sha256(content), ...named };
  const text = JSON.stringify(head);
  if (headOf(text) === undefined) throw new UpdateError('not-an-update', `no box would read ${text}`);
  const signed = `${MAGIC}\n${text}\n`;
  const signature = sign(null, Buffer.from(signed), key).toString('base64');
  return Buffer.concat([Buffer.from(`${signed}${signature}\n`), content]);
}

/** Throws UpdateError unless one of `keys` (public, PEM) signed the head and the package is the one that the head names. */
export function readUpdate(file: Uint8Array, keys: readonly string[]): Update {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const lines = bytes.subarray(0, HEAD_MOST).toString('latin1').split('\n', 4);
  const [magic, headText, signature, rest] = lines;
  if (magic !== MAGIC || headText === undefined || signature === undefined || rest === undefined)
    throw new UpdateError('not-an-update', 'this file is no update of Leakguard');
  const signed = Buffer.from(`${magic}\n${headText}\n`, 'latin1');
  const mark = Buffer.from(signature, 'base64');
  // One spelling alone: what base64 forgives would be a second file with the same signature.
  if (mark.length !== SIGNATURE_LENGTH || mark.toString('base64') !== signature)
    throw new UpdateError('not-an-update', 'the signature of this update cannot be read');
  if (!keys.some((key) => signedBy(key, signed, mark)))
    throw new UpdateError('not-signed', 'nobody whom this box trusts has signed this update');
  const head = headOf(headText);
  if (head === undefined) throw new UpdateError('not-an-update', 'the head of this update cannot be read');
  const content = bytes.subarray(signed.length + Buffer.byteLength(signature, 'latin1') + 1);
  if (content.length !== head.bytes || sha256(content) !== head.sha256)
    throw new UpdateError('damaged', 'the update is not whole: load it again');
  return { head, package: content };
}

/** A key that cannot be read signs nothing. */
function signedBy(key: string, signed: Buffer, signature: Buffer): boolean {
  try {
    const known = createPublicKey(key);
    return known.asymmetricKeyType === 'ed25519' && verify(null, signed, known, signature);
  } catch {
    return false;
  }
}

function headOf(text: string): UpdateHead | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, architecture, bytes, sha256: sum, downgradeFrom = [] } = value as Record<string, unknown>;
  if (!isVersion(version)) return undefined;
  if (typeof architecture !== 'string' || !/^[a-z0-9]{1,16}$/.test(architecture)) return undefined;
  if (typeof bytes !== 'number' || bytes > UPDATE_MOST || typeof sum !== 'string') return undefined;
  if (!Array.isArray(downgradeFrom) || downgradeFrom.length > DOWNGRADES_MOST) return undefined;
  if (!downgradeFrom.every(isVersion)) return undefined;
  return { version, architecture, bytes, sha256: sum, downgradeFrom };
}

/** What goes on to dpkg's command line is no option of dpkg. */
function isVersion(value: unknown): value is string {
  return typeof value === 'string' && /^\d[\w.+~:-]{0,63}$/.test(value);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
