// Some prefixes that the IEEE gave away decades ago, one of each size.

import { expect, it } from 'vitest';
import { vendorOf } from '../../../appliance/registries/vendors.ts';

it.each([
  ['00:00:0c:12:34:56', /cisco/i],
  ['00:16:3e:00:00:01', /xensource/i],
  ['b8:27:eb:ab:cd:ef', /raspberry/i],
])('%s was given to %s', (mac, vendor) => {
  expect(vendorOf(mac)).toMatch(vendor);
  expect(vendorOf(mac.toUpperCase())).toBe(vendorOf(mac));
  expect(vendorOf(mac)).not.toMatch(/[\n"\\]/);
});

it.each(['02:00:00:00:00:0c', 'ff:ff:ff:ff:ff:ff', ''])('%s was given to nobody', (mac) => {
  expect(vendorOf(mac)).toBeUndefined();
});
