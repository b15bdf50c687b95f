// Reads the servers from an Apple configuration profile. Follows Apple's "Configuration Profile Reference" (VPN payloads); the apps of
// WireGuard and OpenVPN keep their own configuration text there.

import { importOpenvpn } from './import-openvpn.ts';
import { importWireguard } from './import-wireguard.ts';
import { Importing, hostAndPort, shownKeyword } from './imported.ts';
import type { Import } from './imported.ts';
import { isDict, plistAt, plistList, plistText, readPlist } from './plist.ts';
import type { PlistDict } from './plist.ts';

/** Whether the text is a profile with a VPN payload. */
export function isAppleConfig(text: string): boolean {
  return text.includes('<plist') && text.includes('com.apple.vpn.managed');
}

/** One tunnel with the servers of all VPN payloads; what opens nothing is in `unused`. Never throws. */
export function importApple(text: string): Import {
  const importing = new Importing();
  const profile = readPlist(text);
  if (profile === undefined) {
    importing.unused(1, 'this profile is incomplete, or a signature interrupts its text: export it unsigned');
    return importing.result();
  }
  for (const payload of plistList(profile, 'PayloadContent')) {
    if (!isDict(payload)) continue;
    if (plistText(payload, 'PayloadType')?.startsWith('com.apple.vpn.managed') === true)
      readPayload(payload, importing);
  }
  return importing.result();
}

function readPayload(payload: PlistDict, importing: Importing): void {
  const { line } = payload;
  const type = plistText(payload, 'VPNType') ?? '';
  const ipsec = (server: string | undefined): void => {
    importing.server(
      line,
      `the server of this ${shownKeyword(type)} payload`,
      'ipsec',
      'udp',
      server ?? '',
      '500',
    );
  };
  switch (type) {
    case 'IKEv2':
    case 'IPSec': {
      ipsec(plistText(payload, type, 'RemoteAddress'));
      return;
    }
    case 'L2TP': {
      ipsec(plistText(payload, 'PPP', 'CommRemoteAddress'));
      return;
    }
    case 'AlwaysOn':
      for (const tunnel of plistList(payload, 'AlwaysOn', 'TunnelConfigurations'))
        ipsec(plistText(tunnel, 'RemoteAddress'));
      return;
    case 'PPTP': {
      importing.unused(line, 'PPTP hides nothing (rule F): no tunnel is made from it');
      return;
    }
    default:
      readApp(payload, importing);
  }
}

/** VPNs of apps: two keep their own configuration there as text. */
function readApp(payload: PlistDict, importing: Importing): void {
  const { line } = payload;
  const app = plistText(payload, 'VPNSubType') ?? '';
  const wireguard = plistText(payload, 'VendorConfig', 'WgQuickConfig');
  if (wireguard !== undefined) {
    importing.within(line, importWireguard(wireguard));
    return;
  }
  if (app.startsWith('net.openvpn.')) {
    const vendor = plistAt(payload, 'VendorConfig');
    const settings = isDict(vendor) ? [...vendor.values] : [];
    // Blocks such as certificates are values here; a server is always a single line.
    const lines = settings.flatMap(([key, value]) =>
      typeof value === 'string' && !value.includes('\n') ? [`${key.replace(/\.\d+$/, '')} ${value}`] : [],
    );
    importing.within(line, importOpenvpn(lines.join('\n')));
    return;
  }
  const server = hostAndPort(plistText(payload, 'VPN', 'RemoteAddress') ?? '').host;
  const what = server === '' ? 'names no server' : 'uses its own protocol';
  importing.unused(line, `the app of this payload ${what}: add its server by hand, with protocol opaque`);
}
