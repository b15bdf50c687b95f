// Which names and addresses are public resolvers'. Follows the providers' own announcements, as far as they are in the list.

import { expect, test } from 'vitest';
import { parseAddress } from '../../../src/wire/ip/address.ts';
import { resolverOfAddress, resolverOfName } from '../../../src/wire/names/doh-providers.ts';

test.each([
  ['dns.google', 'Google'],
  ['mozilla.cloudflare-dns.com', 'Cloudflare'],
  ['abc123.dns.nextdns.io', 'NextDNS'],
  ['dns.quad9.net', 'Quad9'],
  ['_dns.resolver.arpa', 'designated by the network'],
])('%s is a resolver of %s', (host, provider) => {
  expect(resolverOfName(host)).toBe(provider);
});

test.each([['google.com'], ['www.quad9.net'], ['notcloudflare-dns.com'], ['dns.google.evil.example'], ['']])(
  '%j is none',
  (host) => {
    expect(resolverOfName(host)).toBeUndefined();
  },
);

test.each([
  ['1.1.1.1', 'Cloudflare'],
  ['2001:4860:4860::8888', 'Google'],
  ['::ffff:1.1.1.1', undefined],
  ['192.0.2.1', undefined],
])('%s', (text, provider) => {
  const address = parseAddress(text);
  expect(address && resolverOfAddress(address.ipVersion, address.words)).toBe(provider);
});
