// How the octets of a name become text: ASCII in lower case, other printable UTF-8 unchanged, any other octet as `\ddd` (decimal).
// RFC 1035 section 5.1 (`\ddd`), RFC 3629 (UTF-8), RFC 4343 (case).

const PLAIN: readonly string[] = Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet).toLowerCase() : escaped(octet),
);

function escaped(octet: number): string {
  return `\\${String(octet).padStart(3, '0')}`;
}

/** Lower-case character codes of printable ASCII, 0 for all other octets. */
const CODES: Uint8Array = Uint8Array.from(PLAIN, (text) => (text.length === 1 ? text.charCodeAt(0) : 0));

/** Names are hardly ever longer; longer ones take the slow path. */
const LONGEST = 255;
/** One reused buffer of character codes for each length of name: one call makes a flat string of it, concatenation would not. */
const CODE_BUFFERS: number[][] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);

/**
 * The text of the octets from `start` to before `end`: ASCII letters in lower case (RFC 4343), other printable UTF-8 unchanged, any other
 * octet as `\ddd` in decimal (RFC 1035 section 5.1); '' for no octets. Dots are not told from those inside a label. Names in ASCII take the
 * fast path. Never throws.
 */
export function nameText(bytes: Uint8Array, start: number, end: number): string {
  const codes = CODE_BUFFERS[end - start];
  if (codes === undefined) return slowText(bytes, start, end);
  for (let at = start; at < end; at += 1) {
    const code = CODES[bytes[at] ?? 0] ?? 0;
    if (code === 0) return slowText(bytes, start, end);
    codes[at - start] = code;
  }
  return String.fromCharCode(...codes);
}

function slowText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    if (octet >= 0x80) return text + unicodeText(bytes, at, end);
    text += PLAIN[octet] ?? '';
  }
  return text;
}

/** The octets from `start` to before `end` as `nameText` writes them, without one trailing dot; the root is ''. Never throws. */
export function hostText(bytes: Uint8Array, start: number, end: number): string {
  let last = end;
  if (last > start && bytes[last - 1] === 0x2e) last -= 1;
  return nameText(bytes, start, last);
}

function unicodeText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end;) {
    const octet = bytes[at] ?? 0;
    const width = octet < 0x80 ? 1 : sequenceWidth(bytes, at, end);
    const character = width > 1 ? String.fromCodePoint(codePoint(bytes, at, width)) : '';
    // Control, format, private-use and unassigned characters, and all spaces but the ASCII one, could be mistaken for something
    // else on a page, so their octets are shown.
    if (width > 1 && !/[\p{C}\p{Z}]/u.test(character)) {
      // Only ASCII is case-insensitive (RFC 4343 section 3).
      text += character;
      at += width;
    } else {
      text += PLAIN[octet] ?? '';
      at += 1;
    }
  }
  return text;
}

/** How many octets the well-formed sequence at `at` has (RFC 3629 section 4); 1 when there is none. */
function sequenceWidth(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] ?? 0;
  const width = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + width > end) return 1;
  for (let i = 1; i < width; i += 1) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 1;
  const point = codePoint(bytes, at, width);
  const smallest = width === 2 ? 0x80 : width === 3 ? 0x800 : 0x10000;
  const surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < smallest || point > 0x10ffff || surrogate ? 1 : width;
}

function codePoint(bytes: Uint8Array, at: number, width: number): number {
  let point = (bytes[at] ?? 0) & (0xff >> (width + 1));
  for (let i = 1; i < width; i += 1) point = (point << 6) | ((bytes[at + i] ?? 0) & 0x3f);
  return point;
}
