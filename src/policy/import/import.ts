// The formats of tunnel configurations that can be imported, and how each is recognized.

import { importApple, isAppleConfig } from './import-apple.ts';
import { importList, isServerList } from './import-lists.ts';
import type { ListChoice } from './import-lists.ts';
import { importNetworkManager, isNetworkManagerConfig } from './import-networkmanager.ts';
import { importNetworkd, isNetworkdConfig } from './import-networkd.ts';
import { importObfuscator, isObfuscatorConfig } from './import-obfuscators.ts';
import { importOpenvpn, isOpenvpnConfig } from './import-openvpn.ts';
import { importSwanctl, isSwanctlConfig } from './import-swanctl.ts';
import { importWireguard, isWireguardConfig } from './import-wireguard.ts';
import type { Import } from './imported.ts';
import { decodedText } from './text-encoding.ts';

/** The formats in words, for an error message. */
export const IMPORT_FORMATS =
  'WireGuard (.conf), OpenVPN (.ovpn), systemd-networkd (.netdev), NetworkManager (.nmconnection), Apple (.mobileconfig), strongSwan (swanctl.conf), Shadowsocks, sing-box, usque (JSON or links), Tor bridges, wstunnel, udp2raw, or a server list (Mullvad, gluetun, Tor, Tailscale)';

/** The most specific first: an Apple profile may contain a WireGuard configuration. */
const FORMATS: readonly (readonly [(text: string) => boolean, (text: string) => Import])[] = [
  [isAppleConfig, importApple],
  [isNetworkManagerConfig, importNetworkManager],
  [isNetworkdConfig, importNetworkd],
  [isSwanctlConfig, importSwanctl],
  [isWireguardConfig, importWireguard],
  [isOpenvpnConfig, importOpenvpn],
  [isObfuscatorConfig, importObfuscator],
];

/**
 * The tunnel of a configuration (text, or bytes of any Unicode encoding); undefined for an unknown format. A known one that opens nothing
 * has no tunnels and says why in `unused`. Never throws.
 */
export function importConfig(given: string | Uint8Array, choice: ListChoice = {}): Import | undefined {
  const text = typeof given === 'string' ? given.replace(/^\ufeff/, '') : decodedText(given);
  const read = FORMATS.find(([isFormat]) => isFormat(text))?.[1];
  // A bracket begins a JSON list as well as a section, so server lists come last.
  if (read !== undefined) return read(text);
  return isServerList(text) ? importList(text, choice) : undefined;
}
