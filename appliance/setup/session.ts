// Knows: through which port of this machine the person who runs this came in. Must not know: what will be done with it.
// sshd(8) tells its session SSH_CONNECTION; sudo(8) drops it, so that the processes above are asked too.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/** The port that the ssh session comes in through; undefined without a session, or when it cannot be found. */
export function sessionPort(folder = '/proc', addresses = ownAddresses()): string | undefined {
  const address = sessionAddress(folder);
  return address === undefined ? undefined : addresses.get(address);
}

/** This machine's address that the session speaks to. */
function sessionAddress(folder: string): string | undefined {
  let pid: string | undefined = 'self';
  while (pid !== undefined && pid !== '0') {
    const words = (textOf(join(folder, pid, 'environ')) ?? '')
      .split('\0')
      .find((entry) => entry.startsWith('SSH_CONNECTION='));
    // Client's address and port, then the server's (ssh(1)).
    const address = words?.slice('SSH_CONNECTION='.length).split(' ')[2];
    if (address !== undefined) return address.replace(/^::ffff:/, '').replace(/%.*$/, '');
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
