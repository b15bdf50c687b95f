// Checks that a protected name is one in whatever letters it is written on a wire, and held in both of its forms.

import { describe, expect, it } from 'vitest';
import { asciiName, lettersOf } from '../../../src/policy/servers/name-forms.ts';
import { mustTunnelForms, isProtected, wireName } from '../../../src/policy/servers/names.ts';
import { matchesPattern } from '../../../src/policy/schema/endpoint.ts';
import { readName } from '../../../src/wire/names/dns-name.ts';
import { policyOf } from '../../guard/samples.ts';

/** As it is written in letters, and in ASCII. */
const NAMES: readonly (readonly [letters: string, ascii: string])[] = [
  ['bücher.example', 'xn--bcher-kva.example'],
  // A joiner of nothing's width, which UTS #46 keeps here.
  ['نامه\u200cای.example', 'xn--mgba3gch31f060k.example'],
  ['💩.example', 'xn--ls8h.example'],
  ['i❤.example', 'xn--i-7iq.example'],
  ['例子.例子', 'xn--fsqu00a.xn--fsqu00a'],
  ['почему.example', 'xn--e1aoedxv.example'],
];

describe.each(NAMES)('%s', (letters, ascii) => {
  const policies = [letters, ascii].map((name) =>
    policyOf(
      `version: 1\nprofile: split\nmustTunnel: ['${name}']\ntunnels:\n  - {name: home, protocol: wireguard, endpoints: ['udp:198.51.100.7:51820']}\n`,
    ),
  );
  const octets = Uint8Array.from(wireName(`www.${letters}`));
  const read = readName(octets, 0, octets.length, 0) ?? '';

  it('means one name, however the policy writes it', () => {
    expect(policies[0]?.mustTunnel).toEqual(policies[1]?.mustTunnel);
    expect(policies[0]?.mustTunnel[0]?.suffix).toBe(ascii);
  });

  it('is protected as it is read on a wire, in letters and in ASCII', () => {
    for (const policy of policies)
      for (const name of [read, `www.${ascii}`, letters, ascii])
        expect(isProtected(name, policy), name).toBe(true);
    expect(asciiName(read)).toBe(`www.${ascii}`);
  });

  it('is held by judge and kernel in the same octets', () => {
    const forms = policies.flatMap((policy) => mustTunnelForms(policy));
    expect(forms.some(({ suffix }) => wireName(suffix).join() === wireName(letters).join())).toBe(true);
    expect(forms.some((form) => matchesPattern(lettersOf(read), form))).toBe(true);
  });
});

it.each(['a\\b', 'www.bank.example/', 'a@b.example', '\\999\\1', '\\226\\128', 'ü:80'])(
  '%j has no other form',
  (name) => {
    expect(asciiName(name)).toBe(name);
  },
);
