// The DNS message in the URL of a DNS query over HTTP: RFC 8484 section 4.1 (GET: base64url after `dns=`), RFC 4648 section 5.

/** What precedes the message in the URL. */
export const DOH_QUERY = 'dns=';

const LONGEST = 2048;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * The octets of the DNS message after `dns=` in the query of a request target (RFC 8484 section 4.1), of which 2048 characters are read;
 * undefined when there is none. Reading ends at the first character outside base64url, so the message may be incomplete. Never throws.
 */
export function dohQuestion(target: string): Uint8Array | undefined {
  const found = /[?&]dns=([A-Za-z0-9_-]+)/.exec(target.slice(0, LONGEST));
  const text = found?.[1];
  if (text === undefined) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8));
  let bits = 0;
  let held = 0;
  let filled = 0;
  for (const letter of text) {
    held = ((held << 6) | DIGITS.indexOf(letter)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[filled++] = (held >>> bits) & 255;
  }
  return bytes;
}
