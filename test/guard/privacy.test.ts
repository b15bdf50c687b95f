// Knows: how much of a name each privacy setting shows. Must not know: where names are shown.

import { expect, test } from 'vitest';
import { showName } from '../../src/guard/privacy.ts';

test.each([
  ['www.bank.example', 'full', 'www.bank.example'],
  ['www.bank.example', 'redacted', '*.bank.example'],
  ['bank.example', 'redacted', 'bank.example'],
  ['annas-laptop', 'redacted', '(hidden)'],
  ['www.bank.example', 'minimal', '(hidden)'],
] as const)('%s under %s: %s', (name, privacy, shown) => {
  expect(showName(name, privacy)).toBe(shown);
});
