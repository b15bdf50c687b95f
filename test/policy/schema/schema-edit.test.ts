// A policy file with comments, before and after. Holds src/policy/schema/schema-edit.ts.

import { describe, expect, it } from 'vitest';

import { parseEndpoint } from '../../../src/policy/schema/endpoint.ts';
import type { Endpoint } from '../../../src/policy/policy.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import { withoutTunnel, withSettings, withTunnel } from '../../../src/policy/schema/schema-edit.ts';
import { settingsOf } from '../../../src/guard/settings.ts';

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

describe('settings of a policy file', () => {
  const FULL = `# my box
version: 1
profile: proxy-stub # for now
resolvers:
  # fast
  - dot:9.9.9.9:853
  # slow
  - dot:149.112.112.112:853
allow: [{to: 192.0.2.0/24, why: printer}] # upstairs
management: {address: dhcp, hostname: box} # networkd
retentionDays: 7 # a week
`;

  it('change with every comment and what was not named kept', () => {
    const text = withSettings(FULL, {
      profile: 'split',
      mustTunnel: ['bank.example', '*.clinic.example'],
      resolvers: ['dot:149.112.112.112:853', 'doq:9.9.9.9:853'],
      allow: [
        { to: '192.0.2.0/24', why: 'printer' },
        { to: '192.0.2.9', transport: 'tcp', port: 631, why: 'scanner' },
      ],
      management: { address: '192.0.2.9/24', ssh: true },
      retentionDays: 14,
    });
    for (const comment of ['# my box', '# for now', '# slow', '# upstairs', '# networkd', '# a week'])
      expect(text).toContain(comment);
    expect(text).not.toContain('dot:9.9.9.9');
    const parsed = parsePolicy(text);
    expect(parsed.ok ? settingsOf(parsed.policy) : parsed.faults).toEqual({
      ...{ profile: 'split', localChatter: 'amber', retentionDays: 14, lamp: 'none' },
      ...{ privacy: 'full', privacyKey: 'disk' },
      ...{ direct: 'any', mustTunnel: ['bank.example', '*.clinic.example'], proxies: [] },
      resolvers: ['dot:149.112.112.112:853', 'doq:9.9.9.9:853'],
      allow: [
        { to: '192.0.2.0/24', why: 'printer' },
        { to: '192.0.2.9', transport: 'tcp', port: 631, why: 'scanner' },
      ],
      management: { address: '192.0.2.9/24', hostname: 'box', ssh: true },
    });
  });

  it('that stay as they are leave the text as it is, byte for byte', () => {
    const parsed = parsePolicy(FULL);
    if (!parsed.ok) throw new Error('no policy');
    const { profile, resolvers, allow, retentionDays } = settingsOf(parsed.policy);
    expect(withSettings(FULL, { profile, resolvers, allow, retentionDays })).toBe(withSettings(FULL, {}));
  });

  it('may be nonsense: the schema says what is wrong, and where', () => {
    const text = withSettings(FULL, {
      retentionDays: 'x: [',
      mustTunnel: ['a b'],
      allow: [{ to: 'x', why: '' }],
    });
    const parsed = parsePolicy(text);
    const paths = parsed.ok ? [] : parsed.faults.map(({ path }) => path);
    expect(new Set(paths)).toEqual(
      new Set(['retentionDays', 'mustTunnel[0]', 'allow[0].to', 'allow[0].why']),
    );
  });

  it('empty a list, and fill it again', () => {
    const empty = withSettings(FULL, { resolvers: [], allow: [], profile: 'full-tunnel' });
    expect(parsePolicy(empty).ok).toBe(true);
    for (const comment of ['# my box', '# upstairs', '# a week']) expect(empty).toContain(comment);
    expect(parsePolicy(withSettings(empty, { allow: [{ to: '192.0.2.9', why: 'x' }] })).ok).toBe(true);
  });
});
