// Reads the endpoints from a WireGuard configuration. Keys are not read. Follows wg(8), "CONFIGURATION FILE FORMAT", and wg-quick(8), whose
// additions affect the client only.

import { Importing, shownKeyword, trimmedLines } from './imported.ts';
import type { Import } from './imported.ts';
import { AMNEZIA_KEYS, formOf } from '../schema/wireguard-settings.ts';
import type { TunnelSettings } from '../schema/wireguard-settings.ts';
import { iniSections } from './ini.ts';

const INTERFACE = new Set([
  'privatekey',
  'listenport',
  'fwmark',
  // wg-quick
  'address',
  'dns',
  'mtu',
  'table',
  'preup',
  'postup',
  'predown',
  'postdown',
  'saveconfig',
]);
const PEER = new Set([
  'publickey',
  'presharedkey',
  'allowedips',
  'endpoint',
  'persistentkeepalive',
  // AmneziaWG; changes nothing on the wire
  'advancedsecurity',
]);
const AMNEZIA: ReadonlySet<string> = new Set(AMNEZIA_KEYS);

/** Whether the text is one, by its sections [Interface] or [Peer] in any letter case. */
export function isWireguardConfig(text: string): boolean {
  return trimmedLines(text).some((line) => /^\[(interface|peer)\]\s*(#.*)?$/i.test(line.slice(0, 200)));
}

/** One tunnel with the endpoints of all peers; a peer without one (it connects by itself) is reported as unused. Never throws. */
export function importWireguard(text: string): Import {
  const importing = new Importing();
  const amnezia: Record<string, string> = {};
  let reserved: string | undefined;
  let changedAt = 1;
  for (const { name, line: at, entries, odd } of iniSections(text, { comments: 'anywhere' })) {
    const section = name.toLowerCase();
    if (section !== 'interface' && section !== 'peer' && section !== '')
      importing.unused(at, `there is no section ${shownKeyword(section)}`);
    for (const line of odd) importing.unused(line, 'something is not a setting of this section');
    const known = section === 'peer' ? PEER : INTERFACE;
    let hasEndpoint = false;
    for (const { line, key, value } of entries) {
      const keyword = key.toLowerCase();
      const isAmnezia = section === 'interface' && AMNEZIA.has(keyword);
      if (isAmnezia && value !== '') amnezia[keyword] = value;
      if (keyword === 'reserved') reserved = value;
      if (isAmnezia || keyword === 'reserved') changedAt = line;
      else if (!known.has(keyword))
        importing.unused(line, `${shownKeyword(key)} is not a setting of this section`);
      if (section !== 'peer' || keyword !== 'endpoint') continue;
      hasEndpoint = true;
      importing.service(line, 'this Endpoint', 'wireguard', 'udp', value);
    }
    if (section === 'peer' && !hasEndpoint)
      importing.unused(at, 'this peer has no Endpoint: nothing is opened for it');
  }
  readForm(importing, changedAt, amnezia, reserved);
  return importing.result();
}

/** Settings that change the packets. If one is not valid, the servers are dropped: their packets would not be WireGuard's own. */
function readForm(
  importing: Importing,
  line: number,
  amnezia: Readonly<Record<string, string>>,
  reserved: string | undefined,
): void {
  const bytes = reserved
    ?.split(/[,\s[\]]+/)
    .filter(Boolean)
    .map(Number);
  const settings: TunnelSettings = {
    ...(bytes === undefined ? {} : { reserved: bytes }),
    ...(Object.keys(amnezia).length === 0 ? {} : { amnezia }),
  };
  const form = formOf(settings);
  if (form === undefined) return;
  if ('wrong' in form) {
    const what = form.wrong.at(-1) ?? '';
    importing.unused(
      line,
      `"${what}" is not valid, so it is not known what this tunnel's packets look like: trust its server with protocol opaque`,
    );
    importing.drop();
  } else {
    importing.change(settings);
  }
}
