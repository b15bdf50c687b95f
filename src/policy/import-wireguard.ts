// Knows: which endpoints a WireGuard configuration names. Must not know: files, keys (no value but an endpoint's is looked at).
// Follows wg(8), "CONFIGURATION FILE FORMAT", and wg-quick(8), whose additions concern the client alone.

import { parseEndpoint } from './endpoint.ts';
import { boundedUnused, distinctEndpoints, shownKeyword, trimmedLines } from './imported.ts';
import type { Import, UnusedLine } from './imported.ts';
import type { Endpoint } from './policy.ts';

const INTERFACE = new Set([
  ...['privatekey', 'listenport', 'fwmark'],
  // wg-quick
  ...['address', 'dns', 'mtu', 'table', 'preup', 'postup', 'predown', 'postdown', 'saveconfig'],
]);
const PEER = new Set(['publickey', 'presharedkey', 'allowedips', 'endpoint', 'persistentkeepalive']);

/** Whether a text is one, by its sections. */
export function isWireguardConfig(text: string): boolean {
  return trimmedLines(text).some((line) =>
    ['[interface]', '[peer]'].includes(withoutComment(line).toLowerCase()),
  );
}

/** One tunnel with the endpoints of all peers; a peer without one (it calls in itself) is named. Never throws. */
export function importWireguard(text: string): Import {
  const endpoints: Endpoint[] = [];
  const unused: UnusedLine[] = [];
  let section = '';
  let peerAt = 0;
  let peerHasEndpoint = true;
  const closePeer = (): void => {
    if (section === 'peer' && !peerHasEndpoint)
      unused.push({ line: peerAt, why: 'this peer has no Endpoint: nothing is opened for it' });
  };
  for (const [index, whole] of trimmedLines(text).entries()) {
    const line = index + 1;
    const rest = withoutComment(whole);
    if (rest === '') continue;
    const header = /^\[(\w+)\]$/.exec(rest)?.[1]?.toLowerCase();
    if (header !== undefined) {
      closePeer();
      section = header;
      peerAt = line;
      peerHasEndpoint = false;
      if (header !== 'interface' && header !== 'peer')
        unused.push({ line, why: `there is no section ${shownKeyword(header)}` });
      continue;
    }
    const equals = rest.indexOf('=');
    const keyword = equals < 0 ? '' : rest.slice(0, equals).trim();
    const value = keyword === '' ? undefined : rest.slice(equals + 1).trim();
    const known = section === 'peer' ? PEER : INTERFACE;
    if (value === undefined || !known.has(keyword.toLowerCase())) {
      unused.push({ line, why: `${shownKeyword(keyword)} is no setting of this section` });
      continue;
    }
    if (section !== 'peer' || keyword.toLowerCase() !== 'endpoint') continue;
    const endpoint = parseEndpoint(`udp:${value}`);
    peerHasEndpoint = true;
    if (endpoint === undefined) unused.push({ line, why: 'this Endpoint is no address or name with a port' });
    else endpoints.push(endpoint);
  }
  closePeer();
  const found = distinctEndpoints(endpoints);
  return {
    tunnels: found.length === 0 ? [] : [{ protocol: 'wireguard', endpoints: found }],
    unused: boundedUnused(unused),
  };
}

/** Searched for, not matched: an expression that looks for the end of a line at each `#` would look again and again. */
function withoutComment(line: string): string {
  const at = line.indexOf('#');
  return at < 0 ? line : line.slice(0, at).trim();
}
