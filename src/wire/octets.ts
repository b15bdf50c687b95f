// Big-endian numbers (RFC 1700, network order) and text in octets. Reading past the array's end gives 0, never an exception;
// the caller must stay between start and end.

/** The unsigned big-endian 16-bit number at offset `at`; octets past the array's end count as 0. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The unsigned big-endian 24-bit number at offset `at`; octets past the array's end count as 0. */
export function u24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

/** The unsigned big-endian 32-bit number at offset `at`; octets past the array's end count as 0. */
export function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/** The unsigned 32-bit number at offset `at`, least significant octet first; octets past the array's end count as 0. */
export function u32le(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at + 3] ?? 0) << 24) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 1] ?? 0) << 8) |
      (bytes[at] ?? 0)) >>>
    0
  );
}

/** Whether all octets from `start` to before `end` are zero; true for an empty range, false if it passes the array's end. */
export function allZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

/** Whether the octets at `at` are `text` (ASCII, case-sensitive) and all of it lies before `end`. */
export function startsWith(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * The octets from `start` to before `end` as ASCII; a backslash and what is not printable become `\ddd` (decimal, as in RFC 1035
 * section 5.1). '' for an empty range. The caller bounds the length. Never throws.
 */
export function printable(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at] ?? 0;
    const plain = octet >= 0x20 && octet < 0x7f && octet !== 0x5c;
    text += plain ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`;
  }
  return text;
}

/**
 * The four octets at `at` as an unsigned big-endian number; from `end` on they count as 0, not as what an earlier frame left in the buffer.
 */
export function readHead(bytes: Uint8Array, at: number, end: number): number {
  if (end - at >= 4) return u32(bytes, at);
  let head = 0;
  for (let i = 0; i < 4; i += 1) head = head * 256 + (at + i < end ? (bytes[at + i] ?? 0) : 0);
  return head;
}
