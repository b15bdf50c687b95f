// Connects the laptop to the network: DHCP client, leases and IPv6 address.
// udhcpc is a real DHCP client (RFC 2131): SIGUSR1 makes it renew its lease, SIGUSR2 makes it release it.

import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { LabError } from '../error.ts';
import type { Namespace } from './namespace.ts';
import { LAN, type Plan } from '../plan.ts';
import type { Running } from '../processes/process.ts';

/** The script that udhcpc runs when its lease changes: it sets the address and appends the event to the file `leases`. */
function leaseScript(plan: Plan): string {
  return [
    '#!/bin/sh',
    'case "$1" in',
    '  deconfig) ip -4 addr flush dev "$interface" ;;',
    '  bound|renew)',
    '    ip -4 addr replace "$ip/$mask" dev "$interface"',
    '    for gateway in $router; do ip -4 route replace default via "$gateway" dev "$interface"; done ;;',
    'esac',
    `echo "$1 $ip" >> ${plan.files.leases}`,
    '',
  ].join('\n');
}

/** Number of times that the client has reported `event` (bound, renew, deconfig) so far; 0 when it has reported nothing yet. Never rejects. */
export async function leaseEvents(plan: Plan, event: string): Promise<number> {
  const text = await readFile(plan.files.leases, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line.startsWith(`${event} `)).length;
}

/**
 * Resolves when the client has reported `event` more than `before` times, also when it has by now. Rejects with LabError `no-lease` after
 * `timeoutMs`.
 */
export async function leaseEvent(
  plan: Plan,
  event: string,
  before: number,
  timeoutMs: number,
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(plan.dir, { signal: timeout }, (_, file) => {
      if (file === null || file === 'leases') look();
    });
    const end = (settle: () => void): void => {
      watcher.close();
      settle();
    };
    const look = (): void => {
      leaseEvents(plan, event).then((count) => {
        if (count > before) end(resolve);
      }, reject);
    };
    timeout.addEventListener('abort', () =>
      end(() =>
        reject(new LabError('no-lease', `no "${event}" from the DHCP client within ${timeoutMs} ms`)),
      ),
    );
    look();
  });
}

/**
 * Starts the DHCP client udhcpc (RFC 2131) on eth0; resolves when it has a lease. Rejects with LabError `no-lease` when it ends, or has
 * none in 20 s.
 */
export async function startDhcpClient(plan: Plan, space: Namespace): Promise<Running> {
  const script = join(plan.dir, 'lease');
  await writeFile(script, leaseScript(plan), { mode: 0o700 });
  const client = await space.start(
    ['udhcpc', '-f', '-i', 'eth0', '-s', script, '-t', '20', '-T', '1', '-A', '1', '-x', 'hostname:laptop'],
    { log: join(plan.dir, 'dhcp.log') },
  );
  const ended = client.exited.then((code) => {
    throw new LabError(
      'no-lease',
      `the DHCP client ended (${code ?? 'signal'}): ${client.lines.join(' | ')}`,
    );
  });
  await Promise.race([leaseEvent(plan, 'bound', 0, 20_000), ended]);
  ended.catch(() => undefined);
  return client;
}

/**
 * Resolves when the laptop has formed its IPv6 address and finished duplicate address detection (RFC 4862, 5.4). Rejects with LabError
 * `not-ready` after 20 s.
 */
export async function awaitIpv6(space: Namespace): Promise<void> {
  const usable = new RegExp(`inet6 ${LAN.laptop6}/64 (?!.*tentative)`);
  const monitor = await space.start(['ip', '-oneline', '-6', 'monitor', 'address', 'dev', 'eth0']);
  try {
    const now = await space.must(['ip', '-oneline', '-6', 'address', 'show', 'dev', 'eth0']);
    if (!usable.test(now.stdout)) await monitor.line(usable, 20_000);
  } finally {
    await monitor.stop();
  }
}
