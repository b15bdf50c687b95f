// When systemd must hear of the daemon, and when not.

import { expect, it } from 'vitest';

import { ServiceManager } from '../../../appliance/daemon/service-manager.ts';

/** A manager whose words are kept; `heard(n)` resolves when n of them were said. */
function listening(environment: Record<string, string>, fails = false) {
  const said: string[] = [];
  const faults: unknown[] = [];
  let wake = (): void => undefined;
  const manager = new ServiceManager(
    environment,
    (error) => faults.push(error),
    (...args) => {
      said.push(args.join(' '));
      wake();
      return fails ? Promise.reject(new Error('no systemd-notify')) : Promise.resolve();
    },
  );
  const heard = async (count: number): Promise<void> => {
    while (said.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { manager, said, faults, heard };
}

it('says nothing when systemd does not ask', async () => {
  for (const environment of [{}, { NOTIFY_SOCKET: '', WATCHDOG_USEC: '3000' }]) {
    const { manager, said } = listening(environment);
    await manager.ready();
    expect(said).toEqual([]);
  }
});

it('says that it is ready, then that it lives, again and again', async () => {
  const { manager, said, heard } = listening({ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '3000' });
  await manager.ready();
  await heard(4);
  manager.stop();
  expect(said.slice(0, 4)).toEqual(['--ready', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
});

it('is ready once when no watchdog waits', async () => {
  const { manager, said } = listening({ NOTIFY_SOCKET: '/run/x' });
  await manager.ready();
  expect(said).toEqual(['--ready']);
});

it('goes on trying when systemd cannot be told, and says so once', async () => {
  const { manager, faults, heard } = listening({ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '3000' }, true);
  await manager.ready();
  await heard(4);
  manager.stop();
  expect(faults).toHaveLength(1);
});
