// IP networks as text and bits, and which of them are private: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291.

import { addressText, inNetwork, networkOf, parseAddress } from '../../wire/ip/address.ts';
import type { IpAddress } from '../../wire/ip/address.ts';

/** An IP network over 128 bits. */
export interface Network {
  readonly ipVersion: 4 | 6;
  /** The network address in four 32-bit words, IPv4 in the last; host bits are clear. */
  readonly words: Uint32Array;
  /** Prefix length over all 128 bits: for IPv4, 96 more than in the usual notation. */
  readonly bits: number;
}

/** Parses `10.0.0.0/8`, or a single address; host bits are cleared. Undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [host = '', length] = text.split('/');
  return networkAround(host, length === undefined ? undefined : Number(length), true);
}

/**
 * The network with a prefix of `length` bits that an address is in. Without a length: undefined, or with `alone` the address itself.
 * Undefined also for text that is no address, and for a length that its family does not have.
 */
export function networkAround(
  text: string | undefined,
  length: number | undefined,
  alone = false,
): Network | undefined {
  const address = parseAddress(text ?? '');
  if (address === undefined || (length === undefined && !alone)) return undefined;
  const full = address.ipVersion === 4 ? 32 : 128;
  const prefix = length ?? full;
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > full) return undefined;
  const bits = prefix + 128 - full;
  return { ipVersion: address.ipVersion, words: networkOf(address.words, bits), bits };
}

/** `10.0.0.0/8`, the counterpart of `parseNetwork`. */
export function formatPrefix({ ipVersion, words, bits }: Network): string {
  return `${addressText(ipVersion, words)}/${ipVersion === 4 ? bits - 96 : bits}`;
}

/** Whether family, address and prefix length are the same. */
export function sameNetwork(a: Network, b: Network): boolean {
  return formatPrefix(a) === formatPrefix(b);
}

/** Whether an address lies in one of the networks; false for undefined. */
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

/**
 * Whether a network lies entirely in a range that is not used on the public internet (RFC 1918, 6598, 3927, 4193, and fe80::/10 of RFC
 * 4291).
 */
export function isPrivate(network: Network): boolean {
  return PRIVATE.some(
    ({ ipVersion, words, bits }) =>
      ipVersion === network.ipVersion && network.bits >= bits && inNetwork(network.words, words, bits),
  );
}
