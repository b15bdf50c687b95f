// OpenVPN client configurations as people have them. Holds src/policy/import/import-openvpn.ts to openvpn(8).

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importOpenvpn, isOpenvpnConfig } from '../../../src/policy/import/import-openvpn.ts';

const SECRET = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC';
const found = (text: string): string[] =>
  importOpenvpn(text).tunnels.flatMap(({ endpoints }) => endpoints.map(formatEndpoint));

describe('importOpenvpn', () => {
  it('takes several remotes, with ports and protocols of their own, of the file, or none', () => {
    const text = `client
dev tun
proto tcp-client
port 443
remote 198.51.100.8
remote vpn.example.com 1194 udp   # the fast one
remote 2001:db8::8 1195 udp6
remote "198.51.100.9" 8080 ; tcp
remote 198.51.100.8
`;
    expect(found(text)).toEqual([
      'tcp:198.51.100.8:443',
      'udp:vpn.example.com:1194',
      'udp:[2001:db8::8]:1195',
      'tcp:198.51.100.9:8080',
    ]);
    expect(found('remote 198.51.100.8')).toEqual(['udp:198.51.100.8:1194']);
  });

  it('takes <connection> blocks, whose settings come before those of the file', () => {
    const text = `client
<connection>
remote 198.51.100.8 443
proto tcp
</connection>
<connection>
remote 198.51.100.9
port 1200
</connection>
port 1300
`;
    expect(found(text)).toEqual(['tcp:198.51.100.8:443', 'udp:198.51.100.9:1200']);
  });

  it.each(['remote-random-hostname\n', ''])(
    'with %j before or behind them, takes names as they are asked for',
    (line) => {
      const remotes =
        'remote vpn.example.com 443\nremote b.example 1195 tcp\nremote 198.51.100.8\nremote 2001:db8::8\n';
      const label = line === '' ? '' : '*.';
      const asked = [
        ...[`udp:${label}vpn.example.com:443`, `tcp:${label}b.example:1195`],
        ...['udp:198.51.100.8:1194', 'udp:[2001:db8::8]:1194'],
      ];
      expect(found(`client\n${line}${remotes}`)).toEqual(asked);
      expect(found(`client\n${remotes}${line}`)).toEqual(asked);
      expect(importOpenvpn(`client\n${remotes}${line}`).unused).toEqual([]);
    },
  );

  it('skips inline blocks unread, also when they look like settings', () => {
    const text = `client\n<key>\nremote 203.0.113.66 1\n${SECRET}\n</key>\nremote 198.51.100.8 1194\n<auth-user-pass>\nme\n${SECRET}\n</auth-user-pass>\n`;
    expect(found(text)).toEqual(['udp:198.51.100.8:1194']);
    expect(JSON.stringify(importOpenvpn(text))).not.toContain(SECRET.slice(0, 8));
  });

  it('names every line it cannot use, and shows no value of it', () => {
    const text = `client\nremote ${SECRET}!! 1194\nremote 198.51.100.8 99999\nremote 198.51.100.8 1 sctp\nsocks-proxy ${SECRET} 1080\n<key>\n`;
    const { tunnels, unused } = importOpenvpn(text);
    expect(tunnels).toEqual([]);
    expect(unused.map(({ line }) => line)).toEqual([2, 3, 4, 5, 7]);
    expect(JSON.stringify(unused)).not.toContain(SECRET.slice(0, 8));
  });

  it('knows what it can read', () => {
    expect([isOpenvpnConfig('client\n'), isOpenvpnConfig('[Peer]\n')]).toEqual([true, false]);
  });
});
