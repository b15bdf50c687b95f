// Knows: how a list of Tor's relays is read from a file. Must not know: who uses it.

import { parseRelayList } from '../../src/wire/vpn/tor.ts';
import type { RelayList } from '../../src/wire/vpn/tor.ts';
import { readRegularFile } from '../os/regular-file.ts';

/** A consensus is some 3 MB. Bytes. */
const LIST_MOST = 16 * 1024 * 1024;

export class RelaysError extends Error {
  readonly code = 'no-relays';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RelaysError';
  }
}

/** The list of a regular file. Throws RelaysError for one that cannot be read, and for one that lists no relay. */
export function relaysIn(path: string): RelayList {
  let text;
  try {
    text = readRegularFile(path, LIST_MOST);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RelaysError(`the list of relays ${path} cannot be read (${why})`, error);
  }
  return relaysOf(text, path);
}

/** Throws RelaysError for a text that lists no relay. */
export function relaysOf(text: string, path: string): RelayList {
  const relays = parseRelayList(text);
  if (relays.size === 0) throw new RelaysError(`${path} lists no relay`);
  return relays;
}
