// Knows: by which way the person who runs this came in by ssh, and whether others could. Must not know: what will be done with it.
// sshd(8) tells its session SSH_CONNECTION; sudo(8) drops it, so that the processes above are asked too.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { SSH_PORT } from '../../src/policy/policy.ts';
import { readSockets } from '../os/sockets.ts';

/** IP protocol number. */
const TCP = 6;

export interface SshSession {
  /** The interface that it comes in through. */
  readonly interface: string;
  /** The server's. */
  readonly port: number;
}

/** Undefined without a session, or when its interface cannot be found. */
export function sshSession(folder = '/proc', addresses = ownAddresses()): SshSession | undefined {
  const server = sessionServer(folder);
  if (server === undefined) return undefined;
  const name = addresses.get(server.address);
  return name === undefined ? undefined : { interface: name, port: server.port };
}

/** Whether a server listens at the port that a policy can open. */
export function listensForSsh(folder = '/proc'): boolean {
  return readSockets(folder).some(
    ({ protocol, localPort, remotePort }) => protocol === TCP && localPort === SSH_PORT && remotePort === 0,
  );
}

/** This machine's address and port that the session speaks to. */
function sessionServer(folder: string): { readonly address: string; readonly port: number } | undefined {
  let pid: string | undefined = 'self';
  while (pid !== undefined && pid !== '0') {
    const words = (textOf(join(folder, pid, 'environ')) ?? '')
      .split('\0')
      .find((entry) => entry.startsWith('SSH_CONNECTION='));
    // Client's address and port, then the server's (ssh(1)).
    const [, , address, port] = words?.slice('SSH_CONNECTION='.length).split(' ') ?? [];
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
