// Knows: which servers the programs name that carry a tunnel through something else: Shadowsocks, obfs4, udp2raw, wstunnel, and those
// that hide in QUIC or MASQUE. Must not know: files, keys (of a link's user part nothing is read). What is on the wire goes to the server of
// that program, so it is trusted as `opaque` (a bridge of Tor's as `tor`); the address on which it listens here opens nothing.
// Follows SIP002 and SIP008 (Shadowsocks), sing-box's outbounds, usque's config.json, tor(1) ("Bridge"), udp2raw's and wstunnel's usage.

import { parseAddress } from '../../wire/ip/address.ts';
import { IMPORT_MOST, Importing, hostAndPort, shownKeyword, trimmedLines } from './imported.ts';
import type { Import } from './imported.ts';
import type { Transport } from '../policy.ts';

type Json = Readonly<Record<string, unknown>>;

const LINK = /^(ss|hysteria2|hy2|tuic|trojan|vless|anytls):\/\/\S/i;
const BRIDGE =
  /^(?:Bridge\s+)?(?:(obfs4|obfs3|scramblesuit|meek|meek_lite|snowflake|webtunnel|conjure)\s+)?(\S+:\d{1,5})(?:\s|$)/i;
const COMMAND = /(?:^|[\s/=])(wstunnel|udp2raw)(?:_\w+)?\s+\S/;

/** Over what each program goes to its server. */
const TRANSPORTS: Readonly<Record<string, readonly Transport[]>> = {
  ss: ['tcp', 'udp'],
  shadowsocks: ['tcp', 'udp'],
  hysteria: ['udp'],
  hysteria2: ['udp'],
  hy2: ['udp'],
  tuic: ['udp'],
};
/** Whose address in a bridge's line is made up: they meet their bridge at web servers. */
const MEETING = new Set(['meek', 'meek_lite', 'snowflake', 'webtunnel', 'conjure']);

function linesOf(text: string): { readonly line: number; readonly said: string }[] {
  return trimmedLines(text)
    .map((said, at) => ({ line: at + 1, said: said.slice(0, 4_000) }))
    .filter(({ said }) => said !== '' && !said.startsWith('#'));
}

function isBridge(said: string): boolean {
  return /^Bridge\s/i.test(said) || /^(?:obfs4|webtunnel|snowflake|meek_lite)\s+\S+:\d/i.test(said);
}

export function isObfuscatorConfig(text: string): boolean {
  // Longer ones are lists of servers.
  if (text.length > IMPORT_MOST) return false;
  if (jsonOf(text) !== undefined) return true;
  return linesOf(text).some(({ said }) => LINK.test(said) || isBridge(said) || isCommand(said));
}

/** Of a WireGuard configuration's PreUp and PostUp, too. */
function isCommand(said: string): boolean {
  return COMMAND.test(said) && !said.startsWith('//');
}

/** One tunnel with every server. Never throws. */
export function importObfuscator(text: string): Import {
  const importing = new Importing();
  const json = jsonOf(text);
  if (json !== undefined) {
    for (const server of json) fromServer(importing, server);
    return importing.result();
  }
  for (const { line, said } of linesOf(text)) {
    if (LINK.test(said)) fromLink(importing, line, said);
    else if (isBridge(said)) fromBridge(importing, line, said);
    else if (isCommand(said)) fromCommand(importing, line, said);
  }
  return importing.result();
}

interface Server {
  readonly kind: string;
  readonly host: string;
  readonly port: string;
  readonly transports: readonly Transport[];
}

/** Servers of a JSON configuration; undefined where it is of none of these programs. */
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

function serversOf(one: Json): Server[] {
  // usque: MASQUE to Cloudflare.
  const masque = [one['endpoint_v4'], one['endpoint_v6']].map(wordOf).filter((host) => host !== '');
  if (masque.length > 0)
    return masque.map((host) => ({ kind: 'masque', host, port: '443', transports: ['udp'] as const }));
  const port = wordOf(one['server_port'] ?? one['port']);
  const given = one['server'] ?? one['address'];
  const hosts = (Array.isArray(given) ? (given as unknown[]) : [given])
    .map(wordOf)
    .filter((host) => host !== '');
  const kind = wordOf(one['type']) || (one['method'] === undefined ? '' : 'shadowsocks');
  if (port === '' || kind === '') return [];
  const transports = kind === 'shadowsocks' ? modeOf(one, kind) : (TRANSPORTS[kind] ?? (['tcp'] as const));
  return hosts.map((host) => ({ kind, host, port, transports }));
}

/** Shadowsocks carries streams alone where its configuration does not say otherwise; sing-box's says by `network`. */
function modeOf(one: Json, kind: string): readonly Transport[] {
  const mode = wordOf(one['mode'] ?? one['network']);
  if (mode === 'udp_only' || mode === 'udp') return ['udp'];
  if (mode === 'tcp_and_udp' || (one['type'] !== undefined && mode === ''))
    return TRANSPORTS[kind] ?? ['tcp'];
  return ['tcp'];
}

function fromServer(importing: Importing, { host, port, transports }: Server): void {
  for (const transport of transports) importing.server(1, 'this server', 'opaque', transport, host, port);
}

/** `ss://…@host:port?…#name`; what stands in front of `@` is a key, and Shadowsocks may have put all of it into base64. */
function fromLink(importing: Importing, line: number, said: string): void {
  const kind = (LINK.exec(said)?.[1] ?? '').toLowerCase();
  const [whole = ''] = said.slice(said.indexOf('://') + 3).split('#');
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
      'its connections show another name than the server’s, which looks foreign there: name the server by its address',
    );
  for (const transport of TRANSPORTS[kind] ?? (['tcp'] as const))
    importing.server(line, 'this server', 'opaque', transport, host, port);
}

/** Text of base64 or base64url, of any length; '' for what is none. */
function decodedBase64(text: string): string {
  try {
    return atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return '';
  }
}

function fromBridge(importing: Importing, line: number, said: string): void {
  const [, kind = '', place = ''] = BRIDGE.exec(said) ?? [];
  if (place === '') importing.unused(line, 'this bridge has no address with a port');
  else if (MEETING.has(kind.toLowerCase()))
    importing.unused(
      line,
      `${shownKeyword(kind.replace('_', '-'))}: it meets its bridge at web servers, and the address in that line is made up: nothing is opened for it`,
    );
  else importing.service(line, 'this bridge', 'tor', 'tcp', place);
}

function fromCommand(importing: Importing, line: number, said: string): void {
  const words = said.split(/\s+/).map((word) => word.replace(/^['"]|['"]$/g, ''));
  if (/wstunnel/.test(COMMAND.exec(said)?.[1] ?? '')) {
    const link = words
      .map((word) => /^(wss?|https?):\/\/(?:[^@/]*@)?([^/?]+)/i.exec(word))
      .find((one) => one !== null);
    if (link === undefined) {
      importing.unused(line, '"wstunnel": it names no server');
      return;
    }
    const [, scheme = '', place = ''] = link;
    if (/^(ws|http)$/i.test(scheme)) {
      importing.unused(line, '"wstunnel" without TLS is an HTTP request that everybody reads: use wss://');
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
  // Whoever listens for others is the server itself.
  if (words.includes('-s')) {
    importing.unused(line, '"udp2raw": a server, not a client');
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
