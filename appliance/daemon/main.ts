#!/usr/bin/env node
// Knows: the start and the end of the daemon process. Must not know: what happens in between.

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
  const guarding: { daemon?: Daemon } = {};
  const timestamp = (): string =>
    `,"time":"${new Date(guarding.daemon?.logTime ?? Date.now()).toISOString()}"`;
  const log = pino({ name: 'leakguardd', base: null, timestamp });
  // The threads of libuv's pool are made with the first such call, and a machine that has none left then ends the process.
  await stat('/');
  const daemon = new Daemon(options, log, (reason) => {
    log.error({ reason }, 'ending; the rules stay in the kernel');
    process.exit(3);
  });
  guarding.daemon = daemon;
  // What ran out comes back, and ending would not bring it back sooner. Anything else leaves a state that nobody has thought of:
  // the process ends, the rules stay, the LED watchdog turns it red, and whoever started the daemon starts it again.
  process.on('uncaughtException', (error, origin) => {
    log.error({ error: error.stack, origin }, 'an error that nobody expected');
    if (!isExhaustion(error)) process.exit(3);
  });
  const manager = new ServiceManager(process.env, (error) => {
    log.error({ error: String(error) }, 'systemd cannot be told that the daemon lives');
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
      `leakguardd does not start: ${error.message}; it would undo what the other one does\n`,
    );
    process.exitCode = 3;
    return;
  }
  process.stderr.write(
    usage ? `${error.message}\n${USAGE}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = usage ? 2 : 3;
});
