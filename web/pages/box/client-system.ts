// Knows: which of the systems that remedies are written for a device seems to run, by what it tells every network. Must not know: HTML.
// Follows RFC 2132: option 60 (vendor class) and the order of option 55 (what it asks for). A guess: it only says what to show first.

import type { ClientView } from '../../../src/api/past.ts';
import type { System } from '../../../src/guard/incidents/rule-texts.ts';

const CLASSES: readonly (readonly [RegExp, System])[] = [
  [/^MSFT /, 'Windows'],
  [/^android-dhcp/i, 'Android'],
  [/^(?:dhcpcd|udhcp|systemd|Linux)/i, 'Linux'],
];

/** Apple says no vendor class, and asks in an order of its own; LDAP (95) is for Macs. */
const APPLE = /^1,121,3,6,15,/;

/** Undefined when the device does not say. */
export function systemOf({
  vendorClass,
  fingerprint,
}: Pick<ClientView, 'vendorClass' | 'fingerprint'>): System | undefined {
  if (vendorClass !== null) return CLASSES.find(([pattern]) => pattern.test(vendorClass))?.[1];
  if (fingerprint === null || !APPLE.test(fingerprint)) return undefined;
  return fingerprint.split(',').includes('95') ? 'macOS' : 'iOS';
}
