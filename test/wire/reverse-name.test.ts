// Knows: which address a reverse name is about. RFC 1035 section 3.5 and RFC 3596 section 2.5 have the examples.

import { expect, test } from 'vitest';
import { reverseAddress } from '../../src/wire/reverse-name.ts';

test.each([
  ['52.0.2.10.in-addr.arpa', '10.2.0.52'],
  ['b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa', '4321:0:1:2:3:4:567:89ab'],
  ['2.10.in-addr.arpa', undefined],
  ['300.0.2.10.in-addr.arpa', undefined],
  ['x.0.2.10.in-addr.arpa', undefined],
  ['1.2.3.ip6.arpa', undefined],
  ['in-addr.arpa', undefined],
  ['www.example', undefined],
])('%s', (name, address) => {
  expect(reverseAddress(name)).toBe(address);
});
