// Reads the servers from an OpenVPN client configuration. Inline blocks (keys, certificates) are skipped unread.
// Follows openvpn(8): --remote, --port, --rport, --proto, --remote-random-hostname, <connection>, inline file support.

import { parseAddress } from '../../wire/ip/address.ts';
import { BELOW } from '../schema/endpoint.ts';
import { noServer, noServerWords } from '../servers/no-server.ts';
import { Importing, shownHost, trimmedLines } from './imported.ts';
import type { Import } from './imported.ts';
import type { Transport } from '../policy.ts';

interface Remote {
  readonly line: number;
  readonly host: string;
  readonly port: string | undefined;
  readonly proto: string | undefined;
  /** Settings of its <connection> block, or of the file. */
  readonly block: Settings;
}

interface Settings {
  port?: string;
  proto?: string;
  /** The proxy that it goes through, and the keyword in the file. */
  proxy?: { readonly keyword: string; readonly host: string };
}

const DEFAULT_PORT = '1194';

/** Whether the text is one: it has a remote, or the word `client` alone on a line. */
export function isOpenvpnConfig(text: string): boolean {
  return trimmedLines(text).some((line) => line === 'client' || /^remote\s+\S/.test(line));
}

/**
 * One tunnel with every remote; settings of a <connection> block take precedence over those of the file. Text of inline blocks never
 * reaches the result. Never throws.
 */
export function importOpenvpn(text: string): Import {
  const file: Settings = {};
  const remotes: Remote[] = [];
  const importing = new Importing();
  /** Packets do not look like OpenVPN's: only address and port identify them. */
  let isShapeless = false;
  /** The client puts a random label in front of every server's name (src/policy/servers/names.ts). */
  let isRandom = false;
  let block = file;
  let inline = '';
  const lines = trimmedLines(text);
  for (const [index, rest] of lines.entries()) {
    const line = index + 1;
    const tag = /^<(\/?)([a-z0-9-]+)>$/i.exec(rest);
    if (inline !== '') {
      // A block contains a key or a certificate: only its end is looked for.
      if (tag?.[1] === '/' && tag[2] === inline) inline = '';
      continue;
    }
    if (tag !== null) {
      if (tag[2] === 'connection') block = tag[1] === '/' ? file : {};
      else if (tag[1] === '') inline = tag[2] ?? '';
      isShapeless ||= tag[2] === 'secret';
      continue;
    }
    const [keyword = '', ...values] = wordsOf(rest);
    if (keyword === 'remote') {
      const [host = '', port, proto] = values;
      remotes.push({ line, host, port, proto, block });
    } else if ((keyword === 'port' || keyword === 'rport') && values[0] !== undefined) {
      // `rport` is the server's port; `port` sets it and the local one, which does not matter.
      if (keyword === 'rport' || block.port === undefined) block.port = values[0];
    } else if (keyword === 'proto' && values[0] !== undefined) {
      block.proto = values[0];
    } else if ((keyword === 'http-proxy' || keyword === 'socks-proxy') && values[0] !== undefined) {
      block.proxy = { keyword, host: values[0] };
      importing.unused(line, `"${keyword}": packets go to this proxy`);
    } else if (keyword === 'secret' || keyword === 'scramble') {
      isShapeless = true;
      const why =
        keyword === 'secret' ? 'with a static key packets have no header' : 'it scrambles every packet';
      importing.unused(line, `"${keyword}": ${why}, so only address and port identify the tunnel (opaque)`);
    } else if (keyword === 'remote-random-hostname') {
      isRandom = true;
    } else if (keyword === 'config') {
      importing.unused(line, '"config": that other file is not read; import it as well');
    }
  }
  if (inline !== '') importing.unused(lines.length, 'an inline block is not closed');
  for (const { line, host, block: own, ...remote } of remotes) {
    const proxy = own.proxy ?? file.proxy;
    if (proxy !== undefined) {
      importing.unused(line, proxyWords(proxy));
      continue;
    }
    const proto = remote.proto ?? own.proto ?? file.proto ?? 'udp';
    const transport = transportOf(proto);
    if (transport === undefined) {
      importing.unused(line, 'this remote has a protocol that is neither udp nor tcp');
      continue;
    }
    const port = remote.port ?? own.port ?? file.port ?? DEFAULT_PORT;
    const isAddress = parseAddress(host) !== undefined;
    const asked = isRandom && !isAddress ? `${BELOW}${host}` : host;
    importing.server(line, 'this remote', isShapeless ? 'opaque' : 'openvpn', transport, asked, port);
  }
  return importing.result();
}

/** Packets go to the proxy, not to the server. */
function proxyWords({ keyword, host }: { readonly keyword: string; readonly host: string }): string {
  const why = noServer(host.toLowerCase());
  const where = `"${keyword}": this remote is reached through ${shownHost(host.toLowerCase())}`;
  if (why === undefined)
    return `${where}, which gets its name in the clear: nothing is opened; list that proxy under proxies (profile proxy-stub)`;
  const { message, remedy } = noServerWords(why);
  return `${where}, which ${message}: nothing is opened. ${remedy}`;
}

/** The words of a line, quoted text as one word, without comments. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole, quoted, single] of line.matchAll(/"([^"]*)"|'([^']*)'|[#;].*|\S+/g)) {
    if (/^[#;]/.test(whole)) break;
    words.push(quoted ?? single ?? whole);
  }
  return words;
}

/** `udp`, `udp4`, `tcp-client`, `tcp6-client` and their like. */
function transportOf(proto: string): Transport | undefined {
  const match = /^(udp|tcp)[46]?(?:-client)?$/.exec(proto.toLowerCase());
  return match === null ? undefined : match[1] === 'tcp' ? 'tcp' : 'udp';
}
