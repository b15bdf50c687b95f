// Decodes the bytes of a text file, whatever editor wrote it. Follows Unicode 15 section 23.8 (byte order marks) and RFC 3629. Editors on
// Windows write UTF-16; without a mark it is recognized by its zero bytes, because configurations are mostly ASCII. Bytes that are not
// UTF-8 are read as ISO 8859-1: keywords and servers are ASCII.

type Width = 2 | 4;

/** The text, without its byte order mark. Never throws. */
export function decodedText(bytes: Uint8Array): string {
  const [b0, b1, b2, b3] = bytes;
  if (b0 === 0xef && b1 === 0xbb && b2 === 0xbf) return utf8(bytes.subarray(3));
  // Tested before UTF-16: the mark of little-endian UTF-32 begins with that of little-endian UTF-16.
  if (b0 === 0xff && b1 === 0xfe && b2 === 0 && b3 === 0) return units(bytes.subarray(4), 4, true);
  if (b0 === 0 && b1 === 0 && b2 === 0xfe && b3 === 0xff) return units(bytes.subarray(4), 4, false);
  if (b0 === 0xff && b1 === 0xfe) return units(bytes.subarray(2), 2, true);
  if (b0 === 0xfe && b1 === 0xff) return units(bytes.subarray(2), 2, false);
  for (const width of [4, 2] as const)
    for (const little of [true, false]) if (isUnits(bytes, width, little)) return units(bytes, width, little);
  return utf8(bytes);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8_192)
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8_192)));
  return parts.join('');
}

/** Whether at least 80 % of the code units of this width are ASCII: all bytes but one are zero. */
function isUnits(bytes: Uint8Array, width: Width, little: boolean): boolean {
  const total = Math.floor(Math.min(bytes.length, 4_096) / width);
  if (total === 0 || bytes.length % width !== 0) return false;
  let ascii = 0;
  for (let at = 0; at < total * width; at += width) {
    let high = 0;
    for (let byte = 1; byte < width; byte += 1) high |= bytes[little ? at + byte : at + byte - 1] ?? 0;
    const low = bytes[little ? at : at + width - 1] ?? 0;
    if (high === 0 && low !== 0) ascii += 1;
  }
  return ascii * 10 >= total * 8;
}

function units(bytes: Uint8Array, width: Width, little: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at + width <= bytes.length; at += width) {
    const unit = width === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
    part += width === 2 ? String.fromCharCode(unit) : unit > 0x10ffff ? '\ufffd' : String.fromCodePoint(unit);
    if (part.length < 8_192) continue;
    parts.push(part);
    part = '';
  }
  return [...parts, part].join('');
}
