// Knows: how JSON that somebody else wrote is read (RFC 8259), and how deep it may be. Must not know: what it says.

/** How deep objects and lists of a JSON text stand within one another; of what is no JSON, some number. */
export function depthOf(json: Uint8Array): number {
  let depth = 0;
  let most = 0;
  let inText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === 0x22) inText = !inText;
    else if (inText) at += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) most = Math.max(most, (depth += 1));
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return most;
}

/** A text that is JSON, or undefined. */
export function readJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
