// Configurations as systemd-networkd, NetworkManager, Apple's profiles and strongSwan have them. Holds src/policy/import*.ts to their
// manuals: which servers come out, which lines are named, and that no secret does.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { FAULTS, hasFaults } from '../../faults.ts';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';

const NETDEV = `[NetDev]
Name=wg0
Kind=wireguard
Description=home \\
  and away

[WireGuard]
PrivateKey=${KEY}
; Endpoint=203.0.113.66:1

[WireGuardPeer]
PublicKey=${KEY}
AllowedIPs=0.0.0.0/0
Endpoint=vpn.example.net:51820
[WireGuardPeer]
PublicKey=${KEY}
Endpoint=[2001:db8::7]:443
[WireGuardPeer]
PublicKey=${KEY}
`;

const nm = (vpn: string): string =>
  `[connection]\nid=work\ntype=vpn\n\n[vpn]\n${vpn}\n\n[vpn-secrets]\npassword=${KEY}\n`;
const NM_WIREGUARD = `[connection]
id=wg
type=wireguard
[wireguard]
private-key=${KEY}
[wireguard-peer.${KEY}]
endpoint=198.51.100.7:51820
allowed-ips=0.0.0.0/0;
[wireguard-peer.${KEY}]
allowed-ips=10.0.0.0/8;
`;

const profile = (payload: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.vpn.managed</string>
${payload}
</dict></array><key>PayloadType</key><string>Configuration</string></dict></plist>
`;
const IKEV2 = profile(
  `<key>VPNType</key><string>IKEv2</string><key>IKEv2</key><dict><key>SharedSecret</key><string>${KEY}</string><key>RemoteAddress</key><string>vpn.example.com</string><key>OnDemand</key><true/></dict>`,
);
const WG_APP = profile(
  `<key>VPNType</key><string>VPN</string><key>VPNSubType</key><string>com.wireguard.ios</string><key>VendorConfig</key><dict><key>WgQuickConfig</key><string>[Interface]\nPrivateKey = ${KEY}\n[Peer]\nEndpoint = 198.51.100.7:51820 # a &amp; b\n</string></dict>`,
);
const OVPN_APP = profile(
  `<key>VPNType</key><string>VPN</string><key>VPNSubType</key><string>net.openvpn.connect.app</string><key>VendorConfig</key><dict><key>remote.1</key><string>198.51.100.8 443 tcp</string><key>remote.2</key><string>b.example 1194 udp</string><key>ca</key><string>-----BEGIN\nremote 203.0.113.66\n</string></dict>`,
);

const SWANCTL = `include conf.d/*.conf
connections {
  home { # the flat
    remote_addrs = vpn.example.com, 2001:db8::9
    version = 2
    local { auth = psk }
    remote { auth = psk
      id = "x{y" }
    children { home { remote_ts = 0.0.0.0/0 } }
  }
  guests : template { remote_addrs = %any }
  odd { remote_addrs = 198.51.100.9
        remote_port = 4501 }
}
secrets { ike-1 { secret = ${KEY} } }
`;

const CASES: readonly (readonly [
  string,
  string,
  string | undefined,
  readonly string[],
  readonly number[],
])[] = [
  ['.netdev', NETDEV, 'wireguard', ['udp:vpn.example.net:51820', 'udp:[2001:db8::7]:443'], [18]],
  ['.netdev of another kind', '[NetDev]\nName=br0\nKind=bridge\n', undefined, [], [1]],
  ['.nmconnection, WireGuard', NM_WIREGUARD, 'wireguard', ['udp:198.51.100.7:51820'], [9]],
  [
    '.nmconnection, OpenVPN',
    nm(
      'service-type=org.freedesktop.NetworkManager.openvpn\nproto-tcp=yes\nport=443\nremote=a.example, 198.51.100.8:1194:udp,[2001:db8::8]:1195:tcp6',
    ),
    'openvpn',
    ['tcp:a.example:443', 'udp:198.51.100.8:1194', 'tcp:[2001:db8::8]:1195'],
    [],
  ],
  [
    '.nmconnection, OpenVPN behind a proxy',
    nm(
      'service-type=org.freedesktop.NetworkManager.openvpn\nremote=a.example\nproxy-type=http\nproxy-server=192.0.2.9',
    ),
    undefined,
    [],
    [7],
  ],
  [
    '.nmconnection, OpenVPN with a static key',
    nm('service-type=org.freedesktop.NetworkManager.openvpn\nremote=a.example\nconnection-type=static-key'),
    'opaque',
    ['udp:a.example:1194'],
    [7],
  ],
  [
    '.nmconnection, strongSwan',
    nm('service-type=org.freedesktop.NetworkManager.strongswan\naddress=vpn.example.com'),
    'ipsec',
    ['udp:vpn.example.com:500'],
    [],
  ],
  [
    '.nmconnection, vpnc',
    nm(`service-type=org.freedesktop.NetworkManager.vpnc\nIPSec gateway=198.51.100.9\nIPSec secret=${KEY}`),
    'ipsec',
    ['udp:198.51.100.9:500'],
    [],
  ],
  [
    '.nmconnection, openconnect',
    nm('service-type=org.freedesktop.NetworkManager.openconnect\ngateway=https://vpn.example.com:8443/group'),
    'opaque',
    ['tcp:vpn.example.com:8443', 'udp:vpn.example.com:8443'],
    [],
  ],
  [
    '.nmconnection, L2TP',
    nm('service-type=org.freedesktop.NetworkManager.l2tp\ngateway=198.51.100.9'),
    undefined,
    [],
    [7],
  ],
  [
    '.nmconnection, PPTP',
    nm('service-type=org.freedesktop.NetworkManager.pptp\ngateway=198.51.100.9'),
    undefined,
    [],
    [5],
  ],
  ['.nmconnection, Wi-Fi', '[connection]\ntype=wifi\n', undefined, [], [1]],
  ['.mobileconfig, IKEv2', IKEV2, 'ipsec', ['udp:vpn.example.com:500'], []],
  ['.mobileconfig, WireGuard', WG_APP, 'wireguard', ['udp:198.51.100.7:51820'], []],
  ['.mobileconfig, OpenVPN', OVPN_APP, 'openvpn', ['tcp:198.51.100.8:443', 'udp:b.example:1194'], []],
  ['.mobileconfig, PPTP', profile('<key>VPNType</key><string>PPTP</string>'), undefined, [], [3]],
  [
    '.mobileconfig, an app',
    profile('<key>VPNType</key><string>VPN</string><key>VPNSubType</key><string>com.example.vpn</string>'),
    undefined,
    [],
    [3],
  ],
  [
    '.mobileconfig, two protocols',
    profile(
      '<key>VPNType</key><string>L2TP</string><key>PPP</key><dict><key>CommRemoteAddress</key><string>a.example</string></dict></dict><dict><key>PayloadType</key><string>com.apple.vpn.managed.applayer</string><key>VPNSubType</key><string>com.wireguard.macos</string><key>VendorConfig</key><dict><key>WgQuickConfig</key><string>[Peer]\nEndpoint=b.example:1\n</string></dict>',
    ),
    'ipsec',
    ['udp:a.example:500'],
    [5],
  ],
  ['.mobileconfig, cut', IKEV2.slice(0, 500), undefined, [], [1]],
  ['swanctl.conf', SWANCTL, 'ipsec', ['udp:vpn.example.com:500', 'udp:[2001:db8::9]:500'], [1, 11, 12, 12]],
];

describe.each(CASES)('%s', (_, text, protocol, endpoints, lines) => {
  it('comes to its servers, and every line that does not is named', () => {
    const found = importConfig(text);
    expect(found?.tunnels.map((tunnel) => tunnel.protocol)).toEqual(protocol === undefined ? [] : [protocol]);
    expect(found?.tunnels.flatMap((tunnel) => tunnel.endpoints.map(formatEndpoint))).toEqual(endpoints);
    expect(found?.unused.map(({ line }) => line)).toEqual(lines);
  });

  it('gives no secret, and never throws wherever it is cut', () => {
    for (let at = 0; at <= text.length; at += 7) {
      const told = JSON.stringify(importConfig(text.slice(0, at)) ?? {});
      expect(told).not.toContain(KEY.slice(0, 8));
    }
  });

  it('is no other format by being in Windows form', () => {
    expect(importConfig(Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`, 'utf16le'))?.tunnels).toEqual(
      importConfig(text)?.tunnels,
    );
  });
});

it('a profile of Apple’s is read within its signature', () => {
  const signed = Buffer.concat([
    Buffer.from([0x30, 0x82, 0x12, 0x34, 6, 9, 0x2a, 0x86, 0x48]),
    Buffer.from(IKEV2),
    Buffer.from([0xa0, 0x82, 0xff, 0]),
  ]);
  expect(importConfig(signed)?.tunnels).toHaveLength(1);
});

it('what is no configuration is none', () => {
  for (const text of ['', 'hello', '{"a": 1}', '<html></html>', '[Unit]\nDescription=x\n'])
    expect(importConfig(text)).toBeUndefined();
});

describe.runIf(hasFaults)('the configurations of the faults', () => {
  it.each([
    ['wg0.netdev', ['udp:vpn.example.net:51820']],
    ['utf16.conf', ['udp:198.51.100.7:51820']],
  ])('%s is read', (name, endpoints) => {
    const found = importConfig(readFileSync(join(FAULTS, 'configs', name)));
    expect(found?.tunnels.flatMap((tunnel) => tunnel.endpoints.map(formatEndpoint))).toEqual(endpoints);
    expect(found?.unused).toEqual([]);
  });
});
