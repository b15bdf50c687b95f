// Which texts are endpoints, resolvers, names and networks.

import { describe, expect, it } from 'vitest';
import {
  formatEndpoint,
  formatResolver,
  matchesPattern,
  parseEndpoint,
  parseHostName,
  parseNamePattern,
  parsePrefix,
  parseResolver,
} from '../../../src/policy/schema/endpoint.ts';

describe('an endpoint', () => {
  it.each([
    ...['udp:198.51.100.7:51820', 'tcp:[2001:db8::7]:443', 'udp:vpn.example.com:1'],
    ...['udp:198.51.100.7:4000-33433', 'udp:vpn.example.com:*', 'tcp:[2001:db8::7]:1-2'],
    ...['udp:198.51.100.0/24:51820', 'udp:[2001:db8:7::/48]:*', 'udp:0.0.0.0/0:*'],
    ...['udp:*.vpn.example.com:1194', 'tcp:*.vpn.example.com:*'],
  ])('%s is read and written alike', (text) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint && formatEndpoint(endpoint)).toBe(text);
  });

  it.each([
    ['udp:192.0.2.1/32:5-5', 'udp:192.0.2.1:5'],
    ['udp:*.VPN.Example.com.:5', 'udp:*.vpn.example.com:5'],
    ['udp:[2001:DB8::1/128]:1-65535', 'udp:[2001:db8::1]:*'],
    ['udp:[2001:db8:0:0::/64]:7', 'udp:[2001:db8::/64]:7'],
    ['udp:[2001:db8::]/64:7', 'udp:[2001:db8::/64]:7'],
  ])('%s is %s', (text, written) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint && formatEndpoint(endpoint)).toBe(written);
  });

  it.each([
    ...[
      'udp:192.0.2.1:5-4',
      'udp:192.0.2.1:0-4',
      'udp:192.0.2.1:4-65536',
      'udp:192.0.2.1:-4',
      'udp:192.0.2.1:4-',
    ],
    ...[
      'udp:192.0.2.1:**',
      'udp:192.0.2.1:1-2-3',
      'udp:192.0.2.1/24:5',
      'udp:192.0.2.0/33:5',
      'udp:192.0.2.0/:5',
    ],
    ...['udp:[2001:db8::1/64]:5', 'udp:2001:db8::/64:5', 'udp:vpn.example/24:5'],
    '',
    'udp',
    'udp:',
    'udp::1',
    'icmp:192.0.2.1:1',
    'udp:192.0.2.1',
    'udp:192.0.2.1:',
    'udp:192.0.2.1:65536',
    'udp:192.0.2.256:1',
    'udp:[192.0.2.1]:1',
    'udp:[::1%eth0]:1',
    'udp:[vpn.example]:1',
    ...[
      'udp:*.192.0.2.1:1',
      'udp:*.[2001:db8::1]:1',
      'udp:*:1',
      'udp:*.:1',
      'udp:*.*.vpn.example:1',
      'udp:a.*.example:1',
    ],
    'udp:a b:1',
    'udp:a;b:1',
    'udp:-a.example:1',
    `udp:${'a'.repeat(64)}.example:1`,
    `udp:${'a.'.repeat(127)}example:1`,
  ])('%j is none', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

describe('a resolver', () => {
  it.each(['dot:9.9.9.9:853', 'doq:[2001:db8::9]:853', 'doh:203.0.113.5:443/dns.example'])(
    '%s is read and written alike',
    (text) => {
      const resolver = parseResolver(text);
      expect(resolver && formatResolver(resolver)).toBe(text);
    },
  );

  it.each(['dns:9.9.9.9:53', 'dot:9.9.9.9', 'doh:203.0.113.5:443/', 'doh:203.0.113.5:443/a b'])(
    '%j is none',
    (text) => {
      expect(parseResolver(text)).toBeUndefined();
    },
  );
});

describe('a name pattern', () => {
  it.each([
    ['bank.example', 'bank.example', true],
    ['bank.example', 'a.bank.example', true],
    ['bank.example', 'notbank.example', false],
    ['bank.example', 'bank.example.org', false],
    ['*.clinic.example', 'clinic.example', false],
    ['*.clinic.example', 'a.clinic.example', true],
  ])('%s means %s: %s', (text, name, means) => {
    const pattern = parseNamePattern(text);
    expect(pattern !== undefined && matchesPattern(name, pattern)).toBe(means);
  });

  it('is a host name, not a mistyped address', () => {
    expect(parseHostName('10.0.0.256')).toBeUndefined();
    expect(parseHostName('A.Example.')).toBe('a.example');
  });
});

describe('a prefix', () => {
  it('has no bits behind its length', () => {
    expect(parsePrefix('192.0.2.0/24')).toEqual({ ipVersion: 4, address: '192.0.2.0', length: 24 });
    expect(parsePrefix('2001:db8::/32')).toEqual({ ipVersion: 6, address: '2001:db8::', length: 32 });
    for (const text of [
      '192.0.2.1/24',
      '192.0.2.0/33',
      '2001:db8::1/64',
      '::/129',
      'a/8',
      '192.0.2.0/-1',
      '192.0.2.0/',
    ]) {
      expect(parsePrefix(text), text).toBeUndefined();
    }
  });
});
