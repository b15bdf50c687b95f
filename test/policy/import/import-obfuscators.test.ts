// How programs that carry a tunnel through something else are configured. Holds src/policy/import/import-obfuscators.ts: the server that is
// on the wire comes out as opaque, an address of this device's own is refused with the reason, and no key is told.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEndpoint } from '../../../src/policy/schema/endpoint.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';

const KEY = 'c2VjcmV0LW9mLXRoaXMtdGVzdA';
const FINGERPRINT = 'A'.repeat(40);

const shadowsocks = (more: object): string =>
  JSON.stringify({
    ...{ server: '198.51.100.7', server_port: 8388, local_address: '127.0.0.1', local_port: 1080 },
    ...{ method: 'aes-256-gcm', password: KEY, ...more },
  });
const wireguard = (endpoint: string): string =>
  `[Interface]\nPrivateKey = ${KEY}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = ${endpoint}\n`;

describe('a configuration', () => {
  it.each<[string, string, string, readonly string[]]>([
    ['Shadowsocks', shadowsocks({}), 'opaque', ['tcp:198.51.100.7:8388']],
    [
      'Shadowsocks for both',
      shadowsocks({ mode: 'tcp_and_udp' }),
      'opaque',
      ['tcp:198.51.100.7:8388', 'udp:198.51.100.7:8388'],
    ],
    ['Shadowsocks by name', shadowsocks({ server: 'ss.example' }), 'opaque', ['tcp:ss.example:8388']],
    [
      'Shadowsocks with several',
      shadowsocks({ server: ['198.51.100.7', '2001:db8::7'] }),
      'opaque',
      ['tcp:198.51.100.7:8388', 'tcp:[2001:db8::7]:8388'],
    ],
    [
      'SIP008',
      JSON.stringify({
        version: 1,
        servers: [{ server: '198.51.100.8', server_port: 443, method: 'x', password: KEY }],
      }),
      'opaque',
      ['tcp:198.51.100.8:443'],
    ],
    [
      'SIP002',
      `ss://${KEY}@198.51.100.7:8388/?plugin=v2ray-plugin%3Btls#home`,
      'opaque',
      ['tcp:198.51.100.7:8388', 'udp:198.51.100.7:8388'],
    ],
    [
      'a link all in base64',
      `ss://${btoa(`aes-256-gcm:${KEY}@198.51.100.7:8388`)}#home`,
      'opaque',
      ['tcp:198.51.100.7:8388', 'udp:198.51.100.7:8388'],
    ],
    ['hysteria2', `hysteria2://${KEY}@198.51.100.9:443/?sni=a.example`, 'opaque', ['udp:198.51.100.9:443']],
    ['tuic', `tuic://id:${KEY}@[2001:db8::9]:8443`, 'opaque', ['udp:[2001:db8::9]:8443']],
    ['trojan', `trojan://${KEY}@trojan.example:443?sni=trojan.example`, 'opaque', ['tcp:trojan.example:443']],
    [
      'sing-box',
      JSON.stringify({
        inbounds: [{ type: 'tun' }],
        outbounds: [
          { type: 'hysteria2', server: '198.51.100.9', server_port: 443, password: KEY },
          { type: 'vless', server: 'v.example', server_port: 443 },
          { type: 'direct' },
        ],
      }),
      'opaque',
      ['udp:198.51.100.9:443', 'tcp:v.example:443'],
    ],
    [
      'usque, MASQUE',
      JSON.stringify({ private_key: KEY, endpoint_v4: '162.159.198.1', endpoint_v6: '2606:4700:103::1' }),
      'opaque',
      ['udp:162.159.198.1:443', 'udp:[2606:4700:103::1]:443'],
    ],
    [
      'bridges in a torrc',
      `UseBridges 1\nClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy\nBridge obfs4 198.51.100.4:9443 ${FINGERPRINT} cert=${KEY} iat-mode=0\nBridge 198.51.100.5:9001 ${FINGERPRINT}\n`,
      'tor',
      ['tcp:198.51.100.4:9443', 'tcp:198.51.100.5:9001'],
    ],
    [
      'bridges as they are handed out',
      `obfs4 198.51.100.4:9443 ${FINGERPRINT} cert=${KEY}\nobfs4 [2001:db8::4]:80 ${FINGERPRINT}`,
      'tor',
      ['tcp:198.51.100.4:9443', 'tcp:[2001:db8::4]:80'],
    ],
    [
      'wstunnel',
      "#!/bin/sh\nwstunnel client -L 'udp://51820:localhost:51820?timeout_sec=0' wss://ws.example\n",
      'opaque',
      ['tcp:ws.example:443'],
    ],
    [
      'wstunnel elsewhere',
      'exec /usr/bin/wstunnel client -L socks5://127.0.0.1:8888 wss://198.51.100.6:8443/path',
      'opaque',
      ['tcp:198.51.100.6:8443'],
    ],
    [
      'udp2raw',
      `udp2raw -c -l127.0.0.1:3333 -r198.51.100.3:4096 -k ${KEY} --raw-mode faketcp`,
      'opaque',
      ['tcp:198.51.100.3:4096'],
    ],
    [
      'udp2raw over UDP',
      `./udp2raw_amd64 -c -l 0.0.0.0:3333 -r 198.51.100.3:4096 --raw-mode udp -k ${KEY}`,
      'opaque',
      ['udp:198.51.100.3:4096'],
    ],
  ])('of %s', (_case, text, protocol, endpoints) => {
    const found = importConfig(text);
    expect(found?.tunnels.map((tunnel) => tunnel.protocol)).toEqual([protocol]);
    expect(found?.tunnels[0]?.endpoints.map(formatEndpoint)).toEqual(endpoints);
    expect(JSON.stringify(found)).not.toContain(KEY.slice(0, 8));
    const policy = `version: 1\ntunnels: [{name: a, protocol: ${protocol}, endpoints: ${JSON.stringify(endpoints)}}]\n`;
    expect(parsePolicy(policy)).toMatchObject({ ok: true });
  });

  /** Where the tunnel ends on this device, and what must be said of it. */
  it.each<[string, string, RegExp]>([
    ['WireGuard through a local program', wireguard('127.0.0.1:51820'), /this device itself.*opaque/],
    ['WireGuard through a local program over IPv6', wireguard('[::1]:51820'), /this device itself.*opaque/],
    ['WireGuard through a local name', wireguard('localhost:51820'), /this device itself.*opaque/],
    [
      'OpenVPN through a local program',
      'client\nproto udp\nremote 127.0.0.1 3333\n',
      /this device itself.*opaque/,
    ],
    [
      'OpenVPN through a local proxy',
      'client\nproto tcp\nremote vpn.example 443\nsocks-proxy 127.0.0.1 1080\n',
      /this device itself.*opaque/,
    ],
    [
      'OpenVPN through another local proxy',
      'client\nproto tcp\nremote vpn.example 443\nhttp-proxy localhost 8080\n',
      /this device itself.*opaque/,
    ],
    [
      'NetworkManager through a local program',
      `[connection]\ntype=vpn\n[vpn]\nservice-type=org.freedesktop.NetworkManager.openvpn\nremote=127.0.0.1:3333\n`,
      /this device itself.*opaque/,
    ],
    [
      'networkd through a local program',
      `[NetDev]\nKind=wireguard\n[WireGuardPeer]\nEndpoint=127.0.0.1:51820\n`,
      /this device itself.*opaque/,
    ],
    ['Shadowsocks on this device', shadowsocks({ server: '127.0.0.1' }), /this device itself/],
    ['wstunnel to this device', 'wstunnel client wss://localhost:8443', /this device itself/],
    ['udp2raw to this device', 'udp2raw -c -l127.0.0.1:1 -r127.0.0.1:2', /this device itself/],
    ['wstunnel without TLS', 'wstunnel client ws://198.51.100.6:80', /readable HTTP request/],
    ['udp2raw in pings', 'udp2raw -c -l127.0.0.1:1 -r198.51.100.3:2 --raw-mode icmp', /pings/],
    ['udp2raw as a server', 'udp2raw -s -l0.0.0.0:4096 -r 127.0.0.1:51820', /not a client/],
    ['snowflake', `Bridge snowflake 192.0.2.3:80 ${FINGERPRINT} url=https://a.example/`, /not real/],
    ['webtunnel', `Bridge webtunnel [2001:db8::1]:443 ${FINGERPRINT} url=https://a.example/x`, /not real/],
  ])('that is %s is refused with the reason', (_case, text, reason) => {
    const found = importConfig(text);
    expect(found?.tunnels).toEqual([]);
    expect(found?.unused.map(({ why }) => why).join(' ')).toMatch(reason);
    expect(JSON.stringify(found)).not.toContain(KEY.slice(0, 8));
  });

  it('whose connections show another name than the server’s says how to name it', () => {
    const told = importConfig(`trojan://${KEY}@trojan.example:443?sni=www.example`);
    expect(told?.unused.map(({ why }) => why).join(' ')).toMatch(/by its address/);
    expect(importConfig(`trojan://${KEY}@198.51.100.7:443?sni=www.example`)?.unused).toEqual([]);
  });

  it('of any sort never throws, and yields no endpoint that a policy refuses', () => {
    const pieces = fc.constantFrom(
      ...['ss://', 'wstunnel client ', 'udp2raw -c -r', 'Bridge obfs4 ', 'hysteria2://', '{"server":', '}'],
      ...[
        '"server_port":1',
        '@',
        ':',
        '[',
        ']',
        '127.0.0.1',
        '198.51.100.7',
        ',',
        '\n',
        ' ',
        'wss://',
        '#',
        '?',
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (texts) => {
        for (const { protocol, endpoints } of importConfig(texts.join(''))?.tunnels ?? []) {
          const list = JSON.stringify(endpoints.map(formatEndpoint));
          const policy = `version: 1\ntunnels: [{name: a, protocol: ${protocol}, endpoints: ${list}}]\n`;
          expect(parsePolicy(policy)).toMatchObject({ ok: true });
        }
      }),
      { numRuns: 300 },
    );
  });
});
