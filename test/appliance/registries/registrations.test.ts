// What the tables of the package say about addresses that have belonged to the same registries for decades.

import { expect, it } from 'vitest';
import { registrationOf } from '../../../appliance/registries/registrations.ts';

it.each([
  ['1.1.1.1', 'AU', 'Cloudflare, Inc.'],
  ['193.0.6.139', 'NL', /RIPE|Reseaux/],
  ['2001:67c:2e8::1', 'NL', /RIPE|Reseaux/],
])('finds %s, the network it lies in and who runs it', (address, country, operator) => {
  const found = registrationOf(address);
  expect(found?.country).toBe(country);
  expect(found?.operator).toMatch(operator);
  expect(found?.network).toMatch(/^[0-9a-f.:]+(?:\/\d+| - [0-9a-f.:]+)$/);
});

it.each(['', 'vpn.example', '10.0.0.1', '192.168.1.1', '0.0.0.0', '255.255.255.255', 'fd00::1', '::'])(
  'knows nothing of %s',
  (address) => {
    expect(registrationOf(address)).toBeUndefined();
  },
);
