// Knows: which formats of tunnel configurations are read, and how each is told from the others. Must not know: files, what is in them.

import { importApple, isAppleConfig } from './import-apple.ts';
import { importNetworkManager, isNetworkManagerConfig } from './import-networkmanager.ts';
import { importNetworkd, isNetworkdConfig } from './import-networkd.ts';
import { importOpenvpn, isOpenvpnConfig } from './import-openvpn.ts';
import { importSwanctl, isSwanctlConfig } from './import-swanctl.ts';
import { importWireguard, isWireguardConfig } from './import-wireguard.ts';
import type { Import } from './imported.ts';
import { decodedText } from './text-encoding.ts';

/** In words, for whoever sent something else. */
export const IMPORT_FORMATS =
  'WireGuard (.conf), OpenVPN (.ovpn), systemd-networkd (.netdev), NetworkManager (.nmconnection), Apple (.mobileconfig) or strongSwan (swanctl.conf)';

/** The surest first: a WireGuard configuration within a profile of Apple's is none by itself. */
const FORMATS: readonly (readonly [(text: string) => boolean, (text: string) => Import])[] = [
  [isAppleConfig, importApple],
  [isNetworkManagerConfig, importNetworkManager],
  [isNetworkdConfig, importNetworkd],
  [isSwanctlConfig, importSwanctl],
  [isWireguardConfig, importWireguard],
  [isOpenvpnConfig, importOpenvpn],
];

/** What a configuration comes to; undefined for what is none. Never throws. */
export function importConfig(given: string | Uint8Array): Import | undefined {
  const text = typeof given === 'string' ? given.replace(/^\ufeff/, '') : decodedText(given);
  return FORMATS.find(([isOne]) => isOne(text))?.[1](text);
}
