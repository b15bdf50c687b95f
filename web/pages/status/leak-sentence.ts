// What leaked, in one sentence: the first thing that the red light says.

import { outcomeOf } from '../../../src/api/shown.ts';
import type { IncidentView } from '../../../src/api/status.ts';
import type { Outcome } from '../../../src/api/words.ts';
import { filled } from '../dossier/eve-words.ts';

type Kind = IncidentView['kind'];

const ENCRYPTED_DNS = 'Encrypted DNS went to {place} instead of through the tunnel.';
const LOCAL_NAME = '{name} was asked for on the local network, readable by every device there.';
const UNKNOWN_VPN = 'A {protocol} connection went to {place}, which is not one of your VPN servers.';
const NAMED = 'A connection to {name} was opened at {place}, with its name readable.';
const OTHER = 'Traffic ({protocol}) went to {place} outside the tunnel.';

const SENTENCES: Readonly<Partial<Record<Kind, string>>> = {
  dns: '{name} was looked up in plain text at {place}.',
  mdns: LOCAL_NAME,
  llmnr: LOCAL_NAME,
  nbns: LOCAL_NAME,
  dot: ENCRYPTED_DNS,
  doq: ENCRYPTED_DNS,
  doh: ENCRYPTED_DNS,
  dnscrypt: ENCRYPTED_DNS,
  http: '{name} was visited without encryption at {place}.',
  tls: NAMED,
  quic: NAMED,
  wireguard: UNKNOWN_VPN,
  openvpn: UNKNOWN_VPN,
  ipsec: UNKNOWN_VPN,
  tor: UNKNOWN_VPN,
};

/** As people write them; others in capitals. */
const PROTOCOLS: Readonly<Partial<Record<Kind, string>>> = {
  wireguard: 'WireGuard',
  openvpn: 'OpenVPN',
  ipsec: 'IPsec',
  tor: 'Tor',
  teredo: 'Teredo',
  'http-proxy': 'HTTP proxy',
  'other-ip': 'other IP',
  'l2-other': 'not IP',
  fragment: 'fragments',
  malformed: 'malformed',
};

/** `bank.example was looked up in plain text at 203.0.113.53.` Plain text: the name comes from the wire. */
export function leakSentence({ kind, exposure, destination }: IncidentView): string {
  const isNamed = exposure !== destination && !exposure.startsWith(destination);
  const form = SENTENCES[kind] === NAMED && !isNamed ? OTHER : (SENTENCES[kind] ?? OTHER);
  const protocol = PROTOCOLS[kind] ?? kind.toUpperCase();
  return filled(form, { name: exposure, place: destination, protocol });
}

/** The incident that a red light speaks of: of those that got out and are not acknowledged, one past block mode, else the newest. */
export function worstOf(incidents: readonly IncidentView[]): IncidentView | undefined {
  const newest = (wanted: Outcome): IncidentView | undefined =>
    incidents
      .filter((incident) => !incident.acknowledged && outcomeOf(incident) === wanted)
      .toSorted((a, b) => (a.last < b.last ? 1 : -1))[0];
  return newest('breach') ?? newest('escaped');
}
