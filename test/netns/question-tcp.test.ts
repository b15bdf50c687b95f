// Checks that a tunnel's own question goes over TCP where its answer by UDP was cut, to that resolver alone, and that nothing else goes
// there. A real resolver with more addresses than a datagram holds, and real clients.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET, NETNS_CONFIG_DIR, TUNNEL } from '../../appliance/lab/plan.ts';
import { UNSEEN_EXPOSURE } from '../../src/guard/incidents/incidents.ts';
import { dnsAnswer, dnsQuery, ethernet, ipv4, u16, u32, udp } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { RESOLVER, SecondResolver } from './second-resolver.ts';

const SAY = fileURLToPath(new URL('./tcp-say.mjs', import.meta.url));
const SEND = fileURLToPath(new URL('./send-frame.mjs', import.meta.url));
const NAME = 'many.example';
/** More than 512 bytes hold. */
const ADDRESSES = [
  NET.tunnelServer4,
  ...Array.from({ length: 39 }, (_, n) => `198.51.100.${String(100 + n)}`),
];
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let resolver: SecondResolver;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  resolver = new SecondResolver(lab());
  await Promise.all([
    daemon.start(),
    resolver.start(
      ADDRESSES.map((address) => [NAME, address]),
      ['edns-packet-max=512', 'no-round-robin'],
    ),
  ]);
  await lab().connectLaptop();
  await lab().guard.block(true);
  const policy = labPolicy(lab().plan).replace(
    /endpoints: .*/,
    `endpoints: ["udp:${NAME}:${String(NET.tunnelPort)}"]`,
  );
  expect(await daemon.putPolicy(policy)).toBe(200);
  await daemon.watching();
});
afterAll(async () => {
  await resolver.stop();
  await daemon.stop();
});

const laptop = (argv: readonly [string, ...string[]]): Promise<{ code: number | null; stdout: string }> =>
  lab().network.laptop.run(argv);
const ask = (...more: readonly string[]): Promise<{ code: number | null; stdout: string }> =>
  laptop(['dig', '+tries=1', '+time=1', '-b', LAN.laptop4, `@${RESOLVER}`, ...more]);

/** Segments of the laptop's to this port that hold data, and all of them. */
async function segments(
  act: () => Promise<unknown>,
  host = RESOLVER,
  port = 53,
): Promise<{ data: number; all: number }> {
  const lines = await seenByUplink(
    lab(),
    `src host ${LAN.laptop4} and dst host ${host} and tcp dst port ${String(port)}`,
    act,
  );
  return { data: lines.filter((line) => !/length 0\b/.test(line)).length, all: lines.length };
}

const message = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];
const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex');
const own = (more: Parameters<typeof dnsQuery>[1] = {}): Bytes => message(dnsQuery(NAME, more));
const opt = (data: Bytes): Bytes => [0, ...u16(41), ...u16(1232), ...u32(0), ...u16(data.length), ...data];
const cookie: Bytes = [...u16(10), ...u16(8), 1, 2, 3, 4, 5, 6, 7, 8];
const say = (...said: readonly Bytes[]): Promise<unknown> =>
  laptop([process.execPath, SAY, LAN.laptop4, RESOLVER, '53', ...said.map(hex)]);

describe('the question for a tunnel’s name over TCP', () => {
  it('is closed as long as no answer was cut', async () => {
    expect(await segments(() => ask('+tcp', NAME))).toEqual({ data: 0, all: 0 });
  });

  it.each([
    ['unasked', NAME, 41_000],
    ['for another name', 'other.example', 41_000],
  ])('is not opened by a cut answer that comes %s', async (_case, name, port) => {
    const { uplink } = lab().network;
    const answer = dnsAnswer(name, '198.51.100.250').map((byte, at) => (at === 2 ? 0x83 : byte));
    const ends = { from: RESOLVER, to: LAN.laptop4 };
    const link = { from: LAN.routerMac, to: LAN.laptopMac };
    const frame = ethernet(0x0800, ipv4(17, udp(53, port, answer), ends), link);
    await uplink.must([process.execPath, SEND, 'eth0', Buffer.from(frame).toString('hex')]);
    expect(await segments(() => ask('+tcp', NAME))).toEqual({ data: 0, all: 0 });
  });

  it('goes where the answer was cut, and what is answered there opens the tunnel', async () => {
    const { stdout } = await ask(NAME);
    expect(stdout).toMatch(new RegExp(`ANSWER: ${String(ADDRESSES.length)}`));
    const carries = async (): Promise<number | null> =>
      (await laptop(['ping', '-c', '1', '-W', '1', TUNNEL.server4])).code;
    await expect.poll(carries, { timeout: 15_000 }).toBe(0);
  });

  it('goes as the GNU C library asks, for both families in one segment', async () => {
    const dir = join(NETNS_CONFIG_DIR, lab().plan.namespaces.laptop);
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'resolv.conf'), `nameserver ${RESOLVER}\noptions timeout:2 attempts:1\n`);
    // The laptop asks this resolver past its tunnel, as it must before it has one.
    await lab().network.laptop.ip(`route add ${RESOLVER} via ${LAN.router4} dev eth0 table 51820`);
    const { stdout } = await laptop(['getent', 'ahosts', NAME]);
    expect(stdout).toContain(ADDRESSES.at(-1));
  });

  it.each<[string, number, readonly Bytes[]]>([
    ['the name alone', 1, [own()]],
    ['the name with EDNS', 1, [own({ extra: opt([]) })]],
    ['the name with a cookie', 1, [own({ extra: opt(cookie) })]],
    ['the name for both families', 1, [[...own(), ...own({ type: 28 })]]],
    ['another name', 0, [message(dnsQuery('bank.example'))]],
    ['a name below it', 0, [message(dnsQuery(`x.${NAME}`))]],
    ['the name, and another behind it', 0, [[...own(), ...message(dnsQuery('bank.example'))]]],
    ['the name, and another as long', 0, [[...own(), ...message(dnsQuery('mini.example'))]]],
    ['another name, and the name', 0, [[...message(dnsQuery('bank.example')), ...own()]]],
    ['the name, and more bytes', 0, [[...own(), ...u32(0)]]],
    ['the name, with another length in front', 0, [[...u16(99), ...own().slice(2)]]],
    ['the name, with a record of another kind', 0, [own({ extra: [0, ...u16(16), ...opt([]).slice(3)] })]],
    ['the name, with an option as long as no cookie', 0, [own({ extra: opt([...cookie, 0, 0]) })]],
    ['no DNS', 0, [[...Buffer.from('GET / HTTP/1.1\r\nHost: bank.example\r\n\r\n')]]],
  ])('%s: %i of its segments cross', async (_case, data, said) => {
    await ask('+ignore', NAME);
    const seen = await segments(() => say(...said));
    expect(seen.data > 0 ? 1 : 0).toBe(data);
    // The connection itself stands.
    expect(seen.all).toBeGreaterThan(1);
  });

  it.each([
    ['another resolver', '203.0.113.53', 53],
    ['another port of it', RESOLVER, 853],
  ])('to %s nothing goes', async (_case, host, port) => {
    await ask('+ignore', NAME);
    const act = (): Promise<unknown> =>
      laptop([process.execPath, SAY, LAN.laptop4, host, String(port), hex(own())]);
    expect(await segments(act, host, port)).toEqual({ data: 0, all: 0 });
  });

  it('is counted by kernel and taps alike', async () => {
    const { state, ledger, incidents } = await lab().guard.status();
    expect(state).not.toBe('blind');
    // What the laptop's own tunnel says in the milliseconds behind an answer over TCP, which cannot be held, is nobody else's.
    const ownFirst = incidents.filter(({ exposure, severity }) => exposure === NAME && severity === 'amber');
    const own = ownFirst.reduce((sum, { attempted }) => sum + attempted, 0);
    expect(incidents.filter(({ exposure }) => exposure === UNSEEN_EXPOSURE)).toEqual([]);
    expect(ledger.unseen).toBeLessThanOrEqual(own);
    expect(incidents.filter(({ breach }) => breach)).toEqual([]);
  });
});
