// The examples of RFC 6052 section 2.4 and RFC 7050. Holds src/policy/servers/nat64.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { addressText, parseAddress } from '../../../src/wire/ip/address.ts';
import { NAT64_LENGTHS, embed, prefixOfAnswer } from '../../../src/policy/servers/nat64.ts';

const wordsOf = (text: string): Uint32Array => parseAddress(text)?.words ?? new Uint32Array(4);

it.each([
  ['2001:db8::', 32, '2001:db8:c000:221::'],
  ['2001:db8:100::', 40, '2001:db8:1c0:2:21::'],
  ['2001:db8:122::', 48, '2001:db8:122:c000:2:2100::'],
  ['2001:db8:122:300::', 56, '2001:db8:122:3c0:0:221::'],
  ['2001:db8:122:344::', 64, '2001:db8:122:344:c0:2:2100:0'],
  ['2001:db8:122:344::', 96, '2001:db8:122:344::c000:221'],
] as const)('%s/%i', (prefix, length, address) => {
  expect(embed(wordsOf(prefix), length, 0xc0000221)).toEqual(wordsOf(address));
});

it('a prefix is found from the answer for ipv4only.arpa, whatever stands in it', () => {
  const words = fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 4, maxLength: 4 });
  const property = fc.property(
    words,
    fc.constantFrom(...NAT64_LENGTHS),
    fc.constantFrom(170, 171),
    (any, length, last) => {
      const answer = embed(Uint32Array.from(any), length, 0xc0000000 + last);
      // A /96 prefix leaves bits 64 to 71 as they are; they must be zero in any (RFC 6052 section 2.2), and no answer is read as two.
      const found = prefixOfAnswer(answer);
      expect(found === undefined || found.length === length).toBe(true);
      if (found !== undefined) expect(embed(found.words, found.length, 0xc0000000 + last)).toEqual(answer);
    },
  );
  fc.assert(property, { seed: 7050 });
  for (const length of NAT64_LENGTHS) {
    const prefix = wordsOf('2001:db8:122:300::');
    const found = prefixOfAnswer(embed(prefix, length, 0xc00000aa));
    expect(found?.length).toBe(length);
    expect(addressText(6, embed(found?.words ?? prefix, length, 1))).toBe(
      addressText(6, embed(prefix, length, 1)),
    );
  }
});

it.each([
  ['no well-known address', '2001:db8::c000:221'],
  ['two of them', '2001:db8:c000:aa::c000:ab'],
])('an answer with %s tells nothing', (_case, address) => {
  expect(prefixOfAnswer(wordsOf(address))).toBeUndefined();
});
