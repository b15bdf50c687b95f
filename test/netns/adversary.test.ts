// Checks that an adversary who owns the uplink and sends whatever it likes, as whoever it likes, can neither hide what the laptop leaks nor
// keep the light green meanwhile, nor get a single frame of it in block mode. What the laptop said and what came through are told by
// tcpdump, by the direction that the kernel gives; the light by the LED's own file.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)
//
// LEAKGUARD_LONG=1 (npm run bench -- wire adversary) takes 20 seeds and a minute each; ADVERSARY_SEEDS=3,4 and ADVERSARY_SECONDS choose.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { LAN, NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import type { Status } from '../../src/api/status.ts';
import { CANARIES_UP, SEAL_BYTES, forged } from '../../src/guard/canary/canary-frames.ts';
import { Lots } from '../property/mutate.ts';
import { arp, dhcp4, dnsAnswer, ethernet, icmp6, ipv4, ipv6, udp } from '../policy/frames.ts';
import { SHAPES } from '../policy/shapes.ts';
import { labForTests } from './harness.ts';
import { LONG, LightLog, tell } from './light-log.ts';
import { becomesGreen } from './light-watch.ts';
import { incidentsOf } from './rule-watch.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SEEDS = (
  process.env['ADVERSARY_SEEDS'] ?? (LONG ? Array.from({ length: 20 }, (_, n) => n + 1).join() : '7')
)
  .split(',')
  .map(Number);
const SECONDS = Number(process.env['ADVERSARY_SECONDS'] ?? (LONG ? 60 : 6));
/** What a person must see within a second is seen; a machine at full load gets more. The bench tells how long it took. */
const PATIENCE_MS = 5_000;

/** Whatever may cross besides (README.md): nothing of it is a name. */
const ESSENTIAL = [
  ...[
    'arp',
    'ether proto 0x888e',
    'igmp',
    'icmp6',
    'ip6 proto 0',
    'udp dst port 67',
    'ip6 and udp dst port 547',
  ],
  `dst host ${NET.tunnelServer4} and udp dst port ${String(NET.tunnelPort)}`,
  `dst host ${NET.tunnelServer6} and udp dst port ${String(NET.tunnelPort)}`,
  // What every system answers to a late packet of the tunnel's: a forged one has the laptop say it.
  `icmp[0] = 3 and icmp[1] = 3 and dst host ${NET.tunnelServer4}`,
];
const QUESTIONS = `udp dst port 53 and dst host ${NET.resolver4} and ether src ${LAN.laptopMac}`;

/** The addresses of the tests' frames, as those of this lab. */
const HERE: readonly (readonly [string, string])[] = [
  ['c0a80132', 'c0a84d64'],
  ['c0a80101', 'c0a84d01'],
  ['02000000000c', '02000000770c'],
  ['020000000001', '020000007701'],
];

function inLab(bytes: Uint8Array): Buffer {
  let text = Buffer.from(bytes).toString('hex');
  for (const [from, to] of HERE) text = text.replaceAll(from, to);
  const frame = Buffer.from(text, 'hex');
  // A checksum that is wrong ends a packet at the first router: RFC 1071.
  if (frame.readUInt16BE(12) !== 0x0800 || frame[14] !== 0x45 || frame.length < 34) return frame;
  frame.writeUInt16BE(0, 24);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~sum & 0xffff, 24);
  return frame;
}

function framesOf(seed: number): Buffer {
  const lots = new Lots(seed);
  const chance = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => lots.below(256));
  const own = [
    ethernet(0x0806, arp(1)),
    ethernet(0x0806, arp(2)),
    ethernet(0x0800, ipv4(17, udp(67, 68, dhcp4(2)))),
    ethernet(0x86dd, ipv6(58, icmp6(134))),
    ethernet(0x86dd, ipv6(58, icmp6(136))),
    ethernet(0x0800, ipv4(17, udp(5353, 5353, dnsAnswer('printer.local', '192.168.77.9')))),
  ];
  const canaries = CANARIES_UP.map((shape) =>
    forged(shape, 0x02_00_00_00_77_0c, 0x06_00_00_00_00_01, chance(SEAL_BYTES), chance),
  );
  const frames = [...SHAPES.map(({ bytes }) => bytes), ...own, ...canaries].map(inLab);
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
}

async function macsOf(lab: Lab): Promise<string> {
  const { stdout } = await lab.network.box.must([
    'sh',
    '-c',
    'cat /sys/class/net/br0/address /sys/class/net/lan0/address /sys/class/net/wan0/address',
  ]);
  return [LAN.laptopMac, LAN.routerMac, ...stdout.trim().split('\n')].join();
}

/** One line of tcpdump for each frame that goes that way there, until it is stopped. */
async function watch(space: Namespace, direction: 'in' | 'out', filter: string): Promise<Running> {
  const argv = [
    'tcpdump',
    '--immediate-mode',
    '-l',
    '-n',
    '-e',
    '-tt',
    '-B',
    '8192',
    '-Q',
    direction,
    '-i',
    'eth0',
    filter,
  ] as const;
  const tcpdump = await space.start(argv, { remember: Infinity });
  await tcpdump.line(/listening on/);
  return tcpdump;
}

const framesIn = (tcpdump: Running): readonly string[] =>
  tcpdump.lines.filter((line) => /^\d+\.\d+ /.test(line));

/** Name to the time at which it left the laptop, milliseconds. */
function namesIn(tcpdump: Running): Map<string, number> {
  const names = new Map<string, number>();
  for (const line of framesIn(tcpdump)) {
    const [, seconds, name] = /^(\d+\.\d+) .* A\? (\S+)\. /.exec(line) ?? [];
    if (name !== undefined && !names.has(name)) names.set(name, Number(seconds) * 1_000);
  }
  return names;
}

describe.each(SEEDS)('an adversary on the uplink (seed %i)', (seed) => {
  const lab = labForTests({ filling: 'guard' });

  it.each([
    ['watch mode: every name is an incident, and the light is red', false],
    ['block mode: nothing crosses, every attempt is an incident, and the light is not green', true],
  ])('in %s', async (_what, block) => {
    const { laptop, uplink } = lab().network;
    await lab().guard.block(block);
    // Who owns the network can keep a laptop from saying anything, by ARP first of all; here it goes on asking.
    const router = [
      'neigh',
      'replace',
      LAN.router4,
      'lladdr',
      LAN.routerMac,
      'dev',
      'eth0',
      'nud',
      'permanent',
    ];
    await laptop.must(['ip', ...router]);
    const traffic = await laptop.start(['ping', '-i', '0.2', TUNNEL.server4]);
    await becomesGreen(lab());
    const tag = block ? 'b' : 'w';
    const file = join(lab().plan.dir, 'adversary.frames');
    writeFileSync(file, framesOf(seed));
    const [said, came] = await Promise.all([
      watch(laptop, 'out', QUESTIONS),
      watch(uplink, 'in', block ? `not (${ESSENTIAL.map((one) => `(${one})`).join(' or ')})` : QUESTIONS),
    ]);
    const light = new LightLog(lab());
    const adversary = await uplink.start([
      ...([process.execPath, here('./adversary-sender.mjs'), 'eth0', file] as const),
      ...[await macsOf(lab()), String(seed * 2 + Number(block)), tag],
    ]);
    await adversary.line(/ready/);
    // Why the light was as it was: for who reads the figures.
    const states = new Set<string>();
    const look = ({ state, why }: Status): void => void states.add(`${state}: ${why}`);
    const looks = setInterval(
      () =>
        void lab()
          .guard.status()
          .then(look, () => undefined),
      250,
    );
    const leaker = await laptop.start([
      ...([process.execPath, here('./steady-leak.mjs'), LAN.laptop4, NET.resolver4, tag] as const),
      ...[String(SECONDS), '1000'],
    ]);
    await leaker.exited;
    const ended = Date.now();
    clearInterval(looks);
    const missing = async (): Promise<readonly string[]> => {
      const known = new Set(
        (await incidentsOf(lab())).filter(({ attempted }) => attempted > 0).map(({ exposure }) => exposure),
      );
      return [...namesIn(said).keys()].filter((name) => !known.has(name));
    };
    await expect.poll(missing, { timeout: 15_000, interval: 200 }).toEqual([]);
    adversary.signal('SIGTERM');
    light.stop();
    await Promise.all([adversary.exited, said.stop('SIGINT'), came.stop('SIGINT'), traffic.stop()]);

    const names = namesIn(said);
    // Where it was silenced all the same, nothing was shown here.
    expect(names.size).toBeGreaterThan(SECONDS / 2);
    const first = Math.min(...names.values());
    const turned = light.firstAfter(first, block ? /^(?!green$)/ : /^red/);
    const late = turned === undefined ? Infinity : turned - first;
    const { ledger } = await lab().guard.status();
    tell(`adversary, seed ${String(seed)}, ${block ? 'block' : 'watch'} mode`, {
      ...{ names: names.size, crossed: framesIn(came).length, lightAfterMs: Math.round(late) },
      ...{
        ledger,
        lights: light.after(first).map(({ lamp, at }) => `${lamp} ${String(Math.round(at - first))}`),
        states: [...states],
      },
    });
    expect(late).toBeLessThan(PATIENCE_MS);
    const green = light
      .after(turned ?? 0)
      .filter(({ lamp, at }) => at < ended && (block ? /^green$/ : /^green/).test(lamp));
    expect(green).toEqual([]);
    if (block) expect(framesIn(came)).toEqual([]);
    else expect([...namesIn(came).keys()].sort()).toEqual([...names.keys()].sort());
  });
});
