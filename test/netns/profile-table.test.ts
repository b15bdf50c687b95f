// What becomes of what clients do, in each profile and mode; the table of it on page and in README is what is measured here. The witness is
// tcpdump on the uplink; the box's account, light and breaches are held against it.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink: a resolver, web servers at every address, and listeners

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NETNS_CONFIG_DIR } from '../../appliance/lab/plan.ts';
import type { IncidentView, Status } from '../../src/api/status.ts';
import { MEASURED } from '../../web/pages/help/profile-table.ts';
import { MEASURED_PROFILES, README, TABLE, tableOf } from '../web/readme-table.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { ACTIONS, NAMED, NAMES, NETS } from './profile-actions.ts';
import type { Action } from './profile-actions.ts';
import { incidentsOf } from './rule-watch.ts';
import { RESOLVER, SecondResolver } from './second-resolver.ts';

const STUB = [
  'profile: proxy-stub',
  `resolvers: ["dot:${NAMED.dot}:853/${NAMED.name}"]`,
  `proxies: ["tcp:${NAMED.socks}:1080", "tcp:${NAMED.http}:3128"]`,
];
const PROFILES: Readonly<Record<(typeof MEASURED_PROFILES)[number], readonly string[]>> = {
  'full-tunnel': ['profile: full-tunnel'],
  'proxy-stub with proxies': STUB,
  'proxy-stub, direct: any': [...STUB, 'direct: any'],
  'split, direct: answered': ['profile: split', 'direct: answered', 'mustTunnel: [bank.example]'],
};
const MODES = ['watch', 'block'] as const;
/** Programs of the laptop's that run side by side. */
const AT_ONCE = 6;

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let resolver: SecondResolver;
const measured = new Map<string, string[]>(ACTIONS.map(({ what }) => [what, []]));

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  resolver = new SecondResolver(lab());
  await Promise.all([daemon.start(), resolver.start(NAMES)]);
  await lab().connectLaptop();
  const { uplink, laptop } = lab().network;
  for (const net of NETS) await uplink.ip(`route add local ${net} dev lo`);
  const dir = join(NETNS_CONFIG_DIR, lab().plan.namespaces.laptop);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'resolv.conf'), `nameserver ${RESOLVER}\noptions timeout:1 attempts:1\n`);
  for (const net of [...NETS, `${RESOLVER}/32`])
    await laptop.ip(`route add ${net} via ${LAN.router4} dev eth0 table 51820`);
  // What was stopped is not said again when its program is gone (tcp(7)).
  await laptop.sysctl('net/ipv4/tcp_orphan_retries', '1');
});
afterAll(async () => {
  await resolver.stop();
  await daemon.stop();
});

/** All actions, some at a time, each at once when there is room. */
async function everyone(): Promise<void> {
  const left = [...ACTIONS];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      for (const argv of next.does) await lab().network.laptop.run(argv);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

interface Fate {
  readonly action: Action;
  readonly frames: number;
  readonly incidents: readonly IncidentView[];
}

function cellOf({ frames, incidents }: Fate): string {
  const rules = [...new Set(incidents.map(({ rule }) => rule))].sort().join(', ');
  return `${frames > 0 ? 'goes' : 'stopped'}${rules === '' ? '' : `: ${rules}`}`;
}

/** Both taps have read all that was sent: a leak that the box forged since was seen by both, the second at the latest. */
async function read(): Promise<void> {
  const provenAt = ({ health }: Status): number => Date.parse(health.proof?.at ?? '') || 0;
  for (let times = 0; times < 2; times += 1) {
    const before = provenAt(await lab().guard.status());
    await lab().guard.waitFor('another proof', (now) => provenAt(now) > before, 20_000);
  }
}

/** What is new of them; what the network itself does is nobody's action. */
function changedSince(
  before: ReadonlyMap<string, IncidentView>,
  now: readonly IncidentView[],
): IncidentView[] {
  return now.flatMap((one): IncidentView[] => {
    if (one.rule === 'T') return [];
    const known = before.get(one.id);
    if (known === undefined) return [one];
    const [attempted, escaped, blocked] = [
      one.attempted - known.attempted,
      one.escaped - known.escaped,
      one.blocked - known.blocked,
    ];
    return attempted + escaped + blocked === 0 ? [] : [{ ...one, attempted, escaped, blocked }];
  });
}

function fatesOf(seen: readonly string[], after: readonly IncidentView[]): readonly Fate[] {
  return ACTIONS.map((action): Fate => {
    const frames = seen.filter((line) => action.seen.test(line)).length;
    const about = after.filter(({ exposure, destination }) => action.isAbout(exposure, destination));
    const beside = after.filter(({ destination }) => frames === 0 && destination === action.orAt);
    return { action, frames, incidents: about.length > 0 ? about : beside };
  });
}

/** Where the box says something else than the wire does. */
function contradictions(fates: readonly Fate[], mode: (typeof MODES)[number]): string[] {
  return fates.flatMap(({ action: { what }, frames, incidents }) => {
    const isOut = incidents.some(({ escaped }) => escaped > 0);
    const isLeak = incidents.length > 0;
    return [
      ...(isOut && frames === 0 ? [`${what}: it is said to be out, and is not`] : []),
      ...(isLeak && !isOut && frames > 0 ? [`${what}: it is said to be stopped, and is out`] : []),
      ...(frames === 0 && !isLeak ? [`${what}: nothing is said of what is stopped`] : []),
      ...(frames === 0 && mode === 'watch' ? [`${what}: it did not leave`] : []),
      ...(incidents.some(({ breach }) => breach) ? [`${what}: a breach`] : []),
    ];
  });
}

describe.each(MEASURED_PROFILES)('%s', (profile) => {
  it.each(MODES)('%s mode: wire, account and light say the same of every action', async (mode) => {
    const text = labPolicy(lab().plan).replace(/^profile: .*$/m, PROFILES[profile].join('\n'));
    expect(await daemon.putPolicy(text)).toBe(200);
    await lab().guard.block(mode === 'block');
    await daemon.watching();
    await lab().guard.acknowledge();
    const before = new Map((await incidentsOf(lab())).map((one) => [one.id, one]));
    const seen = await seenByUplink(lab(), `ether src ${LAN.laptopMac}`, everyone);
    await read();
    // What was read last has its fate within half a second.
    const look = async (): Promise<readonly Fate[]> =>
      fatesOf(seen, changedSince(before, await incidentsOf(lab())));
    await expect.poll(async () => contradictions(await look(), mode), { timeout: 10_000 }).toEqual([]);
    const fates = await look();
    for (const fate of fates) measured.get(fate.action.what)?.push(cellOf(fate));
    const status = await lab().guard.status();
    const after = fates.flatMap(({ incidents }) => incidents);
    const isRed = after.some(({ severity, escaped }) => severity === 'red' && escaped > 0);
    expect([status.state === 'leaking', status.ledger.unseen]).toEqual([isRed, 0]);
  });
});

it('page and README have what was measured', async () => {
  const rows = [...measured].map(([what, fates]) => [what, ...fates].join(' | '));
  if (process.env['LEAKGUARD_RECORD'] === '1') await record(rows);
  else expect(MEASURED).toEqual(rows);
});

async function record(rows: readonly string[]): Promise<void> {
  const table = fileURLToPath(new URL('../../web/pages/help/profile-table.ts', import.meta.url));
  const [source, readme] = await Promise.all([readFile(table, 'utf8'), readFile(README, 'utf8')]);
  const lines = rows.map((row) => `  ${JSON.stringify(row)},\n`).join('');
  await writeFile(table, source.replace(/(?<=MEASURED: .*\[\n)[\s\S]*(?=\];)/, lines));
  await writeFile(README, readme.replace(TABLE, tableOf(rows)));
  await promisify(execFile)('npx', ['prettier', '--write', table, fileURLToPath(README)]);
}
