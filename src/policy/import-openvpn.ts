// Knows: which servers an OpenVPN client configuration names. Must not know: files, keys (inline blocks are skipped unread).
// Follows openvpn(8): --remote, --port, --rport, --proto, <connection>, inline file support.

import { parseEndpoint } from './endpoint.ts';
import { boundedUnused, distinctEndpoints, trimmedLines } from './imported.ts';
import type { Import, UnusedLine } from './imported.ts';
import type { Endpoint, Transport } from './policy.ts';

interface Remote {
  readonly line: number;
  readonly host: string;
  readonly port: string | undefined;
  readonly proto: string | undefined;
  /** Settings of its own <connection> block, or of the file. */
  readonly block: Settings;
}

interface Settings {
  port?: string;
  proto?: string;
}

const DEFAULT_PORT = '1194';

/** Whether a text is one: a remote, or the word `client` alone on a line. */
export function isOpenvpnConfig(text: string): boolean {
  return trimmedLines(text).some((line) => line === 'client' || /^remote\s+\S/.test(line));
}

/** One tunnel with every remote; settings of a <connection> block come before those of the file. Never throws. */
export function importOpenvpn(text: string): Import {
  const file: Settings = {};
  const remotes: Remote[] = [];
  const unused: UnusedLine[] = [];
  let block = file;
  let inline = '';
  const lines = trimmedLines(text);
  for (const [index, rest] of lines.entries()) {
    const line = index + 1;
    const tag = /^<(\/?)([a-z0-9-]+)>$/i.exec(rest);
    if (inline !== '') {
      // The inside of a block is a key or a certificate: only its end is looked for.
      if (tag?.[1] === '/' && tag[2] === inline) inline = '';
      continue;
    }
    if (tag !== null) {
      if (tag[2] === 'connection') block = tag[1] === '/' ? file : {};
      else if (tag[1] === '') inline = tag[2] ?? '';
      continue;
    }
    const [keyword = '', ...values] = wordsOf(rest);
    if (keyword === 'remote') {
      const [host = '', port, proto] = values;
      remotes.push({ line, host, port, proto, block });
    } else if ((keyword === 'port' || keyword === 'rport') && values[0] !== undefined) {
      // `rport` is the far one; `port` sets both (the near one is of no interest).
      if (keyword === 'rport' || block.port === undefined) block.port = values[0];
    } else if (keyword === 'proto' && values[0] !== undefined) {
      block.proto = values[0];
    } else if (keyword === 'http-proxy' || keyword === 'socks-proxy') {
      unused.push({
        line,
        why: `"${keyword}": the server is reached through a proxy; name the proxy in the policy`,
      });
    }
  }
  if (inline !== '') unused.push({ line: lines.length, why: 'an inline block is not closed' });
  const endpoints = remotes.flatMap((remote): Endpoint[] => {
    const { line, host, block: own } = remote;
    const proto = remote.proto ?? own.proto ?? file.proto ?? 'udp';
    const transport = transportOf(proto);
    if (transport === undefined) {
      unused.push({ line, why: 'this remote has a protocol that is neither udp nor tcp' });
      return [];
    }
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    const port = remote.port ?? own.port ?? file.port ?? DEFAULT_PORT;
    const endpoint = parseEndpoint(`${transport}:${bare.includes(':') ? `[${bare}]` : bare}:${port}`);
    if (endpoint === undefined) unused.push({ line, why: 'this remote is no address or name with a port' });
    return endpoint === undefined ? [] : [endpoint];
  });
  const found = distinctEndpoints(endpoints);
  const tunnels = found.length === 0 ? [] : [{ protocol: 'openvpn' as const, endpoints: found }];
  return { tunnels, unused: boundedUnused(unused) };
}

/** Words of a line: quoted ones whole, comments left out. */
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
