// An emulated Raspberry Pi 3 that starts from a card of ours: power on, look at its pins from outside, ask its shell. The card is the image
// as it is shipped: what a test needs of the system is asked of systemd on the kernel's command line (a root shell on the serial line, more
// patience), and nothing is added to the card.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { must, type Running } from '../../appliance/lab/processes/process.ts';
import { PORTS } from './virtual-machine.ts';

/** Where the first partition of the image begins: image-build/image/disk.mjs. */
const BOOT_AT = 4 * 1_048_576;
/** Cards of the emulated reader have a size that is a power of two. */
const CARD = '4G';
/** A shell that has not answered one small question within this has gone. */
const TRY_MS = 120_000;
/** GPLEV0 of the BCM2837 (BCM2835 ARM Peripherals, 6.1): the level of pins 0 to 31, whoever drives them. */
const GPLEV0 = '0x3f200034';
const SLOW = '[Service]\nWatchdogSec=120\nTimeoutStartSec=900\nTimeoutStopSec=180\n';
const WORDS = [
  ...['systemd.debug_shell=ttyS1', 'systemd.getty_auto=no', 'systemd.show_status=no', 'loglevel=1'],
  // All four processors are started: one that waits for that to happen is emulated by turning round and round, one that has
  // nothing to do costs nothing.
  ...['systemd.default_device_timeout_sec=3600', 'systemd.default_timeout_start_sec=3600'],
  'systemd.service_watchdogs=0',
  // Two drivers want QEMU's adapter, and which gets it is chance; with this one it has no address of its own.
  'module_blacklist=cdc_subset',
  `systemd.set_credential_binary=systemd.unit-dropin.leakguardd.service:${Buffer.from(SLOW).toString('base64')}`,
];

export interface Answer {
  readonly code: number;
  readonly output: string;
}

export interface Lights {
  readonly red: boolean;
  readonly green: boolean;
}

/** A card that starts from the image and keeps what is written to it. */
export interface Card {
  readonly path: string;
  readonly folder: string;
}

/**
 * A copy of the image on a card. Raw: a card has no cache that the system would empty, so that with a format whose tables are
 * in the emulator's memory a power cut would lose what had long been written.
 */
export async function newCard(image: string, folder: string, name: string): Promise<Card> {
  const path = join(folder, `${name}.img`);
  await must(['cp', '--sparse=always', image, path]);
  await must(['truncate', '--size', CARD, path]);
  return { path, folder };
}

/** Takes files out of the boot partition; `patterns` as mcopy(1) takes them. */
export async function fromBoot(image: string, folder: string, ...patterns: readonly string[]): Promise<void> {
  const sources = patterns.map((pattern) => `::/${pattern}`);
  await must(['mcopy', '-n', '-i', `${image}@@${BOOT_AT}`, ...sources, folder]);
}

export class Board {
  readonly #qemu: Running;
  readonly #servers: readonly Server[];
  readonly #folder: string;
  readonly #serial: Promise<Socket>;
  readonly #monitor: Promise<Socket>;
  #said = '';
  #told = '';
  #wake: () => void = () => undefined;
  /** Unix time in seconds at which the power came on. */
  readonly poweredAt = Date.now() / 1000;

  private constructor(
    qemu: Running,
    servers: readonly Server[],
    folder: string,
    serial: Promise<Socket>,
    monitor: Promise<Socket>,
  ) {
    this.#qemu = qemu;
    this.#servers = servers;
    this.#folder = folder;
    this.#serial = serial;
    this.#monitor = monitor;
    void serial.then((socket) =>
      socket.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString('latin1').replaceAll('\r', '');
        this.#wake();
      }),
    );
    void monitor.then((socket) =>
      socket.on('data', (chunk: Buffer) => {
        this.#told += chunk.toString('latin1');
        this.#wake();
      }),
    );
    void qemu.exited.then(() => {
      this.#wake();
    });
  }

  /** `boot`: a folder with kernel, early file system, device tree and cmdline.txt of the card. */
  static async powerOn(space: Namespace, card: Card, boot: BootFiles): Promise<Board> {
    const folder = mkdtempSync(join(tmpdir(), 'leakguard-board-'));
    const servers: Server[] = [];
    const listen = async (name: string): Promise<readonly [path: string, socket: Promise<Socket>]> => {
      const path = join(folder, name);
      const server = createServer();
      servers.push(server);
      const socket = new Promise<Socket>((resolve) => server.once('connection', resolve));
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return [path, socket];
    };
    const [serialPath, serial] = await listen('serial');
    const [monitorPath, monitor] = await listen('monitor');
    const words = boardArguments(card, boot, serialPath, monitorPath);
    const qemu = await space.start(['qemu-system-aarch64', ...words]);
    return new Board(qemu, servers, folder, serial, monitor);
  }

  /** Everything the serial line said. */
  get console(): string {
    return this.#said;
  }

  /** The lights as a meter at the pins of the header would see them. */
  async lights(): Promise<Lights> {
    const socket = await this.#monitor;
    this.#told = '';
    socket.write(`xp /1xw ${GPLEV0}\n`);
    const word = await this.#heard(() => /: (0x[0-9a-f]{8})/.exec(this.#told)?.[1], 30_000, 'the monitor');
    const levels = Number(word);
    return { red: (levels & (1 << 17)) !== 0, green: (levels & (1 << 27)) !== 0 };
  }

  /** Resolves when the shell on the serial line answers. */
  async up(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    const socket = await this.#serial;
    for (let tries = 0; ; tries += 1) {
      const mark = `here-${tries}`;
      // The line may have been typed before there was a shell to read it: the answer must be of this try.
      socket.write(`stty -echo; echo "$((1))${mark}"\n`);
      const left = end - Date.now();
      try {
        await this.#heard(
          () => (this.#said.includes(`1${mark}`) ? true : undefined),
          Math.min(10_000, left),
          'a shell',
        );
        return;
      } catch (error) {
        if (Date.now() >= end || this.#qemu.ended) throw error;
      }
    }
  }

  /** Runs a script of bash on the board; one at a time. */
  async sh(script: string, timeoutMs = 300_000): Promise<Answer> {
    const socket = await this.#serial;
    this.#said = '';
    const sent = Buffer.from(script).toString('base64');
    socket.write(
      `echo ${sent} | base64 -d >/run/s; bash /run/s >/run/o 2>&1 </dev/null; echo "<$?:$(base64 -w0 /run/o)>"\n`,
    );
    const [, code = '', text = ''] = await this.#heard(
      () => /<(\d+):([A-Za-z0-9+/=]*)>/.exec(this.#said) ?? undefined,
      timeoutMs,
      script,
    );
    return { code: Number(code), output: Buffer.from(text, 'base64').toString('utf8').trimEnd() };
  }

  async must(script: string, timeoutMs?: number): Promise<string> {
    const { code, output } = await this.sh(script, timeoutMs);
    if (code !== 0) throw new Error(`on the board: ${script}\nexit code ${code}\n${output}`);
    return output;
  }

  /** Asks again until the script ends with 0; a board that starts again meanwhile is asked when it has a shell. */
  async until(script: string, timeoutMs: number): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const answer = await this.sh(`${script} || { sleep 2; false; }`, TRY_MS).catch(() => undefined);
      if (answer?.code === 0) return answer.output;
      if (Date.now() > end || this.#qemu.ended)
        throw new Error(`on the board, after ${timeoutMs} ms: ${script}\n${answer?.output ?? 'no answer'}`);
      if (answer === undefined) await this.up(end - Date.now());
    }
  }

  async cutPower(): Promise<void> {
    await this.#qemu.stop('SIGKILL');
    for (const socket of [this.#serial, this.#monitor]) void socket.then((each) => each.destroy());
    for (const server of this.#servers) server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #heard<T>(found: () => T | undefined, timeoutMs: number, what: string): Promise<T> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      const left = end - Date.now();
      if (left <= 0 || this.#qemu.ended) {
        const tail = `${this.#said.slice(-500)} | ${this.#qemu.lines.slice(-5).join(' | ')}`;
        throw new Error(`the board did not say ${what} within ${timeoutMs} ms: ${tail}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly deviceTree: string;
  /** The text of cmdline.txt. */
  readonly words: string;
}

/** The board's own port is the first of its inner hub, as the device tree says; the adapter is in another of its sockets. */
function boardArguments(card: Card, boot: BootFiles, serial: string, monitor: string): string[] {
  const ports = Object.entries(PORTS).flatMap(([name, { tap, mac }], at) => [
    ...['-netdev', `tap,id=${name},ifname=${tap},script=no,downscript=no`],
    ...['-device', `usb-net,netdev=${name},mac=${mac},port=1.${at === 0 ? '1' : '4'}`],
  ]);
  return [
    ...['-machine', 'raspi3b', '-accel', 'tcg,thread=multi', '-display', 'none'],
    ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-dtb', boot.deviceTree],
    ...['-append', [boot.words.trim(), ...WORDS].join(' ')],
    ...['-drive', `file=${card.path},format=raw,if=sd`],
    ...['-serial', 'null', '-serial', `unix:${serial}`, '-monitor', `unix:${monitor}`],
    ...['-device', 'usb-hub,port=1', ...ports],
  ];
}
