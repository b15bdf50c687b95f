// QUIC's versions, their salts, and what to try for an unknown version.
// RFC 9001 section 5.2 and its drafts 22 to 34, RFC 9369 section 3, RFC 9000 section 15 (reserved versions),
// and the constants that Google's and Meta's clients use.

import type { QuicKeySchedule } from './quic-crypto.ts';

/** How a version's Initial is read. With `google` the hello is in the clear, with `mixed` Google's frames are inside an Initial. */
export interface QuicVersion {
  /** For example `v1`, `draft-29`, `Q050`; with a question mark when it is a guess. */
  readonly name: string;
  readonly carriage: 'ietf' | 'google' | 'mixed';
  /** The long-header type that means Initial: 0, but 1 in version 2 (RFC 9369 section 3.2). */
  readonly initialType: 0 | 1;
  readonly schedule: QuicKeySchedule;
}

function schedule(salt: string, label = 'quic '): QuicKeySchedule {
  return { salt: Uint8Array.from(salt.match(/../g) ?? [], (octet) => parseInt(octet, 16)), label };
}

const DRAFT_22 = schedule('7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a');
const DRAFT_23 = schedule('c3eef712c72ebb5a11a7d2432bb46365bef9f502');
const DRAFT_29 = schedule('afbfec289993d24c9e9786f19c6111e04390a899');
const VERSION_1 = schedule('38762cf7f55934b34d179ae6a4c80cadccbb7f0a');
const VERSION_2 = schedule('0dede3def700a6db819381be6e269dcbf9bd2ed9', 'quicv2 ');
const VERSION_2_DRAFT = schedule('a707c203a59b47184a1d62ca570406ea7ae3e5d3', 'quicv2 ');
const GOOGLE_Q050 = schedule('504574efd066fe2f9d945cfcdbd3a7f0d3b56b45');
const GOOGLE_T050 = schedule('7ff579e5acd072915580304c43a2367c60488310');
const GOOGLE_T051 = schedule('7a4edef4e7ccee5fa4506c19124fc8ccda6e033d');

function ietf(name: string, keys: QuicKeySchedule, initialType: 0 | 1 = 0): QuicVersion {
  return { name, carriage: 'ietf', initialType, schedule: keys };
}

const KNOWN: ReadonlyMap<number, readonly QuicVersion[]> = new Map([
  [0x00000001, [ietf('v1', VERSION_1)]],
  [0x6b3343cf, [ietf('v2', VERSION_2, 1)]],
  // The drafts of version 2 differed in the packet types, so both are tried.
  [0x709a50c4, [ietf('v2-draft', VERSION_2_DRAFT, 1), ietf('v2-draft', VERSION_2_DRAFT)]],
  [0xff020000, [ietf('v2-draft', VERSION_2_DRAFT, 1), ietf('v2-draft', VERSION_2_DRAFT)]],
  [0x51303530, [{ name: 'Q050', carriage: 'mixed', initialType: 0, schedule: GOOGLE_Q050 }]],
  [0x54303530, [{ name: 'T050', carriage: 'mixed', initialType: 0, schedule: GOOGLE_T050 }]],
  [0x54303531, [{ name: 'T051', carriage: 'mixed', initialType: 0, schedule: GOOGLE_T051 }]],
]);

// A client that forces version negotiation must protect its Initial with some version's keys, and an eavesdropper can try them all.
const GUESSES = [
  ietf('v1?', VERSION_1),
  ietf('draft-29?', DRAFT_29),
  ietf('v2?', VERSION_2, 1),
  ietf('draft-23?', DRAFT_23),
  ietf('draft-22?', DRAFT_22),
];

/** Whether a version is reserved to force version negotiation (RFC 9000 section 15): 0x?a?a?a?a. */
function isReservedVersion(version: number): boolean {
  return (version & 0x0f0f0f0f) >>> 0 === 0x0a0a0a0a;
}

/**
 * Whether an unsigned 32-bit version is one of Google's before packet protection with the long header ("QUIC Wire Layout Specification"):
 * `Q` and three digits below 050.
 */
export function isGoogleVersion(version: number): boolean {
  return version >>> 24 === 0x51 && isDigits(version) && version < 0x51303530;
}

/**
 * Whether clients send this version number, unsigned 32 bits: a version, draft or vendor number listed here, or a reserved one (RFC 9000
 * section 15). It decides what is called QUIC; quicVersions lets other numbers be tried, too.
 */
export function isQuicVersion(version: number): boolean {
  return (
    KNOWN.has(version) ||
    isGoogleVersion(version) ||
    isReservedVersion(version) ||
    draftOf(version) !== undefined
  );
}

/**
 * What to try for a version, most likely first and never empty; for an unknown or reserved number every set of keys of GUESSES (RFC 9001
 * section 5.2).
 */
export function quicVersions(version: number): readonly QuicVersion[] {
  const draft = draftOf(version);
  return KNOWN.get(version) ?? (draft === undefined ? GUESSES : [draft]);
}

function draftOf(version: number): QuicVersion | undefined {
  if (version >>> 8 === 0xff0000) {
    const draft = version & 255;
    if (draft >= 33 && draft <= 34) return ietf(`draft-${draft}`, VERSION_1);
    if (draft >= 29 && draft <= 32) return ietf(`draft-${draft}`, DRAFT_29);
    if (draft >= 23 && draft <= 28) return ietf(`draft-${draft}`, DRAFT_23);
    return draft >= 21 && draft <= 22 ? ietf(`draft-${draft}`, DRAFT_22) : undefined;
  }
  if (version === 0xfaceb001) return ietf('mvfst-1', DRAFT_22);
  if (version >>> 8 === 0xfaceb0) return ietf(`mvfst-${(version & 255).toString(16)}`, DRAFT_23);
  return undefined;
}

function isDigits(version: number): boolean {
  return [16, 8, 0].every((shift) => {
    const octet = (version >>> shift) & 255;
    return octet >= 0x30 && octet <= 0x39;
  });
}
