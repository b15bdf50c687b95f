// Reads a list of Tor relays from a file.

import { parseRelayList } from '../../src/wire/vpn/tor.ts';
import type { RelayList } from '../../src/wire/vpn/tor.ts';
import { readRegularFile } from '../os/regular-file.ts';

/** In bytes. A consensus is about 3 MB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** The list cannot be used; the message names the file. */
export class RelaysError extends Error {
  readonly code = 'no-relays';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RelaysError';
  }
}

/**
 * The relays listed in a regular file of at most 16 MiB, in the forms that parseRelayList reads (src/wire/vpn/tor.ts). Throws RelaysError
 * when it cannot be read or lists no relays.
 */
export function relaysIn(path: string): RelayList {
  let text;
  try {
    text = readRegularFile(path, MAX_LIST_BYTES);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RelaysError(`the relay list ${path} cannot be read (${why})`, error);
  }
  return relaysOf(text, path);
}

/**
 * The relays listed in a text of the same form, in lower case: `address` or `address:port`. `path` is named in the error. Throws
 * RelaysError when it lists none.
 */
export function relaysOf(text: string, path: string): RelayList {
  const relays = parseRelayList(text);
  if (relays.size === 0) throw new RelaysError(`${path} lists no relays`);
  return relays;
}
