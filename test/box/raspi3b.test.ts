// Knows: that the image boots on an emulated Raspberry Pi 3, makes itself a box, and what its two lights then show, read at the
// pins from outside the guest. Must not know: how the lights are driven. The judge of frames is a counter in the uplink.
//
//   laptop --- vmlan (USB 1.1: the board's own port) [ Raspberry Pi 3 ] (USB 1.4: the adapter) vmwan --- uplink

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { isOnPath, readJson } from '../../appliance/provision/machine.mjs';
import { ROOT } from '../architecture/tree.ts';
import { Board, fromBoot, newCard } from './board.ts';
import { STATUS, WATCHING } from './box-disk.ts';
import { say } from './disks.ts';
import { figure } from './figures.ts';
import { Wire } from './wire.ts';

const { version } = readJson(join(ROOT, 'package.json')) as { version: string };
const IMAGE = join(ROOT, 'image-build/out', `leakguard_${version}_raspberrypi.img`);
const PROGRAMS = ['qemu-system-aarch64', 'qemu-img', 'mcopy', 'tcpdump', 'nft'];

function obstacle(): string {
  const missing = PROGRAMS.filter((program) => !isOnPath(program));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  return existsSync(IMAGE) ? '' : 'there is no image: npm run image';
}

const why = obstacle();
/** An emulated board on a busy machine. */
const START_MS = 1_500_000;
const LIGHT_MS = 300_000;

describe.skipIf(why !== '')(`the image on an emulated Raspberry Pi 3${why && ` (skipped: ${why})`}`, () => {
  let folder = '';
  let wire: Wire;
  let board: Board | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'leakguard-card-'));
    wire = await Wire.lay();
  });
  afterAll(async () => {
    await board?.cutPower();
    await wire.take();
    rmSync(folder, { recursive: true, force: true });
  });

  async function started(name: string): Promise<Board> {
    await fromBoot(IMAGE, folder, 'vmlinuz-*', 'initrd.img-*', 'bcm2837-rpi-3-b.dtb', 'cmdline.txt');
    const file = (start: string): string =>
      join(folder, readdirSync(folder).find((each) => each.startsWith(start)) ?? start);
    const boot = {
      ...{ kernel: file('vmlinuz-'), initrd: file('initrd.img-'), deviceTree: file('bcm2837') },
      words: readFileSync(file('cmdline.txt'), 'utf8'),
    };
    return Board.powerOn(wire.lab.network.box, await newCard(IMAGE, folder, name), boot);
  }

  /** Resolves when the lights look so; says what they looked like when they do not in time. */
  async function shows(
    machine: Board,
    wanted: { readonly red: boolean; readonly green: boolean },
  ): Promise<void> {
    const end = Date.now() + LIGHT_MS;
    for (;;) {
      const lights = await machine.lights();
      if (lights.red === wanted.red && lights.green === wanted.green) return;
      if (Date.now() > end) throw new Error(`the lights show ${JSON.stringify(lights)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  it('makes itself a box at the first start, red and closed meanwhile', async () => {
    const before = await wire.flood.arrived();
    board = await started('card');
    const tunnel = await wire.watchTunnel();
    say('first start');
    await board.up(START_MS);
    await shows(board, { red: true, green: false });
    figure('raspi3b: power-on to red, s', Math.round(Date.now() / 1000 - board.poweredAt));
    await board.until(
      '! mountpoint -q /state || ! test -e /state/box/set-up || systemctl is-active leakguardd',
      START_MS,
    );
    say('second start');
    await board.up(START_MS);
    await board.until(WATCHING, START_MS);
    figure(
      'raspi3b: power-on of a new card to a daemon that sees, s',
      Math.round(Date.now() / 1000 - board.poweredAt),
    );
    expect(await board.must('cat /state/box/set-up')).toMatch(/^eth\d is lan, eth\d is wan$/);
    expect(await board.must('findmnt --noheadings --output OPTIONS /')).toMatch(/^ro,/);
    expect(await board.must('cat /boot/firmware/leakguard-page.txt')).toMatch(
      /code: [A-Z2-9]{5}-[A-Z2-9]{5}/,
    );
    expect((await wire.flood.arrived()) - before).toBe(0);
    await tunnel.stop();
  });

  it('is green while the tunnel is clean, red when something leaks, and red when the daemon is gone', async () => {
    if (board === undefined) throw new Error('there is no board: the first test did not get so far');
    await wire.flood.stop();
    const tunnel = await wire.watchTunnel();
    await board.must('leakguard tunnels add home wireguard udp:198.51.100.7:51820', LIGHT_MS);
    await tunnel.line(/^\d+\.\d+ /, LIGHT_MS);
    await board.must('leakguard ack all', LIGHT_MS);
    await shows(board, { red: false, green: true });
    expect(await board.must(STATUS)).toMatch(/"state": ?"clear"/);
    await wire.lab.network.laptop.run(['ping', '-c', '1', '-W', '1', '203.0.113.9']);
    await shows(board, { red: true, green: false });
    await board.must('leakguard ack all', LIGHT_MS);
    await shows(board, { red: false, green: true });
    await board.must('systemctl stop leakguardd', LIGHT_MS);
    expect(await board.lights()).toEqual({ red: true, green: false });
    await tunnel.stop();
  });
});
