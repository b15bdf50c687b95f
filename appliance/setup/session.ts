// Finds the ssh session from which this is run, and whether an ssh server is listening. sshd(8) sets SSH_CONNECTION for the session; sudo(8)
// removes it, so the parent processes are checked, too.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { SSH_PORT } from '../../src/policy/policy.ts';
import { readSockets } from '../os/sockets.ts';

/** IP protocol number. */
const TCP = 6;

/** The session from which this program was started. */
export interface SshSession {
  /** The interface through which it is connected. */
  readonly interface: string;
  /** The server's TCP port. */
  readonly port: number;
}

/**
 * The ssh session of this process or a parent; undefined without one, or when its interface cannot be found. `folder`: /proc or a copy, of
 * which what cannot be read counts as absent; `addresses`: interface names by address, IPv4 and IPv6 as text.
 */
export function sshSession(folder = '/proc', addresses = ownAddresses()): SshSession | undefined {
  const server = sessionServer(folder);
  if (server === undefined) return undefined;
  const name = addresses.get(server.address);
  return name === undefined ? undefined : { interface: name, port: server.port };
}

/**
 * Whether a server is listening on SSH_PORT, which a policy can open, on any address (proc_net_tcp(5)). `folder`: /proc or a copy; what
 * cannot be read counts as no server.
 */
export function listensForSsh(folder = '/proc'): boolean {
  return readSockets(folder).some(
    ({ protocol, localPort, remotePort }) => protocol === TCP && localPort === SSH_PORT && remotePort === 0,
  );
}

/** The server address and port of the session on this machine. */
function sessionServer(folder: string): { readonly address: string; readonly port: number } | undefined {
  let pid: string | undefined = 'self';
  while (pid !== undefined && pid !== '0') {
    const variable = (textOf(join(folder, pid, 'environ')) ?? '')
      .split('\0')
      .find((entry) => entry.startsWith('SSH_CONNECTION='));
    // Client's address and port, then the server's (ssh(1)).
    const [, , address, port] = variable?.slice('SSH_CONNECTION='.length).split(' ') ?? [];
    if (address !== undefined)
      return { address: address.replace(/^::ffff:/, '').replace(/%.*$/, ''), port: Number(port) };
    pid = /^PPid:\s+(\d+)$/m.exec(textOf(join(folder, pid, 'status')) ?? '')?.[1];
  }
  return undefined;
}

function ownAddresses(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(networkInterfaces()).flatMap(([name, entries]) =>
      (entries ?? []).map(({ address }) => [address, name] as const),
    ),
  );
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
