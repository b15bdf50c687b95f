// Reads the endpoints from a .netdev file. Follows systemd.netdev(5): [NetDev] Kind=wireguard, [WireGuardPeer] Endpoint=.

import { Importing, shownKeyword } from './imported.ts';
import type { Import } from './imported.ts';
import { iniSections, iniValue } from './ini.ts';

const STYLE = { comments: 'lines', joined: true } as const;

/** Whether the text is a .netdev file, by its section [NetDev]. */
export function isNetworkdConfig(text: string): boolean {
  return iniSections(text, STYLE).some(({ name }) => name === 'NetDev');
}

/** One tunnel with the endpoints of all peers; what opens nothing is in `unused`. Never throws. */
export function importNetworkd(text: string): Import {
  const importing = new Importing();
  const sections = iniSections(text, STYLE);
  const device = sections.find(({ name }) => name === 'NetDev');
  const kind = iniValue(device, 'kind') ?? '';
  if (kind !== 'wireguard') {
    importing.unused(
      device?.line ?? 1,
      `a device of kind ${shownKeyword(kind)} is not a tunnel to a VPN server`,
    );
    return importing.result();
  }
  for (const { name, line: at, entries } of sections) {
    if (name !== 'WireGuardPeer') continue;
    const endpoint = entries.findLast(({ key }) => key === 'Endpoint');
    if (endpoint === undefined) importing.unused(at, 'this peer has no Endpoint: nothing is opened for it');
    else importing.service(endpoint.line, 'this Endpoint', 'wireguard', 'udp', endpoint.value);
  }
  return importing.result();
}
