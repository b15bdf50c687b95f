// Checks that the image boots on an emulated Raspberry Pi 3, makes itself a box, and what its two lights then show, read at the pins from
// outside the guest. The judge of frames is a counter in the uplink.
//
//   laptop --- vmlan (USB 1.1: the board's own port) [ Raspberry Pi 3 ] (USB 1.4: the adapter) vmwan --- uplink

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { isOnPath, readJson } from '../../appliance/provision/machine.mjs';
import { ROOT } from '../architecture/tree.ts';
import { Board, type BootFiles, type Card, fromBoot, type Lights, newCard } from './board.ts';
import { watchingIn } from './box-disk.ts';
import { say } from './disks.ts';
import { figure } from './figures.ts';
import { LEAKS_PER_SECOND, Wire } from './wire.ts';

const { version } = readJson(join(ROOT, 'package.json')) as { version: string };
const IMAGE = join(ROOT, 'image-build/out', `leakguard_${version}_raspberrypi.img`);
const PROGRAMS = ['qemu-system-aarch64', 'mcopy', 'tcpdump', 'nft'];

function obstacle(): string {
  const missing = PROGRAMS.filter((program) => !isOnPath(program));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  return existsSync(IMAGE) ? '' : 'there is no image: npm run image';
}

const why = obstacle();
/** An emulated board on a busy machine. */
const START_MS = 1_500_000;
const LIGHT_MS = 300_000;
/** Four seconds: the slowest pattern takes three (appliance/led/patterns.ts). */
const [LOOK_MS, STEADY_LOOKS] = [100, 40];
/** How long the board is asked before the counter is read again. */
const POLL_MS = 1;
/**
 * Asks the daemon, and gives its answer with the head. There is no curl on the card, and a second program of Node would leave an
 * emulated processor no time for the first.
 */
function ask(method: string, path: string, body = ''): string {
  const head = `${method} ${path} HTTP/1.0\r\nHost: box\r\nContent-Length: ${String(body.length)}\r\n\r\n`;
  const script = `$s = IO::Socket::UNIX->new(shift) or die; alarm 240; print $s pack("H*", shift); print while <$s>`;
  const hex = Buffer.from(head + body).toString('hex');
  return `perl -MIO::Socket::UNIX -e '${script}' /run/leakguard/api.sock ${hex}`;
}
const STATUS = ask('GET', '/v1/status');
const SEES = watchingIn(STATUS);
const ACKNOWLEDGE = `${ask('POST', '/v1/ack', '{"id":"all"}')} | grep -q unacknowledged`;
/** As its owner would with the card in another machine. */
const KEY_ON_CARD =
  'mount -o remount,rw /boot/firmware && cp /state/box/ssh_host_ed25519_key.pub /boot/firmware/authorized_keys && sync && mount -o remount,ro /boot/firmware';
const TUNNEL = { name: 'home', protocol: 'wireguard', endpoints: ['udp:198.51.100.7:51820'] };
const ADD_TUNNEL = `${ask('POST', '/v1/tunnels', JSON.stringify(TUNNEL))} | grep -q tunnels`;
const BLOCK = `${ask('PUT', '/v1/block', '{"on":true}')} | grep -q blockMode`;

describe.skipIf(why !== '')(`the image on an emulated Raspberry Pi 3${why && ` (skipped: ${why})`}`, () => {
  let folder = '';
  let wire: Wire;
  let board: Board | undefined;
  let start: () => Promise<Board>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'leakguard-card-'));
    wire = await Wire.lay();
  });
  afterAll(async () => {
    await board?.cutPower();
    await wire.take();
    rmSync(folder, { recursive: true, force: true });
  });

  async function newBoard(): Promise<{ readonly card: Card; readonly files: BootFiles }> {
    await fromBoot(IMAGE, folder, 'vmlinuz-*', 'initrd.img-*', 'bcm2837-rpi-3-b.dtb', 'cmdline.txt');
    const file = (start: string): string =>
      join(folder, readdirSync(folder).find((each) => each.startsWith(start)) ?? start);
    const files = {
      ...{ kernel: file('vmlinuz-'), initrd: file('initrd.img-'), deviceTree: file('bcm2837') },
      words: readFileSync(file('cmdline.txt'), 'utf8'),
    };
    return { card: await newCard(IMAGE, folder, 'card'), files };
  }

  /**
   * Waits until the daemon sees; gives how many frames had reached wan when it last did not. In watch mode leaks may cross
   * afterwards.
   */
  async function leakedUntilItSees(machine: Board, before: number): Promise<number> {
    const end = Date.now() + START_MS;
    for (let leaked = 0; ;) {
      const arrived = (await wire.flood.arrived()) - before;
      const seen = await machine.until(SEES, POLL_MS).catch(() => undefined);
      if (seen !== undefined) return leaked;
      leaked = arrived;
      if (Date.now() > end) throw new Error((await machine.sh('journalctl -b --no-pager | tail -40')).output);
    }
  }

  /** Resolves when the lights look so and stay so for longer than any pattern blinks; says what they look like otherwise. */
  async function shows(machine: Board, wanted: Lights, withinMs = LIGHT_MS): Promise<void> {
    const end = Date.now() + withinMs;
    for (let steady = 0; steady < STEADY_LOOKS;) {
      const lights = await machine.lights();
      steady = lights.red === wanted.red && lights.green === wanted.green ? steady + 1 : 0;
      if (Date.now() > end) throw new Error(`the lights show ${JSON.stringify(lights)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  it('makes itself a box at the first start, red and closed until it sees', async () => {
    const before = await wire.flood.arrived();
    const { card, files } = await newBoard();
    start = (): Promise<Board> => Board.powerOn(wire.lab.network.box, card, files);
    board = await start();
    say('first start of a new card');
    await board.up(START_MS);
    await shows(board, { red: true, green: false }, START_MS);
    figure('raspi3b, a new card: power-on to red, s', since(board));
    await board.until('test -e /state/box/set-up', START_MS);
    say('it has made itself a box, and starts again');
    await board.until('systemctl is-active leakguardd', START_MS);
    expect((await board.lights()).green).toBe(false);
    const leaked = await leakedUntilItSees(board, before);
    figure('raspi3b, a new card: power-on to a daemon that sees, s', since(board));
    figure('raspi3b, a new card: leak frames on wan until then', leaked);
    expect(leaked).toBe(0);
    expect(await board.must('cat /state/box/set-up')).toMatch(/^\w+ is lan, \w+ is wan$/);
    expect(await board.must('findmnt --noheadings --output OPTIONS /')).toMatch(/^ro,/);
    expect(await board.must('cat /boot/firmware/leakguard-page.txt')).toMatch(
      /code: [A-Z2-9]{5}-[A-Z2-9]{5}/,
    );
  });

  it('is green while the tunnel is clean, red when something leaks, and red when the daemon is gone', async () => {
    if (board === undefined) throw new Error('there is no board: the first test did not get so far');
    await wire.flood.stop();
    const tunnel = await wire.watchTunnel();
    await board.must(ADD_TUNNEL, LIGHT_MS);
    await tunnel.line(/^\d+\.\d+ /, LIGHT_MS);
    await board.must(ACKNOWLEDGE, LIGHT_MS);
    say('a tunnel, and nothing else');
    await shows(board, { red: false, green: true });
    await board.until(`${STATUS} | grep -Eq '"state": ?"clear"'`, LIGHT_MS);
    await wire.lab.network.laptop.run(['ping', '-c', '1', '-W', '1', '203.0.113.9']);
    await shows(board, { red: true, green: false });
    say('red on a leak');
    await board.must(ACKNOWLEDGE, LIGHT_MS);
    await shows(board, { red: false, green: true });
    await board.must('systemctl stop leakguardd', LIGHT_MS);
    await shows(board, { red: true, green: false });
    say('red without a daemon');
    await board.must('systemctl start leakguardd', START_MS);
    await tunnel.stop();
  });

  it('in block mode, after a power cut: the tunnel crosses, and nothing else ever', async () => {
    if (board === undefined) throw new Error('there is no board: the first test did not get so far');
    await leakedUntilItSees(board, 0);
    await board.must(BLOCK, LIGHT_MS);
    await board.must(KEY_ON_CARD, LIGHT_MS);
    await board.cutPower();
    await wire.flood.start(LEAKS_PER_SECOND);
    const before = { leaks: await wire.flood.arrived(), sent: await wire.flood.sent() };
    const tunnel = await wire.watchTunnel();
    board = await start();
    say('power on, in block mode');
    const [at = ''] = (await tunnel.line(/^\d+\.\d+ /, START_MS)).split(' ');
    figure('raspi3b: power-on to the first tunnel frame on wan, s', Math.round(Number(at) - board.poweredAt));
    await leakedUntilItSees(board, before.leaks);
    figure('raspi3b: power-on to a daemon that sees, s', since(board));
    expect(await board.must(STATUS, LIGHT_MS)).toMatch(/"blockMode": ?true/);
    figure(
      'raspi3b, block mode: leak frames offered from power-on on',
      (await wire.flood.sent()) - before.sent,
    );
    const crossed = (await wire.flood.arrived()) - before.leaks;
    figure('raspi3b, block mode: leak frames on wan from power-on on', crossed);
    expect(crossed).toBe(0);
    await tunnel.stop();
    await board.until('systemctl is-active ssh', START_MS);
    const { laptop } = wire.lab.network;
    await laptop.ip('addr add 169.254.77.2/16 dev eth0');
    // The banner of RFC 4253 section 4.2.
    const words = ['--silent', '--max-time', '60', '--http0.9', 'http://169.254.77.1:22/'];
    const { stdout } = await laptop.run(['curl', ...words]);
    expect(stdout).toMatch(/^SSH-2\.0-/);
    say('with a key on the card, ssh answers the laptop');
  });
});

const since = (board: Board): number => Math.round(Date.now() / 1000 - board.poweredAt);
