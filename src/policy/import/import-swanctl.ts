// Reads the servers from a swanctl.conf. Follows swanctl.conf(5) and the syntax of strongswan.conf(5): sections in braces, `key = value`
// to the end of the line.

import { Importing, trimmedLines } from './imported.ts';
import type { Import } from './imported.ts';

/** Whether the text is one, by its section `connections`. */
export function isSwanctlConfig(text: string): boolean {
  return trimmedLines(text).some((line) => /^connections\s*\{/.test(line.slice(0, 200)));
}

interface Connection {
  readonly line: number;
  addresses?: { readonly line: number; readonly value: string };
  port?: string;
}

/** One tunnel with the servers of all connections; what opens nothing is in `unused`. Never throws. */
export function importSwanctl(text: string): Import {
  const importing = new Importing();
  const path: string[] = [];
  let connection: Connection | undefined;
  for (const [index, whole] of trimmedLines(text).entries()) {
    const line = index + 1;
    for (const piece of piecesOf(whole)) {
      if (piece === '}') {
        if (path.length === 2 && connection !== undefined) finish(connection, importing);
        if (path.length <= 2) connection = undefined;
        path.pop();
      } else if (piece.endsWith('{')) {
        path.push(/^[^\s:{]*/.exec(piece)?.[0] ?? '');
        if (path.length === 2 && path[0] === 'connections') connection = { line };
        // A configuration has six levels; a deeper text is not one.
        if (path.length > 32) return importing.result();
      } else if (connection !== undefined && path.length === 2) {
        readSetting(connection, piece, line);
      } else if (path.length === 0 && /^include\s/.test(piece)) {
        importing.unused(line, '"include": that other file is not read; import it as well');
      }
    }
  }
  return importing.result();
}

/** The parts of a line: `name {`, `}` and settings, without comments; quoted text is not split. */
function piecesOf(line: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  let isQuoted = false;
  let end = line.length;
  const take = (until: number): void => {
    const piece = line.slice(from, until).trim();
    if (piece !== '') pieces.push(piece);
  };
  for (let at = 0; at < end; at += 1) {
    const letter = line[at];
    if (letter === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (letter === '#') end = at;
    else if (letter === '{' || letter === '}') {
      take(letter === '{' ? at + 1 : at);
      if (letter === '}') pieces.push('}');
      from = at + 1;
    }
  }
  take(end);
  return pieces;
}

function readSetting(connection: Connection, piece: string, line: number): void {
  const equals = piece.indexOf('=');
  const key = piece.slice(0, Math.max(0, equals)).trim();
  const value = piece
    .slice(equals + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
  if (key === 'remote_addrs') connection.addresses = { line, value };
  if (key === 'remote_port') connection.port = value;
}

function finish({ line, addresses, port = '500' }: Connection, importing: Importing): void {
  const hosts = addresses?.value.split(/[,\s]+/).filter(Boolean) ?? [];
  if (addresses === undefined || hosts.includes('%any')) {
    importing.unused(
      addresses?.line ?? line,
      'this connection accepts any server (remote_addrs): nothing is opened for it',
    );
    return;
  }
  const isUsual = port === '500' || port === '4500';
  if (!isUsual)
    importing.unused(line, 'IKE on a custom port: only address and port identify the tunnel (opaque)');
  for (const host of hosts)
    importing.server(addresses.line, 'this server', isUsual ? 'ipsec' : 'opaque', 'udp', host, port);
}
