// Knows: networks as offers and tunnels name them, and which are private. Must not know: who names them.
// Follows RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291.

import { addressText, inNetwork, networkOf, parseAddress } from '../../wire/ip/address.ts';
import type { IpAddress } from '../../wire/ip/address.ts';

export interface Network {
  readonly ipVersion: 4 | 6;
  /** The network address. */
  readonly words: Uint32Array;
  /** Prefix length over all 128 bits: for IPv4 96 more than people write. */
  readonly bits: number;
}

/** `10.0.0.0/8`, or an address alone; host bits are cleared. Undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [host = '', length] = text.split('/');
  return networkAround(host, length === undefined ? undefined : Number(length), true);
}

/** The network of `length` bits around an address; of the address alone when `alone` is set and there is no length. */
export function networkAround(
  text: string | undefined,
  length: number | undefined,
  alone = false,
): Network | undefined {
  const address = parseAddress(text ?? '');
  if (address === undefined || (length === undefined && !alone)) return undefined;
  const most = address.ipVersion === 4 ? 32 : 128;
  const own = length ?? most;
  if (!Number.isInteger(own) || own < 0 || own > most) return undefined;
  const bits = own + 128 - most;
  return { ipVersion: address.ipVersion, words: networkOf(address.words, bits), bits };
}

export function formatPrefix({ ipVersion, words, bits }: Network): string {
  return `${addressText(ipVersion, words)}/${ipVersion === 4 ? bits - 96 : bits}`;
}

export function sameNetwork(a: Network, b: Network): boolean {
  return formatPrefix(a) === formatPrefix(b);
}

/** Whether an address lies in one of the networks. */
export function isIn(address: IpAddress | undefined, networks: readonly Network[]): boolean {
  return networks.some(
    ({ ipVersion, words, bits }) => ipVersion === address?.ipVersion && inNetwork(address.words, words, bits),
  );
}

const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
].flatMap((text) => parseNetwork(text) ?? []);

/** Whether all of a network lies in a range that nobody has on the public internet. */
export function isPrivate(network: Network): boolean {
  return PRIVATE.some(
    ({ ipVersion, words, bits }) =>
      ipVersion === network.ipVersion && network.bits >= bits && inNetwork(network.words, words, bits),
  );
}
