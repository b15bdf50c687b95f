#!/usr/bin/env node
// Knows: the start and the end of the daemon process. Must not know: what happens in between.

import { mkdirSync } from 'node:fs';
import { pino } from 'pino';
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
  const log = pino({ name: 'leakguardd', base: null, timestamp: pino.stdTimeFunctions.isoTime });
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  mkdirSync(options.runtimeDir, { recursive: true, mode: 0o755 });
  const daemon = new Daemon(options, log);
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
  process.stderr.write(
    usage ? `${error.message}\n${USAGE}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = usage ? 2 : 3;
});
