// What a box in block mode withstands while it runs: its daemon killed, its daemon hung, and whoever asks it from wan. Counters, curl and
// nmap in laptop and uplink are the judges; one machine serves all of it.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import { Capture } from '../../appliance/lab/machines/capture.ts';
import { LAN } from '../../appliance/lab/plan.ts';
import { firstBoot, IN_BLOCK_MODE, installedLayer, STATUS, WATCHING, watching } from './box-disk.ts';
import { say } from './disks.ts';
import { figure } from './figures.ts';
import { PORTS, type VirtualMachine } from './virtual-machine.ts';
import { Wire } from './wire.ts';

const PAGE = `http://${LAN.box}/`;
const daemonPid = 'systemctl show leakguardd.service --property=MainPID --value';

let wire: Wire;
let machine: VirtualMachine;
beforeAll(async () => {
  wire = await Wire.lay();
  machine = await firstBoot(wire, await installedLayer(wire, 'running'));
});
afterAll(async () => {
  await machine.settle();
  await wire.take();
});

let leaks = 0;
beforeEach(async () => {
  leaks = await wire.flood.arrived();
});
afterEach(async () => {
  // Whatever a test does to the box, nothing leaks meanwhile.
  expect((await wire.flood.arrived()) - leaks).toBe(0);
});

it.each([
  ['killed', 'SIGKILL'],
  ['hung', 'SIGSTOP'],
])('the daemon is %s (%s): another takes over', async (name, signal) => {
  const before = await machine.must(daemonPid);
  const began = Date.now();
  await machine.must(`kill -${signal} ${before}`);
  say(`the daemon is ${name}`);
  await watching(machine, `pid=$(${daemonPid}); [ "$pid" != ${before} ] && [ "$pid" != 0 ] && ${WATCHING}`);
  figure(`daemon ${name} until another one sees, s`, Math.round((Date.now() - began) / 1000));
  figure(`daemon ${name}: leak frames on wan`, (await wire.flood.arrived()) - leaks);
  await machine.must(IN_BLOCK_MODE);
});

it.each([
  ['leakguardd', 3],
  ['leakguard-web', 2],
])('%s has hardly more rights than it needs, and both taps count under them', async (unit, most) => {
  const said = await machine.must(`systemd-analyze security --no-pager ${unit}.service | tail -1`, 600_000);
  const exposure = Number(/: ([\d.]+)/.exec(said)?.[1]);
  figure(`systemd-analyze security ${unit}`, exposure);
  expect(exposure).toBeLessThanOrEqual(most);
  const counted = `${STATUS} | grep -o '"frames": \\?[1-9][0-9]*' | wc -l`;
  await machine.until(`[ $(${counted}) = 2 ]`);
});

it('takes the time of its owner, who alone tells it one', async () => {
  const now = Number(await machine.must('date +%s'));
  const wall = (now + 40 * 86_400) * 1_000;
  const ask = `curl --silent --max-time 120 --unix-socket /run/leakguard/api.sock -d '{"wall":${wall}}' http://box/v1/clock`;
  // An emulated processor starts the program that sets it within half a minute, and the daemon waits for twelve seconds.
  say((await machine.sh(ask)).output);
  await machine.until(`[ $(date +%s) -ge ${wall / 1_000} ]`);
  expect(Number(await machine.must('date +%s')) - wall / 1_000).toBeLessThan(300);
  await watching(machine);
  await machine.must(IN_BLOCK_MODE);
  figure('the owner sets the clock 40 days on: leak frames on wan', (await wire.flood.arrived()) - leaks);
});

it('the page answers the laptop, and nobody on the uplink', async () => {
  const { laptop, uplink } = wire.lab.network;
  const curl = ['curl', '--silent', '--show-error', '--max-time', '30', '--output', '/dev/null'] as const;
  const page = await laptop.run([...curl, '--write-out', '%{http_code}', PAGE]);
  expect(page.stdout).toMatch(/^(200|302|303)$/);
  const [program, ...rest] = curl;
  const outside = await uplink.run([program, ...rest, '--max-time', '10', PAGE]);
  expect(outside.code).not.toBe(0);
  figure('the page: answer to the laptop', page.stdout);
  figure('the page: answer to the uplink', outside.stderr.trim() || `curl ended with ${outside.code}`);
});

it('nmap from the uplink finds nothing open, and nothing answers', async () => {
  const { uplink } = wire.lab.network;
  const macs = Object.values(PORTS).map(({ mac }) => `ether src ${mac}`);
  const own = (await machine.must('cat /sys/class/net/br0/address')).trim();
  const said = await Capture.start(uplink, 'eth0', `(${macs.join(' or ')} or ether src ${own}) and not arp`);
  // The box does not say on wan where it is: whoever has seen one of its frames knows.
  await uplink.ip(`neigh replace ${LAN.box} lladdr ${own} dev eth0`);
  const plain = ['-n', '-Pn', '--disable-arp-ping', '--max-retries', '0', '-oG', '-'] as const;
  const tcp = await uplink.must(['nmap', '-sS', '-p-', '--min-rate', '2000', ...plain, LAN.box]);
  const udp = await uplink.must(['nmap', '-sU', '--top-ports', '100', '--min-rate', '50', ...plain, LAN.box]);
  const frames = await said.stop();
  expect(tcp.stdout).toMatch(/Status: Up/);
  expect(`${tcp.stdout}${udp.stdout}`).not.toMatch(/\/open\//);
  expect(`${tcp.stdout}${udp.stdout}`).not.toMatch(/\/closed\/|State: closed/);
  figure('nmap from wan, 65535 TCP and 100 UDP ports: open', 0);
  figure('nmap from wan: frames that the box answered (ARP for its address aside)', frames.length);
  expect(frames).toEqual([]);
});
