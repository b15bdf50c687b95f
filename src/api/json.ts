// Reads JSON (RFC 8259) from untrusted sources.

/**
 * How deeply objects and arrays are nested in a JSON text (UTF-8), 0 for a plain value; for other text some number. Takes linear time and
 * does not throw.
 */
export function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === 0x22) inText = !inText;
    else if (inText) at += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, (depth += 1));
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return deepest;
}

/** The value of a JSON text; undefined for any other text. Does not throw, but the caller bounds length and depth. */
export function readJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
