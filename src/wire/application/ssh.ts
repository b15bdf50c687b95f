// SSH's identification line: RFC 4253 sections 4.2 and 5 (older versions).

import { printable, startsWith } from '../octets.ts';

/**
 * What one side says about itself: for example version "2.0", software and comment "OpenSSH_9.2p1 Debian-2", as `printable` writes them.
 */
export interface SshBanner {
  readonly version: string;
  readonly software: string;
}

const MAX_LINE = 255;
const VERSIONS = ['2.0', '1.99', '1.5', '1.3'] as const;

/**
 * The identification line at `start` of a TCP payload (RFC 4253 section 4.2), of at most 255 octets, or undefined. A line that ends with
 * the segment, at `end`, instead of CR LF counts, too, as some clients send the line end separately. A server may send other lines first;
 * these are not skipped. Never throws.
 */
export function sshBanner(bytes: Uint8Array, start: number, end: number): SshBanner | undefined {
  if (!startsWith(bytes, start, end, 'SSH-')) return undefined;
  const version = VERSIONS.find((text) => startsWith(bytes, start + 4, end, `${text}-`));
  if (version === undefined) return undefined;
  const softwareAt = start + 5 + version.length;
  const limit = Math.min(end, start + MAX_LINE);
  let at = softwareAt;
  while (at < limit && isText(bytes[at] ?? 0)) at += 1;
  // The text must end with the line or with the segment. Some devices send no line end but zeros as padding, or their first packet,
  // whose length begins with two zeros.
  const isFilled = at + 1 < end && bytes[at] === 0 && bytes[at + 1] === 0;
  const lineEnds = at === end || bytes[at] === 13 || bytes[at] === 10 || isFilled;
  if (!lineEnds || at === softwareAt) return undefined;
  return { version, software: printable(bytes, softwareAt, at) };
}

/**
 * Whether the octets, at least one, are no more than the beginning of an identification line, up to the hyphen before the software (RFC
 * 4253 section 4.2).
 */
export function canBecomeBanner(bytes: Uint8Array, start: number, end: number): boolean {
  return VERSIONS.some((version) => {
    const text = `SSH-${version}-`;
    return (
      end > start && end - start <= text.length && startsWith(bytes, start, end, text.slice(0, end - start))
    );
  });
}

function isText(octet: number): boolean {
  return octet >= 0x20 && octet < 0x7f;
}
