// The format of an update file: a Debian package with a signed header. The Ed25519 signature (RFC 8032) covers the header, which
// contains the package's digest. Nothing in a file is trusted before its signature has been verified.
//
//   leakguard-update 1\n
//   {"version":"0.2.0","architecture":"arm64","bytes":3500000,"sha256":"…","downgradeFrom":["0.3.0"]}\n
//   base64 of the signature over the two lines above\n
//   the package

import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const MAGIC = 'leakguard-update 1';
/** Maximum length of the three header lines, in bytes. */
const MAX_HEAD_BYTES = 2048;
/** Maximum size of the package, in bytes; a package is about 4 MB. */
export const MAX_UPDATE_BYTES = 32 * 1024 * 1024;
/** Maximum size of the whole file, header and package, in bytes. */
export const MAX_UPDATE_FILE_BYTES = MAX_UPDATE_BYTES + MAX_HEAD_BYTES;
/** Maximum number of newer versions that an update may be allowed to replace; this many fit in the header. */
const MAX_DOWNGRADES = 8;
/** Length of an Ed25519 signature (RFC 8032 section 5.1.6), in bytes. */
const SIGNATURE_LENGTH = 64;

interface UpdateHead {
  readonly version: string;
  readonly architecture: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Newer versions that the publisher allows this one to replace; usually empty. */
  readonly downgradeFrom: readonly string[];
}

/** What the publisher states about a package; `downgradeFrom` is optional. */
export type UpdateClaim = Pick<UpdateHead, 'version' | 'architecture'> & Partial<UpdateHead>;

/** An update whose signature and digest have been verified. */
export interface Update {
  readonly head: UpdateHead;
  /** The Debian package. */
  readonly package: Uint8Array;
}

/** Why an update is refused; the message is shown to the user. */
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
 * Returns a signed update file in the format at the head of this file; `content` is the package, `key` the publisher's private Ed25519 key
 * (RFC 8032). Throws UpdateError `not-an-update` for a header that readUpdate would reject.
 * @public image-build/sign-update.mjs loads it from dist.
 */
export function makeUpdate(
  { version, architecture, downgradeFrom = [] }: UpdateClaim,
  content: Uint8Array,
  key: KeyObject,
): Buffer {
  const downgrades = downgradeFrom.length === 0 ? {} : { downgradeFrom };
  const head = { version, architecture, bytes: content.length, sha256: sha256(content), ...downgrades };
  const text = JSON.stringify(head);
  if (headOf(text) === undefined)
    throw new UpdateError('not-an-update', `no box would accept the header ${text}`);
  const signed = `${MAGIC}\n${text}\n`;
  const signature = sign(null, Buffer.from(signed), key).toString('base64');
  return Buffer.concat([Buffer.from(`${signed}${signature}\n`), content]);
}

/**
 * Verifies and parses an update file. `package` of the result is part of `file`, not a copy. Throws UpdateError: `not-an-update` for any
 * other bytes, `not-signed` unless one of `keys` (public, PEM, Ed25519) signed the header, `damaged` unless the package matches the
 * header's size and SHA-256. No other error for any input.
 */
export function readUpdate(file: Uint8Array, keys: readonly string[]): Update {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const lines = bytes.subarray(0, MAX_HEAD_BYTES).toString('latin1').split('\n', 4);
  const [magic, headText, signature, rest] = lines;
  if (magic !== MAGIC || headText === undefined || signature === undefined || rest === undefined)
    throw new UpdateError('not-an-update', 'this file is not a Leakguard update');
  const signed = Buffer.from(`${magic}\n${headText}\n`, 'latin1');
  const decoded = Buffer.from(signature, 'base64');
  // Only the canonical base64 is accepted: otherwise several different files would carry the same signature.
  if (decoded.length !== SIGNATURE_LENGTH || decoded.toString('base64') !== signature)
    throw new UpdateError('not-an-update', 'the signature of this update cannot be read');
  if (!keys.some((key) => signedBy(key, signed, decoded)))
    throw new UpdateError('not-signed', 'this update is not signed by a key that this box trusts');
  const head = headOf(headText);
  if (head === undefined) throw new UpdateError('not-an-update', 'the header of this update cannot be read');
  const content = bytes.subarray(signed.length + Buffer.byteLength(signature, 'latin1') + 1);
  if (content.length !== head.bytes || sha256(content) !== head.sha256)
    throw new UpdateError('damaged', 'the update is damaged or incomplete: download it again');
  return { head, package: content };
}

/** False also for a key that cannot be parsed. */
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
  if (typeof bytes !== 'number' || bytes > MAX_UPDATE_BYTES || typeof sum !== 'string') return undefined;
  if (!Array.isArray(downgradeFrom) || downgradeFrom.length > MAX_DOWNGRADES) return undefined;
  if (!downgradeFrom.every(isVersion)) return undefined;
  return { version, architecture, bytes, sha256: sum, downgradeFrom };
}

/** A version is passed to dpkg's command line: it must begin with a digit so that it cannot be taken for an option. */
function isVersion(value: unknown): value is string {
  return typeof value === 'string' && /^\d[\w.+~:-]{0,63}$/.test(value);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
