// The two forms of a name: Unicode and ASCII. Follows RFC 5890 section 2.3.2 (U-labels and A-labels) and UTS #46, as browsers do.

/** Letters, marks, digits, symbols and joiners of any script; with SPECIAL excluded, nothing that a URL would read as more than a host. */
const NAME = /^(?:[\p{L}\p{M}\p{N}\p{S}\p{Pd}\p{Po}._-]|\u200c|\u200d)+$/u;
const SPECIAL = /[\\/?#@:%]/;
/** Octets that src/wire/names/name-text.ts has escaped. */
const OCTETS = /(?:\\\d{3})+/g;

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * A name from the wire with its escaped octets (`\ddd`, RFC 1035 section 5.1) decoded as UTF-8; octets that are not UTF-8 become U+FFFD.
 */
export function lettersOf(name: string): string {
  if (!name.includes('\\')) return name;
  return name.replace(OCTETS, (octets) =>
    DECODER.decode(Uint8Array.from(octets.slice(1).split('\\'), Number)),
  );
}

/** The name in ASCII, lower case, as resolvers are asked for it; unchanged where it has no such form. Never throws. */
export function asciiName(name: string): string {
  const letters = lettersOf(name);
  if (isAscii(letters) || !NAME.test(letters) || SPECIAL.test(letters)) return name;
  try {
    return new URL(`http://${letters}/`).hostname;
  } catch {
    return name;
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
