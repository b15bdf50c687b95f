// WireGuard configurations as people have them. Holds src/policy/import/import-wireguard.ts to wg(8) and wg-quick(8).

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importWireguard, isWireguardConfig } from '../../../src/policy/import/import-wireguard.ts';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const CONFIG = `# made by a provider
[Interface]
PrivateKey = ${KEY}
Address = 10.66.0.2/32, fd66::2/128
DNS = 10.66.0.1
MTU = 1420
PostUp = ip rule add not fwmark 51820 table 51820   # kill switch

[Peer]
PublicKey = ${KEY}
PresharedKey = ${KEY}
AllowedIPs = 0.0.0.0/0, ::/0
endpoint=198.51.100.7:51820

[Peer]
PublicKey = ${KEY}
Endpoint = [2001:db8::7]:51820
PersistentKeepalive = 25
[peer]
Endpoint = VPN.example.com:443
`;

const found = (text: string): string[] =>
  importWireguard(text).tunnels.flatMap(({ endpoints }) => endpoints.map(formatEndpoint));

describe('importWireguard', () => {
  it('takes the endpoints of all peers: IPv4, IPv6, names, in any case', () => {
    expect(found(CONFIG)).toEqual([
      'udp:198.51.100.7:51820',
      'udp:[2001:db8::7]:51820',
      'udp:vpn.example.com:443',
    ]);
    expect(importWireguard(CONFIG)).toMatchObject({ tunnels: [{ protocol: 'wireguard' }], unused: [] });
    expect(found(CONFIG.replaceAll('\n', '\r\n'))).toHaveLength(3);
  });

  it('names every line it cannot use, and shows no value of it', () => {
    const text = `[Interface]\nPrivatKey = ${KEY}\n${KEY}\n[Peer]\nEndpoint = ${KEY}\n[Peer]\nAllowedIPs = ::/0\n[Pear]\n`;
    const { tunnels, unused } = importWireguard(text);
    expect(tunnels).toEqual([]);
    expect(unused.map(({ line }) => line)).toEqual([2, 3, 5, 6, 8]);
    expect(JSON.stringify(unused)).not.toContain(KEY.slice(0, 8));
    expect(unused[0]?.why).toContain('"PrivatKey"');
  });

  it('gives nothing that is secret', () => {
    expect(JSON.stringify(importWireguard(CONFIG))).not.toContain(KEY.slice(0, 8));
  });

  it('knows what it can read', () => {
    expect([isWireguardConfig(CONFIG), isWireguardConfig('client\nremote a 1\n')]).toEqual([true, false]);
  });
});
