#!/usr/bin/env node
// Entry point of the daemon: options, signals, exit codes.

import { stat } from 'node:fs/promises';
import { pino } from 'pino';
import { LockError } from '../os/exclusive-lock.ts';
import { isExhaustion } from '../os/exhaustion.ts';
import { Daemon } from './daemon.ts';
import { release } from './release.ts';
import { USAGE, UsageError, readOptions } from './options.ts';
import { ServiceManager } from './service-manager.ts';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  if (options.release) {
    const failures = await release(options.runtimeDir);
    for (const failure of failures) process.stderr.write(`${failure}\n`);
    process.exitCode = failures.length === 0 ? 0 : 3;
    return;
  }
  const running: { daemon?: Daemon } = {};
  const timestamp = (): string =>
    `,"time":"${new Date(running.daemon?.logTime ?? Date.now()).toISOString()}"`;
  const log = pino({ name: 'leakguardd', base: null, timestamp });
  // libuv creates its thread pool at the first such call, and aborts when the machine has no thread left: better at the start than later.
  await stat('/');
  const daemon = new Daemon(options, log, (reason) => {
    log.error({ reason }, 'exiting; the rules stay in the kernel');
    process.exit(3);
  });
  running.daemon = daemon;
  // Exhausted handles or memory come back, and exiting would not bring them back sooner. Any other error leaves the process in an
  // unknown state: it exits, the rules stay, the LED watchdog turns the LED red, and systemd starts the daemon again.
  process.on('uncaughtException', (error, origin) => {
    log.error({ error: error.stack, origin }, 'unexpected error');
    if (!isExhaustion(error)) process.exit(3);
  });
  const manager = new ServiceManager(process.env, (error) => {
    log.error({ error: String(error) }, 'systemd cannot be notified that the daemon is alive');
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'stopping; the rules stay in the kernel');
      manager.stop();
      daemon.stop();
      process.exit(0);
    });
  }
  process.on('SIGHUP', () => {
    void daemon.reload();
  });
  await daemon.start();
  await manager.ready();
  log.info({ runtimeDir: options.runtimeDir }, 'ready');
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError;
  if (error instanceof LockError) {
    process.stderr.write(
      `leakguardd does not start: ${error.message}; two daemons would undo each other's changes\n`,
    );
    process.exitCode = 3;
    return;
  }
  process.stderr.write(
    usage ? `${error.message}\n${USAGE}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = usage ? 2 : 3;
});
