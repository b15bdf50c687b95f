// How vectors are written in tests.

/** The octets of hexadecimal text; blanks are ignored, `ab*5` repeats an octet. Parts may be arrays of octets. */
export function hex(...parts: readonly (string | readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? octetsOf(part) : [...part])));
}

/** The octets of ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function octetsOf(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .flatMap((word) => {
      const [digits = '', times = '1'] = word.split('*');
      const octets = (digits.match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16));
      return Array.from({ length: Number(times) }, () => octets).flat();
    });
}
