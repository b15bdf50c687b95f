// Knows: which formats of tunnel configurations are read, and how each is told from the others. Must not know: files, what is in them.

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

/** In words, for whoever sent something else. */
export const IMPORT_FORMATS =
  'WireGuard (.conf), OpenVPN (.ovpn), systemd-networkd (.netdev), NetworkManager (.nmconnection), Apple (.mobileconfig), strongSwan (swanctl.conf), Shadowsocks, sing-box, usque (JSON or links), bridges of Tor, wstunnel, udp2raw, or a list of servers (Mullvad, gluetun, Tor, Tailscale)';

/** The surest first: a WireGuard configuration within a profile of Apple's is none by itself. */
const FORMATS: readonly (readonly [(text: string) => boolean, (text: string) => Import])[] = [
  [isAppleConfig, importApple],
  [isNetworkManagerConfig, importNetworkManager],
  [isNetworkdConfig, importNetworkd],
  [isSwanctlConfig, importSwanctl],
  [isWireguardConfig, importWireguard],
  [isOpenvpnConfig, importOpenvpn],
  [isObfuscatorConfig, importObfuscator],
];

/** What a configuration comes to; undefined for what is none. Never throws. */
export function importConfig(given: string | Uint8Array, choice: ListChoice = {}): Import | undefined {
  const text = typeof given === 'string' ? given.replace(/^\ufeff/, '') : decodedText(given);
  const read = FORMATS.find(([isOne]) => isOne(text))?.[1];
  // A bracket begins a list as well as a section, so lists come last.
  if (read !== undefined) return read(text);
  return isServerList(text) ? importList(text, choice) : undefined;
}
