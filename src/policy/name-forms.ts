// Knows: that a name can be written in two ways: in letters of any alphabet, and in ASCII. Must not know: patterns, rules.
// Follows RFC 5890 section 2.3.2 (A-labels and U-labels) and UTS #46, as browsers do.

/** Letters, marks and digits of any alphabet, and what stands between them: nothing that a URL would take for more than a host. */
const NAME = /^[\p{L}\p{M}\p{N}\p{Pd}\p{Po}._-]+$/u;
const SPECIAL = /[\\/?#@:%]/;

/** The name in ASCII, which is what resolvers are asked for; as it is where it has no such form. */
export function asciiName(name: string): string {
  if (isAscii(name) || !NAME.test(name) || SPECIAL.test(name)) return name;
  try {
    return new URL(`http://${name}/`).hostname;
  } catch {
    return name;
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
