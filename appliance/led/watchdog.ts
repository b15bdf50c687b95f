#!/usr/bin/env node
// The LED watchdog: a separate process that drives the LED while the daemon sends beats, survives a daemon that hangs, stops or is killed, and
// then shows red. Small on purpose: whatever can end it can leave the LED green.

import { existsSync, lstatSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { afterReading } from '../os/after-reading.ts';
import { monotonicMs } from '../os/clock.ts';
import { LIGHT_SOCKET, LineReader, SILENCE_PATTERN, SILENCE_MS, isBeat } from './beat.ts';
import type { Echo } from './beat.ts';
import { Light } from './light.ts';
import { readLedRecord } from './record.ts';

const HELP = `leakguard's LED watchdog: shows the pattern that leakguardd sends at least twice a second, and red when leakguardd is silent

  [--runtime-dir DIR]  directory of its socket (default /run/leakguard)
  [--for-daemon]       exits when leakguardd exits cleanly, or after ten minutes without leakguardd

Exit: 0 told to exit, or another watchdog is running; 2 usage; 3 the socket cannot be created.
`;

/** How often the LED and the own socket are checked, milliseconds. */
const CHECK_MS = 500;
/** Without its directory the watchdog cannot be reached; it exits unless the directory is back within this time, milliseconds. */
const UNREACHABLE_MS = 5_000;
/** With --for-daemon it exits after this time without a daemon, milliseconds. */
const ABANDONED_MS = 600_000;
/** Most connections: the daemon, an earlier one, and another watchdog that asks whether one is running. */
const CONNECTIONS_MOST = 4;

class Watchdog {
  readonly #path: string;
  readonly #forDaemon: boolean;
  readonly #light: Light;
  readonly #server: Server;
  #inode: number | undefined;
  #daemon: Socket | undefined;
  #heardAt = monotonicMs();
  #cancelTimeout = (): void => undefined;

  constructor(runtimeDir: string, forDaemon: boolean) {
    this.#path = join(runtimeDir, LIGHT_SOCKET);
    this.#forDaemon = forDaemon;
    this.#light = new Light(runtimeDir);
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
    this.#server.maxConnections = CONNECTIONS_MOST;
    // No file handle is left for a new connection: the existing ones continue.
    this.#server.on('error', () => undefined);
    // Until the first beat, the LED that was used last shows that no daemon is running.
    const last = readLedRecord(runtimeDir);
    if (last !== undefined) this.#light.take(last);
    this.#showSilence();
  }

  /** Rejects when the socket cannot be created. */
  async start(): Promise<void> {
    await this.#listen();
    setInterval(() => {
      this.#light.look();
      void this.#checkSocket();
    }, CHECK_MS);
  }

  /** Leaves the LED red and exits. */
  end(): never {
    this.#light.close();
    process.exit(0);
  }

  async #listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      const mask = process.umask(0o177);
      this.#server.once('error', reject);
      this.#server.listen(this.#path, () => {
        this.#server.off('error', reject);
        resolve();
      });
      // The socket is created synchronously by listen(), so the mask applies to it: only the daemon's user may connect.
      process.umask(mask);
    });
    this.#inode = inodeOf(this.#path);
  }

  #accept(socket: Socket): void {
    const reader = new LineReader();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      for (const value of reader.push(text)) this.#receive(socket, value);
    });
    socket.on('close', () => {
      if (this.#daemon !== socket) return;
      this.#daemon = undefined;
      this.#cancelTimeout();
      this.#showSilence();
    });
  }

  #receive(socket: Socket, value: unknown): void {
    if (isFarewell(value)) {
      if (socket !== this.#daemon) return;
      this.#daemon = undefined;
      this.#cancelTimeout();
      // Steady, not flashing: the daemon was stopped on purpose.
      this.#light.show('red');
      if (this.#forDaemon) this.end();
      return;
    }
    if (!isBeat(value, monotonicMs())) return;
    this.#light.take(value.lamp);
    this.#light.show(value.pattern, value.again);
    if (socket !== this.#daemon) {
      // The newest connection that sends beats is the daemon; an older one is a leftover.
      this.#daemon?.destroy();
      this.#daemon = socket;
    }
    this.#restartTimeout();
    const { fault } = this.#light;
    const echo: Echo = { shown: value.pattern, ...(fault === undefined ? {} : { fault }) };
    if (!socket.writableNeedDrain) socket.write(`${JSON.stringify(echo)}\n`);
  }

  /** The daemon has been silent for too long, or is gone. */
  #showSilence(): void {
    this.#light.show(SILENCE_PATTERN);
  }

  #restartTimeout(): void {
    this.#heardAt = monotonicMs();
    this.#cancelTimeout();
    this.#cancelTimeout = afterReading(SILENCE_MS, () => {
      this.#showSilence();
    });
  }

  /** Creates the socket again when it was removed; exits when another watchdog has replaced it, or when no daemon needs this one. */
  async #checkSocket(): Promise<void> {
    const silentMs = monotonicMs() - this.#heardAt;
    const isAlone = this.#daemon === undefined;
    if (this.#forDaemon && isAlone && silentMs > ABANDONED_MS) this.end();
    const found = inodeOf(this.#path);
    if (found === this.#inode) return;
    if (found === undefined && existsSync(dirname(this.#path))) {
      this.#server.close();
      await this.#listen().catch(() => undefined);
    } else if (isAlone && (found !== undefined || silentMs > UNREACHABLE_MS)) {
      this.#showSilence();
      process.exit(0);
    }
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

function isFarewell(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'bye' in value;
}

/** Whether another process listens on this socket. */
async function isTaken(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'runtime-dir': { type: 'string', default: '/run/leakguard' },
      'for-daemon': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (await isTaken(join(values['runtime-dir'], LIGHT_SOCKET))) return;
  const watchdog = new Watchdog(values['runtime-dir'], values['for-daemon']);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      watchdog.end();
    });
  }
  await watchdog.start();
}

main().catch((error: unknown) => {
  const usage = error instanceof TypeError && 'code' in error;
  process.stderr.write(`${String(error)}\n${usage ? HELP : ''}`);
  process.exit(usage ? 2 : 3);
});
