// Knows: which servers a configuration profile of Apple's names. Must not know: files, keys, certificates.
// Follows Apple's "Configuration Profile Reference" (VPN payloads); what WireGuard's and OpenVPN's apps keep there is their own text.

import { importOpenvpn } from './import-openvpn.ts';
import { importWireguard } from './import-wireguard.ts';
import { Importing, hostAndPort, shownKeyword } from './imported.ts';
import type { Import } from './imported.ts';
import { isDict, plistAt, plistList, plistText, readPlist } from './plist.ts';
import type { PlistDict } from './plist.ts';

export function isAppleConfig(text: string): boolean {
  return text.includes('<plist') && text.includes('com.apple.vpn.managed');
}

/** Never throws. */
export function importApple(text: string): Import {
  const importing = new Importing();
  const profile = readPlist(text);
  if (profile === undefined) {
    importing.unused(1, 'this profile is cut, or its signature is woven into it: export it unsigned');
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
      importing.unused(line, 'PPTP hides nothing (rule F): no tunnel is made of it');
      return;
    }
    default:
      readApp(payload, importing);
  }
}

/** VPNs of apps: two keep their own configuration there, word for word. */
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
    // Blocks such as certificates are values here; what is no one line is none of a server.
    const lines = settings.flatMap(([key, value]) =>
      typeof value === 'string' && !value.includes('\n') ? [`${key.replace(/\.\d+$/, '')} ${value}`] : [],
    );
    importing.within(line, importOpenvpn(lines.join('\n')));
    return;
  }
  const server = hostAndPort(plistText(payload, 'VPN', 'RemoteAddress') ?? '').host;
  const what = server === '' ? 'names no server' : 'speaks a protocol of its own';
  importing.unused(line, `the app of this payload ${what}: write its server down by hand, as opaque`);
}
