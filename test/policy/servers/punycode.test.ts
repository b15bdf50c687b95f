// How hidden letters come back. RFC 3492 section 7.1 has the vectors; Node's own URL is the other judge.

import { domainToASCII, domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { unicodeName } from '../../../src/policy/servers/punycode.ts';

test.each([
  ['xn--bcher-kva.example', 'bücher.example'],
  ['www.xn--mnchen-3ya.xn--fsqu00a', 'www.münchen.例子'],
  // RFC 3492 section 7.1 (B), (D), (I), (L).
  ['xn--ihqwcrb4cv8a8dqg056pqjye', '他们为什么不说中文'],
  ['xn--proprostnemluvesky-uyb24dma41a', 'pročprostěnemluvíčesky'],
  ['xn--b1abfaaepdrnnbgefbadotcwatmq2g4l', 'почемужеонинеговорятпорусски'],
  ['xn--3b-ww4c5e180e575a65lsy2b', '3年b組金八先生'],
])('%s', (name, letters) => {
  expect(unicodeName(name)).toBe(letters);
});

test.each(['xn--', 'xn--0', 'xn--zzzzzzzzzzzz', 'xn--a-ü', 'xn--99999999', 'www.example', ''])(
  '%j stands for nothing else',
  (name) => {
    expect(unicodeName(name)).toBe(name);
  },
);

it('gives what a browser takes back', () => {
  const letters = fc.string({
    unit: fc.constantFrom(...Array.from('aböéñ中国日本语абвאב')),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(letters, (label) => {
      const ascii = domainToASCII(label);
      fc.pre(ascii !== '');
      expect(unicodeName(ascii)).toBe(domainToUnicode(ascii));
    }),
  );
});
