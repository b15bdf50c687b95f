// Knows: which formats of tunnel configurations are read, and how each is told from the others. Must not know: files, what is in them.

import { importOpenvpn, isOpenvpnConfig } from './import-openvpn.ts';
import { importWireguard, isWireguardConfig } from './import-wireguard.ts';
import type { Import } from './imported.ts';
import { decodedText } from './text-encoding.ts';

/** In words, for whoever sent something else. */
export const IMPORT_FORMATS = 'a WireGuard .conf or an OpenVPN .ovpn';

/** What a configuration comes to; undefined for what is none. Never throws. */
export function importConfig(given: string | Uint8Array): Import | undefined {
  const text = typeof given === 'string' ? given.replace(/^\ufeff/, '') : decodedText(given);
  if (isWireguardConfig(text)) return importWireguard(text);
  return isOpenvpnConfig(text) ? importOpenvpn(text) : undefined;
}
