// What the public suffix list says of names of every sort.

import { expect, it } from 'vitest';
import { publicSuffix } from '../../../appliance/history/public-suffix.ts';

it.each([
  ['www.bank.com', 'com'],
  ['www.bank.co.uk', 'co.uk'],
  ['a.b.kobe.jp', 'b.kobe.jp'],
  ['shop.bank.com.au', 'com.au'],
  ['anna.github.io', 'io'],
  ['clinic.berlin', 'berlin'],
  ['xn--fiqs8s.xn--55qx5d.cn', 'xn--55qx5d.cn'],
  ['annas-laptop', ''],
  ['nas.annas-home', ''],
  ['_http._tcp.anna', ''],
  ['\\208\\001.com', 'com'],
  ['', ''],
])('%s: "%s"', (name, suffix) => {
  expect(publicSuffix(name)).toBe(suffix);
});
