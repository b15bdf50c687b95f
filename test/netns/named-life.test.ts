// Checks that tunnels whose servers have names live as long as they are used, through sleep and a server that moves, in block mode: up
// again within five seconds of the client's first packet, nothing else on wan, the light never red. Real clients and servers
// (named-tunnels.ts); the answers hold for 30 s. The judges are ping and tcpdump, and the LED's own file.
// LEAKGUARD_LONG=1 (npm run bench -- wire names) uses and sleeps ten minutes each instead of some seconds.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { awaitIpv6, leaseEvent, leaseEvents, startDhcpClient } from '../../appliance/lab/machines/laptop.ts';
import { LAN } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import type { Status } from '../../src/api/status.ts';
import { labForTests } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { LONG, LightLog, tell } from './light-log.ts';
import { becomesGreen } from './light-watch.ts';
import { NAMED, NamedTunnels } from './named-tunnels.ts';
import type { NamedTunnel } from './named-tunnels.ts';
import { RESOLVER } from './second-resolver.ts';

/** How long tunnels are used, and how long the laptop sleeps. */
const STRETCH_MS = LONG ? 600_000 : 3_000;
/** What is promised, milliseconds; the long form holds it to that, a machine at full load gets more. */
const UP_WITHIN_MS = LONG ? 5_000 : 15_000;
/** Of one test. */
const PATIENCE_MS = STRETCH_MS + 240_000;
const REMEMBER = { remember: 1_000_000 };

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let tunnels: NamedTunnels;
let dhcp: Running;
let light: LightLog | undefined;
/** What the laptop's port sees, what Eve sees of the laptop that is neither tunnel nor essential traffic, and pings inside. */
let near: Running | undefined;
let eve: Running | undefined;
const pings = new Map<string, Running>();

const addresses = NAMED.flatMap(({ servers }) => servers);
const ESSENTIAL = 'arp or udp port 67 or icmp6 or igmp or dst host ff02::16';
const hosts = addresses.map((address) => `host ${address}`).join(' or ');

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  tunnels = new NamedTunnels(lab());
  const ours = NAMED.map(
    ({ name, protocol, host, port }) =>
      `  - {name: ${name}, protocol: ${protocol}, endpoints: ["udp:${host}:${String(port)}"]}\n`,
  );
  const policy = labPolicy(lab().plan).replace(/tunnels:\n(?: .*\n)+/, `tunnels:\n${ours.join('')}`);
  await Promise.all([daemon.start(policy), tunnels.serve()]);
  const { laptop, uplink } = lab().network;
  const [client] = await Promise.all([startDhcpClient(lab().plan, laptop), awaitIpv6(laptop)]);
  dhcp = client;
  await lab().guard.block(true);
  const dump = ['tcpdump', '-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode'] as const;
  near = await laptop.start([...dump, `src host ${LAN.laptop4} and (port 53 or ${hosts})`], REMEMBER);
  eve = await uplink.start(
    [...dump, `ether src ${LAN.laptopMac} and not (${ESSENTIAL} or ${hosts})`],
    REMEMBER,
  );
  await Promise.all([near, eve].map((dumping) => dumping.line(/listening on/)));
});
afterAll(async () => {
  light?.stop();
  const watching = [...pings.values(), near, eve].flatMap((running) => running ?? []);
  await Promise.all(watching.map((running) => running.stop('SIGINT')));
  await tunnels.stop();
  await daemon.stop();
});

/** `1764467890.123456 IP …` or `[1764467890.123456] 64 bytes from …`, milliseconds. */
function timeOf(line: string): number {
  return 1_000 * Number(/^\[?(\d+\.\d+)/.exec(line)?.[1] ?? NaN);
}

/** The first line of these that matches and is later than `since`, as its time. */
function firstAfter(running: Running | undefined, since: number, pattern: RegExp): number | undefined {
  const found = running?.lines.find((line) => timeOf(line) > since && pattern.test(line));
  return found === undefined ? undefined : timeOf(found);
}

function firstPong({ name }: NamedTunnel, since: number): number | undefined {
  return firstAfter(pings.get(name), since, /bytes from/);
}

/** The client asks for the name, or speaks to one of these addresses. */
function firstPacket({ host }: NamedTunnel, servers: readonly string[], since: number): number | undefined {
  const words = [`A\\? ${host}\\.`, ...servers.map((address) => `> ${address}\\.`)];
  return firstAfter(near, since, new RegExp(words.join('|').replaceAll('.', '.')));
}

/** Resolves when every tunnel carries again, with how long each took from the client's first packet, milliseconds. */
async function upAgain(
  since: number,
  servers: (tunnel: NamedTunnel) => readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const took = (tunnel: NamedTunnel): number => {
    const packet = firstPacket(tunnel, servers(tunnel), since);
    const pong = packet === undefined ? undefined : firstPong(tunnel, packet);
    return packet === undefined || pong === undefined ? NaN : pong - packet;
  };
  await expect
    .poll(() => NAMED.filter((tunnel) => Number.isNaN(took(tunnel))).map(({ name }) => name), {
      timeout: 90_000,
      interval: 200,
    })
    .toEqual([]);
  return Object.fromEntries(NAMED.map((tunnel) => [tunnel.name, Math.round(took(tunnel))]));
}

async function expectQuiet(): Promise<void> {
  expect(light?.after(0).filter(({ lamp }) => lamp.startsWith('red'))).toEqual([]);
  const { incidents } = await lab().guard.status();
  expect(incidents.filter(({ severity }) => severity === 'red')).toEqual([]);
  const ours = new RegExp(
    `> ${RESOLVER}\\.53: .* (?:A|AAAA)\\? (?:${NAMED.map(({ host }) => host).join('|')})\\. `,
  );
  expect(eve?.lines.filter((line) => !Number.isNaN(timeOf(line)) && !ours.test(line))).toEqual([]);
}

/** Pings that were not answered in a stretch, by tunnel. */
function unanswered(since: number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...pings].map(([name, { lines }]) => [
      name,
      lines.filter((line) => timeOf(line) > since && /no answer yet/.test(line)).length,
    ]),
  );
}

describe('tunnels by name in block mode', () => {
  it('come up by the answers that their clients get', async () => {
    await tunnels.connect();
    for (const { name, inside } of NAMED)
      pings.set(
        name,
        await lab().network.laptop.start(['ping', '-n', '-D', '-O', '-i', '0.2', inside], REMEMBER),
      );
    await becomesGreen(lab());
    light = new LightLog(lab());
    await expectQuiet();
  });

  it('are used for longer than their answers hold', { timeout: PATIENCE_MS }, async () => {
    const since = Date.now();
    await pause(STRETCH_MS);
    tell('used', { minutes: STRETCH_MS / 60_000, unanswered: unanswered(since) });
    for (const tunnel of NAMED) expect(firstPong(tunnel, Date.now() - 1_000)).toBeDefined();
    await expectQuiet();
  });

  it('go on after the laptop has slept', { timeout: PATIENCE_MS }, async () => {
    const { laptop } = lab().network;
    await laptop.ip('link set eth0 down');
    await pause(STRETCH_MS);
    const since = Date.now();
    await laptop.ip('link set eth0 up');
    const renewals = await leaseEvents(lab().plan, 'renew');
    dhcp.signal('SIGUSR1');
    await leaseEvent(lab().plan, 'renew', renewals, 30_000);
    const took = await upAgain(since, ({ servers }) => servers);
    tell('slept', { minutes: STRETCH_MS / 60_000, upAgainMs: took });
    for (const ms of Object.values(took)) expect(ms).toBeLessThan(UP_WITHIN_MS);
    await expectQuiet();
  });

  it('follow their servers to other addresses', async () => {
    const since = Date.now();
    await tunnels.move();
    await tunnels.lookWireguardUp();
    const took = await upAgain(since, ({ servers }) => [servers[1]]);
    tell('moved', { upAgainMs: took });
    for (const ms of Object.values(took)) expect(ms).toBeLessThan(UP_WITHIN_MS);
    const areUp = ({ tunnels: views }: Status): boolean => views.every(({ state }) => state === 'up');
    await lab().guard.waitFor('all tunnels up', areUp, 10_000);
    await expectQuiet();
  });
});
