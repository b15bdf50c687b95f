// Reads the servers from a .nmconnection file. Follows nm-settings-keyfile(5), and for each VPN plug-in the data that its service reads.

import { Importing, hostAndPort, shownKeyword } from './imported.ts';
import type { Import } from './imported.ts';
import { iniSections, iniValue } from './ini.ts';
import type { IniSection } from './ini.ts';
import type { TunnelProtocol } from '../../flow/kinds.ts';

const STYLE = { comments: 'lines' } as const;

/** Whether the text is a .nmconnection file, by its connection type. */
export function isNetworkManagerConfig(text: string): boolean {
  return iniSections(text, STYLE).some(
    (section) => section.name === 'connection' && iniValue(section, 'type') !== undefined,
  );
}

/** One tunnel with every server; what opens nothing is in `unused`. Never throws. */
export function importNetworkManager(text: string): Import {
  const importing = new Importing();
  const sections = iniSections(text, STYLE);
  const type = iniValue(
    sections.find(({ name }) => name === 'connection'),
    'type',
  );
  if (type === 'wireguard') {
    for (const { name, line: at, entries } of sections) {
      if (!name.startsWith('wireguard-peer.')) continue;
      const endpoint = entries.findLast(({ key }) => key === 'endpoint');
      if (endpoint === undefined) importing.unused(at, 'this peer has no endpoint: nothing is opened for it');
      else importing.service(endpoint.line, 'this endpoint', 'wireguard', 'udp', endpoint.value);
    }
  } else if (type === 'vpn') {
    const vpn = sections.find(({ name }) => name === 'vpn');
    if (vpn !== undefined) readPlugIn(vpn, importing);
  } else {
    importing.unused(1, `a connection of type ${shownKeyword(type ?? '')} is not a tunnel to a VPN server`);
  }
  return importing.result();
}

/** Each plug-in's key for its server, and the protocols, transports and ports that it uses. */
const GATEWAYS: Readonly<
  Record<
    string,
    { readonly key: string; readonly opens: readonly (readonly [TunnelProtocol, 'udp' | 'tcp', string])[] }
  >
> = {
  strongswan: { key: 'address', opens: [['ipsec', 'udp', '500']] },
  libreswan: { key: 'right', opens: [['ipsec', 'udp', '500']] },
  vpnc: { key: 'ipsec gateway', opens: [['ipsec', 'udp', '500']] },
  l2tp: { key: 'gateway', opens: [['ipsec', 'udp', '500']] },
  openconnect: {
    key: 'gateway',
    opens: [
      ['opaque', 'tcp', '443'],
      ['opaque', 'udp', '443'],
    ],
  },
  sstp: { key: 'gateway', opens: [['opaque', 'tcp', '443']] },
  fortisslvpn: { key: 'gateway', opens: [['opaque', 'tcp', '443']] },
};

function readPlugIn(vpn: IniSection, importing: Importing): void {
  const service = /([a-z0-9]+)$/.exec(iniValue(vpn, 'service-type') ?? '')?.[1] ?? '';
  if (service === 'openvpn') {
    readOpenvpn(vpn, importing);
    return;
  }
  const gateway = Object.hasOwn(GATEWAYS, service) ? GATEWAYS[service] : undefined;
  const entry = vpn.entries.findLast(({ key }) => key.toLowerCase() === gateway?.key);
  if (gateway === undefined) {
    const why = service === 'pptp' ? 'hides nothing (rule F): no tunnel is made from it' : 'is not supported';
    importing.unused(vpn.line, `the plug-in ${shownKeyword(service)} ${why}`);
  } else if (entry === undefined) {
    importing.unused(vpn.line, `this connection names no server (${gateway.key})`);
  } else if (service === 'l2tp' && iniValue(vpn, 'ipsec-enabled') !== 'yes') {
    importing.unused(entry.line, 'L2TP without IPsec hides nothing (rule F): no tunnel is made from it');
  } else {
    const { host, port } = hostAndPort(entry.value.replace(/^https?:\/\//, '').replace(/\/.*$/, ''));
    for (const [protocol, transport, usual] of gateway.opens)
      importing.server(
        entry.line,
        `this ${gateway.key}`,
        protocol,
        transport,
        host,
        protocol === 'ipsec' ? usual : (port ?? usual),
      );
  }
}

/** `remote=a.example:1194:udp, b.example`, and the settings that apply to all of them. */
function readOpenvpn(vpn: IniSection, importing: Importing): void {
  const entry = vpn.entries.findLast(({ key }) => key === 'remote');
  const proxy = iniValue(vpn, 'proxy-type');
  if (entry === undefined) {
    importing.unused(vpn.line, 'this connection names no server (remote)');
    return;
  }
  if (proxy === 'http' || proxy === 'socks') {
    const why = `is reached through a proxy, so its packets go there: add the proxy's server as a tunnel with protocol opaque, or list it under proxies`;
    importing.unused(entry.line, `this remote ${why}`);
    return;
  }
  const isStatic = iniValue(vpn, 'connection-type') === 'static-key';
  if (isStatic)
    importing.unused(
      entry.line,
      'with a static key packets have no header, so only address and port identify the tunnel (opaque)',
    );
  const usual = iniValue(vpn, 'proto-tcp') === 'yes' ? 'tcp' : 'udp';
  for (const remote of entry.value.split(/[,\s]+/).filter(Boolean)) {
    const [whole, bracketed, plain = '', port, transport] =
      /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?(?::(udp|tcp)[46]?)?$/.exec(remote) ?? [];
    importing.server(
      entry.line,
      'this remote',
      isStatic ? 'opaque' : 'openvpn',
      transport === undefined ? usual : transport === 'tcp' ? 'tcp' : 'udp',
      whole === undefined ? remote : (bracketed ?? plain),
      (port ?? '') || (iniValue(vpn, 'port') ?? '1194'),
    );
  }
}
