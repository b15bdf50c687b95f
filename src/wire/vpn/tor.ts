// Knows: what a connection to a Tor relay looks like from outside, and how relay lists are written. Must not know: TLS's bytes
// (they come as read facts), policy. Follows tor-spec section 2.1 (link handshake), dir-spec section 3.4.1 (consensus "r" lines).
// Tor means to look like TLS: only a listed relay is near certain, shape alone is a suspicion and never makes a frame safe.

/** What is known of a connection that began with a TLS ClientHello. */
export interface TorEvidence {
  /** The server name of the ClientHello, lower case; undefined if it had none. */
  readonly serverName: string | undefined;
  /** The ClientHello offers application protocols: every browser does, Tor does not. */
  readonly offersAlpn: boolean;
  readonly serverPort: number;
  /** The server's address and port are in the relay list. */
  readonly listed: boolean;
}

/** How sure, 0 to 1, and why. */
export interface TorSuspicion {
  readonly confidence: number;
  readonly why: string;
}

const RELAY_PORTS = new Set([9001, 9002, 9030, 9031, 9040, 9050, 9051, 9101, 9150]);

/** Judges the evidence, or undefined when nothing but TLS speaks for Tor. */
export function torSuspicion(evidence: TorEvidence): TorSuspicion | undefined {
  const { serverName, offersAlpn, serverPort, listed } = evidence;
  const random = serverName !== undefined && isTorServerName(serverName) && !offersAlpn;
  const port = RELAY_PORTS.has(serverPort);
  if (listed) return { confidence: random ? 0.99 : 0.9, why: 'the server is a listed Tor relay' };
  if (random && port)
    return { confidence: 0.85, why: `made-up server name ${serverName} on a port of Tor relays` };
  if (random)
    return { confidence: 0.6, why: `made-up server name ${serverName}, no application protocol offered` };
  // An address instead of a name on a relay's port: onion routers also connect so, but so do many others.
  if (port && serverName === undefined && !offersAlpn)
    return { confidence: 0.3, why: 'TLS without server name on a port of Tor relays' };
  return undefined;
}

/** Whether a server name has the form of those that Tor makes up; many names that people choose have it, too. */
export function hasTorNameForm(name: string): boolean {
  return NAME.test(name);
}

const NAME = /^www\.([a-z2-7]{4,25})\.(?:com|net)$/;
/** How often each letter stands in names that people choose, a to z, in thousandths; a digit in four of them. */
const FREQUENCY = [
  90, 22, 38, 33, 100, 16, 24, 25, 70, 7, 16, 48, 35, 60, 72, 30, 3, 64, 62, 64, 32, 13, 16, 8, 18, 8,
];
const DIGIT = 4;
const RANDOM = 1000 / 32;
/** e^4: the letters are 50 times likelier to be drawn by lot than chosen. Of Tor's names about 4 in 5 pass. */
const THRESHOLD = 4;

/**
 * Whether a server name looks like those Tor makes up: `www.`, 4 to 25 letters of base32 drawn by lot, `.com` or `.net`.
 * Short names stay in doubt and are refused.
 */
export function isTorServerName(name: string): boolean {
  // Two or more digits at the end are a habit of brands ("office365") and say nothing.
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

/** Relays as `address:port` and bare `address`, both canonical text; IPv6 addresses with a port stand in brackets. */
export type RelayList = ReadonlySet<string>;

/** `r nickname identity digest date time address port dirport`; the microdescriptor flavour leaves out the digest. */
const CONSENSUS_FIELDS = [8, 9];

/**
 * Reads a relay list: one `address`, `address:port` or `[address]:port` a line, `#` begins a comment, and the `r` lines of a
 * consensus document (address and port before the last field). Other lines of a consensus are passed over. Letter case is folded.
 */
export function parseRelayList(text: string): RelayList {
  const relays = new Set<string>();
  for (const line of text.split('\n')) {
    const plain = line.replace(/#.*/, '').trim().toLowerCase();
    const fields = plain.split(/\s+/);
    if (fields[0] === 'r' && CONSENSUS_FIELDS.includes(fields.length))
      relays.add(fields.slice(-3, -1).join(':'));
    else if (fields.length === 1 && ENTRY.test(plain)) relays.add(plain);
  }
  return relays;
}

const ENTRY = /^(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|[0-9a-f:]*:[0-9a-f:.]*|\[[0-9a-f:.]+\]:\d{1,5})$/;

/** Whether a server is in the list, with its port or with all its ports. */
export function isListedRelay(relays: RelayList, address: string, port: number): boolean {
  const bracketed = address.includes(':') ? `[${address}]` : address;
  return relays.has(`${bracketed}:${port}`) || relays.has(address);
}
