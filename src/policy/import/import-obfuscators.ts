// Reads the servers from configurations of programs that carry a tunnel inside something else: Shadowsocks, obfs4, udp2raw, wstunnel, and
// those that use QUIC or MASQUE. The packets go to that program's server, so it is trusted as `opaque` (a Tor bridge as `tor`); the local
// address on which the program listens opens nothing. Nothing is read of the user part of a link, which is a key. Follows SIP002 and SIP008
// (Shadowsocks), sing-box's outbounds, usque's config.json, tor(1) ("Bridge"), udp2raw's and wstunnel's usage.

import { parseAddress } from '../../wire/ip/address.ts';
import { MAX_IMPORT_BYTES, Importing, hostAndPort, shownKeyword, trimmedLines } from './imported.ts';
import type { Import } from './imported.ts';
import type { Transport } from '../policy.ts';

type Json = Readonly<Record<string, unknown>>;

const LINK = /^(ss|hysteria2|hy2|tuic|trojan|vless|anytls):\/\/\S/i;
const BRIDGE =
  /^(?:Bridge\s+)?(?:(obfs4|obfs3|scramblesuit|meek|meek_lite|snowflake|webtunnel|conjure)\s+)?(\S+:\d{1,5})(?:\s|$)/i;
const COMMAND = /(?:^|[\s/=])(wstunnel|udp2raw)(?:_\w+)?\s+\S/;

/** The transports of each program; TCP for the others. */
const TRANSPORTS: Readonly<Record<string, readonly Transport[]>> = {
  ss: ['tcp', 'udp'],
  shadowsocks: ['tcp', 'udp'],
  hysteria: ['udp'],
  hysteria2: ['udp'],
  hy2: ['udp'],
  tuic: ['udp'],
};
/** Transports that reach their bridge through web servers: the address in their line is not real. */
const FRONTED = new Set(['meek', 'meek_lite', 'snowflake', 'webtunnel', 'conjure']);

function linesOf(text: string): { readonly line: number; readonly content: string }[] {
  return trimmedLines(text)
    .map((content, at) => ({ line: at + 1, content: content.slice(0, 4_000) }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
}

function isBridge(content: string): boolean {
  return /^Bridge\s/i.test(content) || /^(?:obfs4|webtunnel|snowflake|meek_lite)\s+\S+:\d/i.test(content);
}

/** Whether the text is a configuration, link, bridge or command line of such a program. */
export function isObfuscatorConfig(text: string): boolean {
  // Longer texts are lists of servers.
  if (text.length > MAX_IMPORT_BYTES) return false;
  if (jsonOf(text) !== undefined) return true;
  return linesOf(text).some(({ content }) => LINK.test(content) || isBridge(content) || isCommand(content));
}

/** Also the PreUp and PostUp lines of a WireGuard configuration. */
function isCommand(content: string): boolean {
  return COMMAND.test(content) && !content.startsWith('//');
}

/** One tunnel with every server; what opens nothing is in `unused`. Never throws. */
export function importObfuscator(text: string): Import {
  const importing = new Importing();
  const json = jsonOf(text);
  if (json !== undefined) {
    for (const server of json) fromServer(importing, server);
    return importing.result();
  }
  for (const { line, content } of linesOf(text)) {
    if (LINK.test(content)) fromLink(importing, line, content);
    else if (isBridge(content)) fromBridge(importing, line, content);
    else if (isCommand(content)) fromCommand(importing, line, content);
  }
  return importing.result();
}

interface Server {
  readonly kind: string;
  readonly host: string;
  readonly port: string;
  readonly transports: readonly Transport[];
}

/** Servers of a JSON configuration; undefined where it belongs to none of these programs. */
function jsonOf(text: string): readonly Server[] | undefined {
  if (!/^\s*\{/.test(text.slice(0, 1_000))) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const config = recordOf(value);
  const listed = [...listOf(config['servers']), ...listOf(config['outbounds'])];
  const servers = [config, ...listed].flatMap(serversOf);
  return servers.length === 0 ? undefined : servers;
}

function recordOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as unknown[]).map(recordOf) : [];
}

function wordOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function serversOf(config: Json): Server[] {
  // usque: MASQUE to Cloudflare.
  const masque = [config['endpoint_v4'], config['endpoint_v6']].map(wordOf).filter((host) => host !== '');
  if (masque.length > 0)
    return masque.map((host) => ({ kind: 'masque', host, port: '443', transports: ['udp'] as const }));
  const port = wordOf(config['server_port'] ?? config['port']);
  const given = config['server'] ?? config['address'];
  const hosts = (Array.isArray(given) ? (given as unknown[]) : [given])
    .map(wordOf)
    .filter((host) => host !== '');
  const kind = wordOf(config['type']) || (config['method'] === undefined ? '' : 'shadowsocks');
  if (port === '' || kind === '') return [];
  const transports = kind === 'shadowsocks' ? modeOf(config, kind) : (TRANSPORTS[kind] ?? (['tcp'] as const));
  return hosts.map((host) => ({ kind, host, port, transports }));
}

/** Shadowsocks carries TCP only unless `mode` says otherwise; in a sing-box configuration both transports unless `network` does. */
function modeOf(config: Json, kind: string): readonly Transport[] {
  const mode = wordOf(config['mode'] ?? config['network']);
  if (mode === 'udp_only' || mode === 'udp') return ['udp'];
  if (mode === 'tcp_and_udp' || (config['type'] !== undefined && mode === ''))
    return TRANSPORTS[kind] ?? ['tcp'];
  return ['tcp'];
}

function fromServer(importing: Importing, { host, port, transports }: Server): void {
  for (const transport of transports) importing.server(1, 'this server', 'opaque', transport, host, port);
}

/** `ss://…@host:port?…#name`; before `@` is a key, and in Shadowsocks links all of it may be base64. */
function fromLink(importing: Importing, line: number, content: string): void {
  const kind = (LINK.exec(content)?.[1] ?? '').toLowerCase();
  const [whole = ''] = content.slice(content.indexOf('://') + 3).split('#');
  const decoded = whole.includes('@') ? whole : decodedBase64(whole.split(/[/?]/)[0] ?? '');
  const [place = ''] = decoded.slice(decoded.lastIndexOf('@') + 1).split(/[/?]/);
  const { host, port = '443' } = hostAndPort(place);
  if (!decoded.includes('@')) {
    importing.unused(line, 'this link names no server');
    return;
  }
  const shows = /[?&](?:sni|peer|host)=([^&#]*)/i.exec(decoded)?.[1];
  if (shows !== undefined && parseAddress(host) === undefined && shows.toLowerCase() !== host.toLowerCase())
    importing.unused(
      line,
      'its connections show another name than the server’s, which would be a leak there: name the server by its address',
    );
  for (const transport of TRANSPORTS[kind] ?? (['tcp'] as const))
    importing.server(line, 'this server', 'opaque', transport, host, port);
}

/** Decodes base64 or base64url of any length; '' for other text. */
function decodedBase64(text: string): string {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return '';
  }
}

function fromBridge(importing: Importing, line: number, content: string): void {
  const [, kind = '', place = ''] = BRIDGE.exec(content) ?? [];
  if (place === '') importing.unused(line, 'this bridge has no address with a port');
  else if (FRONTED.has(kind.toLowerCase()))
    importing.unused(
      line,
      `${shownKeyword(kind.replace('_', '-'))}: it reaches its bridge through web servers, and the address in this line is not real: nothing is opened for it`,
    );
  else importing.service(line, 'this bridge', 'tor', 'tcp', place);
}

function fromCommand(importing: Importing, line: number, content: string): void {
  const words = content.split(/\s+/).map((word) => word.replace(/^['"]|['"]$/g, ''));
  if (/wstunnel/.test(COMMAND.exec(content)?.[1] ?? '')) {
    const link = words
      .map((word) => /^(wss?|https?):\/\/(?:[^@/]*@)?([^/?]+)/i.exec(word))
      .find((match) => match !== null);
    if (link === undefined) {
      importing.unused(line, '"wstunnel": it names no server');
      return;
    }
    const [, scheme = '', place = ''] = link;
    if (/^(ws|http)$/i.test(scheme)) {
      importing.unused(line, '"wstunnel" without TLS is a readable HTTP request: use wss://');
      return;
    }
    importing.service(line, 'this server', 'opaque', 'tcp', place, '443');
    return;
  }
  const valueOf = (short: string, long: string): string => {
    const at = words.findIndex((word) => word === short || word === long);
    if (at >= 0) return words[at + 1] ?? '';
    return words.find((word) => word.startsWith(short) && !word.startsWith('--'))?.slice(short.length) ?? '';
  };
  // With -s it is the server itself.
  if (words.includes('-s')) {
    importing.unused(line, '"udp2raw": this is a server, not a client');
    return;
  }
  const mode = valueOf('--raw-mode', '--raw-mode') || 'faketcp';
  if (mode === 'icmp') {
    importing.unused(line, '"udp2raw" in ICMP cannot be told from other pings: nothing is opened for it');
    return;
  }
  importing.service(
    line,
    'this server',
    'opaque',
    mode === 'udp' ? 'udp' : 'tcp',
    valueOf('-r', '--remote-addr'),
  );
}
