// Knows: a policy file with comments, before and after. Holds src/policy/schema-edit.ts.

import { describe, expect, it } from 'vitest';

import { parseEndpoint } from '../../src/policy/endpoint.ts';
import type { Endpoint } from '../../src/policy/policy.ts';
import { parsePolicy } from '../../src/policy/schema.ts';
import { withoutTunnel, withTunnel } from '../../src/policy/schema-edit.ts';

const TEXT = `# my box
version: 1
profile: full-tunnel # all of it
tunnels:
  # at home
  - name: home
    protocol: wireguard
    endpoints: ["udp:198.51.100.7:51820"] # the first
# how long
retentionDays: 7
`;
const endpoints = (...texts: readonly string[]): Endpoint[] =>
  texts.flatMap((text) => parseEndpoint(text) ?? []);
const tunnelsOf = (text: string): unknown => {
  const parsed = parsePolicy(text);
  return parsed.ok
    ? parsed.policy.tunnels.map(({ name, endpoints: { length } }) => [name, length])
    : parsed.faults;
};

describe('a policy file', () => {
  it('keeps its comments and settings when a tunnel comes and goes', () => {
    const more = withTunnel(TEXT, {
      ...{ name: 'away', protocol: 'openvpn' },
      endpoints: endpoints('tcp:vpn.example.com:443'),
    });
    for (const comment of TEXT.match(/#.*/g) ?? []) expect(more).toContain(comment);
    expect(tunnelsOf(more)).toEqual([
      ['home', 1],
      ['away', 1],
    ]);
    const less = withoutTunnel(more, 'away') ?? '';
    for (const comment of TEXT.match(/#.*/g) ?? []) expect(less).toContain(comment);
    expect(tunnelsOf(less)).toEqual([['home', 1]]);
    expect(withoutTunnel(TEXT, 'nobody')).toBeUndefined();
  });

  it('adds endpoints to a tunnel of that name, each once', () => {
    const edit = { name: 'home', protocol: 'wireguard' } as const;
    const text = withTunnel(TEXT, {
      ...edit,
      endpoints: endpoints('udp:198.51.100.7:51820', 'udp:[2001:db8::7]:51820'),
    });
    expect(tunnelsOf(text)).toEqual([['home', 2]]);
  });

  it.each(['version: 1\n', 'version: 1\ntunnels: []\n', '# nothing yet\nversion: 1\n'])(
    'gets its first tunnel: %j',
    (text) => {
      const edit = {
        name: 'home',
        protocol: 'wireguard',
        endpoints: endpoints('udp:198.51.100.7:51820'),
      } as const;
      expect(tunnelsOf(withTunnel(text, edit))).toEqual([['home', 1]]);
    },
  );
});
