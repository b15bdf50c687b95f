// A virtual machine of QEMU: power on, ask its agent, cut the power. Emulated, not accelerated: /dev/kvm may be there and still not work.
// The disk's changes go into a layer of their own.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';

/** Where the ports are on the machine's bus, and so what the guest's kernel calls them. */
export const PORTS = {
  lan: { tap: 'vmlan', slot: '0x10', mac: '02:00:00:00:77:a0', guest: 'enp0s16' },
  wan: { tap: 'vmwan', slot: '0x11', mac: '02:00:00:00:77:a1', guest: 'enp0s17' },
} as const;

/** A guest of one emulated processor on a loaded machine takes its time. */
const UP_WITHIN_MS = 600_000;
const ANSWER_WITHIN_MS = 300_000;

/** What an emulated processor on a busy machine needs longer for, given to the guest's systemd beside the units as they are. */
const SLOW = '[Service]\nWatchdogSec=90\nTimeoutStartSec=600\nTimeoutStopSec=120\n';
const CREDENTIAL = `io.systemd.credential.binary:systemd.unit-dropin.leakguardd.service=${Buffer.from(SLOW).toString('base64')}`;

/** Of a stock system, what only costs an emulated processor time: none of it touches the network or the package. */
const UNNEEDED = ['e2scrub_reap', 'systemd-logind', 'serial-getty@ttyS0', 'getty@tty1', 'systemd-hostnamed'];
const MASKED = UNNEEDED.map((unit) => `systemd.mask=${unit}.service`).join(' ');
const KERNEL = `root=/dev/vda ro console=ttyS0 quiet systemd.show_status=1 panic=-1 mitigations=off ${MASKED}`;

export interface MachineParts {
  /** The namespace in which the taps of PORTS are. */
  readonly space: Namespace;
  readonly kernel: string;
  readonly initrd: string;
  /** A qcow2 layer; it is written to. */
  readonly disk: string;
  /** Read-only second disk, the guest's /dev/vdb. */
  readonly parcel?: string;
  /** Where the console is written. */
  readonly console: string;
}

export interface Answer {
  readonly code: number;
  readonly output: string;
}

export class VirtualMachine {
  readonly #qemu: Running;
  readonly #server: Server;
  readonly #folder: string;
  readonly #agent: Promise<Socket>;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  /** Unix time in seconds at which the power came on. */
  readonly poweredAt: number;

  private constructor(qemu: Running, server: Server, folder: string, agent: Promise<Socket>) {
    this.#qemu = qemu;
    this.#server = server;
    this.#folder = folder;
    this.#agent = agent;
    this.poweredAt = Date.now() / 1000;
    let rest = '';
    void agent.then((socket) =>
      socket.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        this.#lines.push(...lines);
        this.#wake();
      }),
    );
    void qemu.exited.then(() => {
      this.#wake();
    });
  }

  static async powerOn(parts: MachineParts): Promise<VirtualMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'leakguard-vm-'));
    const path = join(folder, 'agent.sock');
    const server = createServer();
    const agent = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const qemu = await parts.space.start(['qemu-system-x86_64', ...machineArguments(parts, path)]);
    return new VirtualMachine(qemu, server, folder, agent);
  }

  get ended(): boolean {
    return this.#qemu.ended;
  }

  /** Resolves when the guest's agent runs, with the guest's own age in seconds. */
  async up(): Promise<number> {
    const line = await this.#line(/^up /, UP_WITHIN_MS);
    return Number(line.slice(3));
  }

  /** Runs a script of bash in the guest; one at a time. */
  async sh(script: string, timeoutMs = ANSWER_WITHIN_MS): Promise<Answer> {
    const socket = await this.#agent;
    socket.write(`${Buffer.from(script).toString('base64')}\n`);
    const [, code, text = ''] = (await this.#line(/^done /, timeoutMs)).split(' ');
    return { code: Number(code), output: Buffer.from(text, 'base64').toString('utf8') };
  }

  /** The same, which must end with 0; gives what it said, without the last line's end. */
  async must(script: string, timeoutMs = ANSWER_WITHIN_MS): Promise<string> {
    const { code, output } = await this.sh(script, timeoutMs);
    if (code !== 0) throw new Error(`in the guest: ${script}\nexit code ${code}\n${output}`);
    return output.trimEnd();
  }

  /** Asks again until the script ends with 0; gives what it said. */
  async until(script: string, timeoutMs = ANSWER_WITHIN_MS): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const { code, output } = await this.sh(`${script} || { sleep 2; false; }`);
      if (code === 0) return output.trimEnd();
      if (Date.now() > end) throw new Error(`in the guest, after ${timeoutMs} ms: ${script}\n${output}`);
    }
  }

  /** As when the plug is pulled: what the guest had not written is lost. */
  async cutPower(): Promise<void> {
    await this.#qemu.stop('SIGKILL');
    this.#clear();
  }

  /** Writes what is to be written and cuts the power: a disk to go on from. */
  async settle(): Promise<void> {
    await this.must('sync');
    await this.cutPower();
  }

  #clear(): void {
    void this.#agent.then((socket) => socket.destroy());
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #line(pattern: RegExp, timeoutMs: number): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const at = this.#lines.findIndex((line) => pattern.test(line));
      if (at >= 0) return this.#lines.splice(0, at + 1).at(-1) ?? '';
      const left = end - Date.now();
      if (left <= 0 || this.#qemu.ended) {
        const tail = this.#qemu.lines.slice(-5).join(' | ');
        throw new Error(`the machine did not say ${String(pattern)} within ${timeoutMs} ms: ${tail}`);
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

function machineArguments(parts: MachineParts, agent: string): string[] {
  const ports = Object.entries(PORTS).flatMap(([name, { tap, slot, mac }]) => [
    ...['-netdev', `tap,id=${name},ifname=${tap},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=${name},mac=${mac},addr=${slot},romfile=`],
  ]);
  const parcel =
    parts.parcel === undefined ? [] : ['-drive', `file=${parts.parcel},format=raw,if=virtio,readonly=on`];
  return [
    ...['-machine', 'q35,sata=off', '-accel', 'tcg,thread=multi', '-smp', '1', '-m', '768'],
    ...['-nodefaults', '-display', 'none', '-vga', 'none', '-no-reboot', '-device', 'virtio-rng-pci'],
    ...['-smbios', `type=11,value=${CREDENTIAL}`, '-kernel', parts.kernel, '-initrd', parts.initrd],
    ...['-append', KERNEL],
    ...['-serial', `file:${parts.console}`, '-drive', `file=${parts.disk},format=qcow2,if=virtio`, ...parcel],
    ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=agent,path=${agent}`],
    ...['-device', 'virtserialport,chardev=agent,name=leakguard.test', ...ports],
  ];
}
