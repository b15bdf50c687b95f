// Guesses the operating system of a device from DHCP (RFC 2132): option 60, the vendor class, and the order of option 55, the options that it
// asks for. The guess only decides which remedy is shown first.

import type { ClientView } from '../../../src/api/past.ts';
import type { System } from '../../../src/guard/incidents/rule-texts.ts';

const CLASSES: readonly (readonly [RegExp, System])[] = [
  [/^MSFT /, 'Windows'],
  [/^android-dhcp/i, 'Android'],
  [/^(?:dhcpcd|udhcp|systemd|Linux)/i, 'Linux'],
];

/** Apple's systems send no vendor class and ask for options in this order; only macOS asks for LDAP (95). */
const APPLE = /^1,121,3,6,15,/;

/**
 * The guessed system; undefined if there is no clue. `vendorClass`: text of option 60; `fingerprint`: the numbers of option 55 with commas,
 * in the order sent (RFC 2132, 9.8 and 9.13).
 */
export function systemOf({
  vendorClass,
  fingerprint,
}: Pick<ClientView, 'vendorClass' | 'fingerprint'>): System | undefined {
  if (vendorClass !== null) return CLASSES.find(([pattern]) => pattern.test(vendorClass))?.[1];
  if (fingerprint === null || !APPLE.test(fingerprint)) return undefined;
  return fingerprint.split(',').includes('95') ? 'macOS' : 'iOS';
}
