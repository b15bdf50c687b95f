#!/usr/bin/env node
// Knows: the life of the LED watchdog: a process of its own that outlives a daemon that is hung, stopped or killed, and
// shows red when it does not hear from it. Must not know: states, the wire, the policy.
// Small on purpose: what can end it is what can leave a light green. It alone drives the light while the daemon beats.

import { existsSync, lstatSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { afterReading } from '../os/after-reading.ts';
import { monotonicMs } from '../os/clock.ts';
import { LIGHT_SOCKET, LineReader, NOBODY_WATCHES, SILENCE_MS, isBeat } from './beat.ts';
import type { Echo } from './beat.ts';
import { Light } from './light.ts';
import { readLedRecord } from './record.ts';

const HELP = `the keeper of leakguard's light: shows what leakguardd says twice a second at least, and red when it does not

  [--runtime-dir DIR]  where the daemon finds it (default /run/leakguard)
  [--for-daemon]       ends with the daemon's own farewell, or when none has come for ten minutes

Exit: 0 told to end, or there is a keeper already; 2 usage; 3 it cannot be reached there.
`;

/** Between two looks at the light and at the own socket, milliseconds. */
const LOOK_MS = 500;
/** Without its directory or its name nobody finds it any more; a directory that is put back has this long, milliseconds. */
const HOMELESS_MS = 5_000;
const FORGOTTEN_MS = 600_000;
/** The daemon, one before it, and a keeper that asks whether there is one. */
const CONNECTIONS_MOST = 4;

class Keeper {
  readonly #path: string;
  readonly #forDaemon: boolean;
  readonly #light: Light;
  readonly #server: Server;
  #inode: number | undefined;
  #daemon: Socket | undefined;
  #heardAt = monotonicMs();
  #callOffSilence = (): void => undefined;

  constructor(runtimeDir: string, forDaemon: boolean) {
    this.#path = join(runtimeDir, LIGHT_SOCKET);
    this.#forDaemon = forDaemon;
    this.#light = new Light(runtimeDir);
    this.#server = createServer((socket) => {
      this.#greet(socket);
    });
    this.#server.maxConnections = CONNECTIONS_MOST;
    // Without a handle for a newcomer the one that is connected goes on.
    this.#server.on('error', () => undefined);
    // The LED that was lit last: until the first beat it says that nobody watches.
    const lit = readLedRecord(runtimeDir);
    if (lit !== undefined) this.#light.take(lit);
    this.#silent();
  }

  /** Rejects when nobody could reach it. */
  async start(): Promise<void> {
    await this.#listen();
    setInterval(() => {
      this.#light.look();
      void this.#keepName();
    }, LOOK_MS);
  }

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
      // The name is made in this very turn: only whoever the daemon runs as may be its voice.
      process.umask(mask);
    });
    this.#inode = inodeOf(this.#path);
  }

  #greet(socket: Socket): void {
    const reader = new LineReader();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      for (const value of reader.push(text)) this.#take(socket, value);
    });
    socket.on('close', () => {
      if (this.#daemon !== socket) return;
      this.#daemon = undefined;
      this.#callOffSilence();
      this.#silent();
    });
  }

  #take(socket: Socket, value: unknown): void {
    if (isFarewell(value)) {
      if (socket !== this.#daemon) return;
      this.#daemon = undefined;
      this.#callOffSilence();
      // Red, and steady.
      this.#light.show('red');
      if (this.#forDaemon) this.end();
      return;
    }
    if (!isBeat(value, monotonicMs())) return;
    this.#light.take(value.lamp);
    this.#light.show(value.pattern, value.again);
    if (socket !== this.#daemon) {
      // The newest that beats is the daemon: of an older one, all that is left is a connection.
      this.#daemon?.destroy();
      this.#daemon = socket;
    }
    this.#expect();
    const { fault } = this.#light;
    const echo: Echo = { shown: value.pattern, ...(fault === undefined ? {} : { fault }) };
    if (!socket.writableNeedDrain) socket.write(`${JSON.stringify(echo)}\n`);
  }

  /** Nothing was heard for too long, or the daemon is gone. */
  #silent(): void {
    this.#light.show(NOBODY_WATCHES);
  }

  #expect(): void {
    this.#heardAt = monotonicMs();
    this.#callOffSilence();
    this.#callOffSilence = afterReading(SILENCE_MS, () => {
      this.#silent();
    });
  }

  /** A name that was removed is made again; one that another keeper made is its own, and then this one is not needed. */
  async #keepName(): Promise<void> {
    const silentMs = monotonicMs() - this.#heardAt;
    const isAlone = this.#daemon === undefined;
    if (this.#forDaemon && isAlone && silentMs > FORGOTTEN_MS) this.end();
    const found = inodeOf(this.#path);
    if (found === this.#inode) return;
    if (found === undefined && existsSync(dirname(this.#path))) {
      this.#server.close();
      await this.#listen().catch(() => undefined);
    } else if (isAlone && (found !== undefined || silentMs > HOMELESS_MS)) {
      this.#silent();
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

/** Whether somebody answers there. */
async function isTaken(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = createConnection(path);
    asked.once('connect', () => {
      asked.destroy();
      resolve(true);
    });
    asked.once('error', () => {
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
  const keeper = new Keeper(values['runtime-dir'], values['for-daemon']);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      keeper.end();
    });
  }
  await keeper.start();
}

main().catch((error: unknown) => {
  const usage = error instanceof TypeError && 'code' in error;
  process.stderr.write(`${String(error)}\n${usage ? HELP : ''}`);
  process.exit(usage ? 2 : 3);
});
