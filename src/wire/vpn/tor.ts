// What a connection to a Tor relay looks like from outside, and how relay lists are written.
// tor-spec section 2.1 (link handshake), dir-spec section 3.4.1 (consensus "r" lines).
// Tor imitates TLS: only a listed relay is nearly certain. The shape alone is a suspicion and never makes a frame safe.

import { addressText, parseAddress } from '../ip/address.ts';

/** What is known of a connection that began with a TLS ClientHello. */
export interface TorEvidence {
  /** The server name of the ClientHello, lower case; undefined if it had none. */
  readonly serverName: string | undefined;
  /** The ClientHello offers application protocols: every browser does, Tor does not. */
  readonly offersAlpn: boolean;
  /** The TCP port that the ClientHello went to. */
  readonly serverPort: number;
  /** The server's address and port are in the relay list. */
  readonly listed: boolean;
}

/** How likely the connection is Tor (0 to 1), and why, in words for the reader. */
export interface TorSuspicion {
  readonly confidence: number;
  readonly why: string;
}

const RELAY_PORTS = new Set([9001, 9002, 9030, 9031, 9040, 9050, 9051, 9101, 9150]);

/**
 * The suspicion that the evidence supports (tor-spec section 2.1), with a confidence from 0.3 to 0.99; undefined when nothing but TLS
 * itself suggests Tor. Never throws.
 */
export function torSuspicion(evidence: TorEvidence): TorSuspicion | undefined {
  const { serverName, offersAlpn, serverPort, listed } = evidence;
  const random = serverName !== undefined && isTorServerName(serverName) && !offersAlpn;
  const port = RELAY_PORTS.has(serverPort);
  if (listed) return { confidence: random ? 0.99 : 0.9, why: 'the server is a listed Tor relay' };
  if (random && port)
    return { confidence: 0.85, why: `generated server name ${serverName} on a usual Tor relay port` };
  if (random)
    return { confidence: 0.6, why: `generated server name ${serverName}, no application protocol offered` };
  // No server name, on a relay's port: onion routers connect like this, but so do many other programs.
  if (port && serverName === undefined && !offersAlpn)
    return { confidence: 0.3, why: 'TLS without server name on a usual Tor relay port' };
  return undefined;
}

/**
 * Whether a server name, in lower case, has the form of the names that Tor generates (tor-spec section 2.1: `www.`, 4 to 25 base32
 * characters, `.com` or `.net`); many ordinary names have it, too.
 */
export function hasTorNameForm(name: string): boolean {
  return NAME.test(name);
}

const NAME = /^www\.([a-z2-7]{4,25})\.(?:com|net)$/;
/** How often each letter, a to z, occurs in ordinary names, in thousandths; a digit: DIGIT thousandths. */
const FREQUENCY = [
  90, 22, 38, 33, 100, 16, 24, 25, 70, 7, 16, 48, 35, 60, 72, 30, 3, 64, 62, 64, 32, 13, 16, 8, 18, 8,
];
const DIGIT = 4;
const RANDOM = 1000 / 32;
/** e^4: the letters are about 50 times more likely random than chosen. About 4 in 5 of Tor's names reach this. */
const THRESHOLD = 4;

/**
 * Whether a server name, in lower case, looks like those Tor generates (tor-spec section 2.1): `www.`, 4 to 25 random base32 characters,
 * `.com` or `.net`. False for fewer than 5 characters (two or more digits at the end not counted), which prove too little. The letters'
 * frequencies and the limit are in this file (FREQUENCY, THRESHOLD).
 */
export function isTorServerName(name: string): boolean {
  // Brands like to end in two or more digits ("office365"), so these say nothing.
  const label = NAME.exec(name)?.[1]?.replace(/[2-7]{2,}$/, '') ?? '';
  if (label.length < 5) return false;
  let score = 0;
  let consonants = 0;
  for (const letter of label) {
    score += Math.log(RANDOM / (FREQUENCY[letter.charCodeAt(0) - 0x61] ?? DIGIT));
    consonants = 'aeiouy'.includes(letter) ? 0 : consonants + 1;
    if (consonants >= 3) score += 0.7;
  }
  return score >= THRESHOLD;
}

/**
 * Relays as `a.b.c.d:port`, `[IPv6]:port` or an address alone, in lower case as the list writes them: an IPv6 address that is not in RFC
 * 5952 form is never found.
 */
export type RelayList = ReadonlySet<string>;

/** `r nickname identity digest date time address port dirport`; the microdescriptor flavour leaves out the digest. */
const CONSENSUS_FIELDS = [8, 9];

/**
 * Reads a relay list: one `address`, `address:port` or `[address]:port` per line, with `#` before comments, or a consensus document, of
 * which only the `r` lines count (dir-spec section 3.4.1: address and port precede the last field). Letters become lower case; other lines
 * are skipped, so any text gives a list, perhaps an empty one. The caller limits the text's length. Never throws.
 */
export function parseRelayList(text: string): RelayList {
  const relays = new Set<string>();
  for (const line of text.split('\n')) {
    const plain = line.replace(/#.*/, '').trim().toLowerCase();
    const fields = plain.split(/\s+/);
    if (fields[0] === 'r' && CONSENSUS_FIELDS.includes(fields.length))
      relays.add(fields.slice(-3, -1).join(':'));
    else if (fields.length === 1 && ENTRY.test(plain)) relays.add(canonical(plain));
  }
  return relays;
}

/** With an IPv6 address as RFC 5952 writes it; what is no address stays as it is, and matches nothing. */
function canonical(entry: string): string {
  const [, inner = entry, port = ''] = /^\[(.*)\](:\d+)$/.exec(entry) ?? [];
  const address = inner.includes(':') ? parseAddress(inner) : undefined;
  if (address === undefined) return entry;
  const text = addressText(address.ipVersion, address.words);
  return port === '' ? text : `[${text}]${port}`;
}

const ENTRY = /^(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|[0-9a-f:]*:[0-9a-f:.]*|\[[0-9a-f:.]+\]:\d{1,5})$/;

/**
 * Whether a server is in the list, either with this TCP port or without a port. `address` is `a.b.c.d` or RFC 5952 text, without brackets.
 */
export function isListedRelay(relays: RelayList, address: string, port: number): boolean {
  const bracketed = address.includes(':') ? `[${address}]` : address;
  return relays.has(`${bracketed}:${port}`) || relays.has(address);
}
