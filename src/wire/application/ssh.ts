// Knows: the identification line of SSH. Must not know: key exchange, flows, policy.
// Follows RFC 4253 section 4.2 and RFC 4253 section 5 (older versions).

import { printable, startsWith } from '../octets.ts';

/** What one side says about itself: "2.0", "OpenSSH_9.2p1". */
export interface SshBanner {
  readonly version: string;
  readonly software: string;
}

const MAX_LINE = 255;
const VERSIONS = ['2.0', '1.99', '1.5', '1.3'] as const;

/**
 * The identification line at start, or undefined. A line that ends with the segment instead of with CR LF counts too:
 * some clients send the line end apart. Lines a server may send before it are not searched.
 */
export function sshBanner(bytes: Uint8Array, start: number, end: number): SshBanner | undefined {
  if (!startsWith(bytes, start, end, 'SSH-')) return undefined;
  const version = VERSIONS.find((text) => startsWith(bytes, start + 4, end, `${text}-`));
  if (version === undefined) return undefined;
  const softwareAt = start + 5 + version.length;
  const limit = Math.min(end, start + MAX_LINE);
  let at = softwareAt;
  while (at < limit && isText(bytes[at] ?? 0)) at += 1;
  // Stopped by anything but a line end or the end of the segment: no banner. Some devices write no line end and fill up with
  // zeros, or go on with their first packet, whose length begins with two.
  const isFilled = at + 1 < end && bytes[at] === 0 && bytes[at + 1] === 0;
  const lineEnds = at === end || bytes[at] === 13 || bytes[at] === 10 || isFilled;
  if (!lineEnds || at === softwareAt) return undefined;
  return { version, software: printable(bytes, softwareAt, at) };
}

/** Whether so few octets are there that they are the beginning of an identification and no more. */
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
