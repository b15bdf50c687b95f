// Knows: what becomes of what clients do, in each profile and mode; README's table of it is what is measured here. Must not know: how rules
// are made. The witness is tcpdump on the uplink; the box's account, light and breaches are held against it.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink: a resolver, web servers at every address, and listeners

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/box.ts';
import { LAN, NETNS_CONFIG_DIR } from '../../appliance/lab/plan.ts';
import type { IncidentView } from '../../src/guard/status.ts';
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
const PROFILES: Readonly<Record<string, readonly string[]>> = {
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

describe.each(Object.entries(PROFILES))('%s', (_profile, policy) => {
  it.each(MODES)('%s mode: wire, account and light say the same of every action', async (mode) => {
    const text = labPolicy(lab().plan).replace(/^profile: .*$/m, policy.join('\n'));
    expect(await daemon.putPolicy(text)).toBe(200);
    await lab().guard.block(mode === 'block');
    await daemon.watching();
    await lab().guard.acknowledge();
    const before = new Map((await incidentsOf(lab())).map((one) => [one.id, one]));
    const seen = await seenByUplink(lab(), `ether src ${LAN.laptopMac}`, everyone);
    const status = await lab().guard.waitFor(
      'an account that is closed',
      (now) => now.ledger.attempted > 0,
      10_000,
    );
    const after = (await incidentsOf(lab())).flatMap((one): IncidentView[] => {
      // What the network itself does is nobody's action.
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
    const fates = ACTIONS.map((action): Fate => {
      const frames = seen.filter((line) => action.seen.test(line)).length;
      const about = after.filter(({ exposure, destination }) => action.isAbout(exposure, destination));
      const beside = after.filter(({ destination }) => frames === 0 && destination === action.orAt);
      return { action, frames, incidents: about.length > 0 ? about : beside };
    });
    for (const fate of fates) measured.get(fate.action.what)?.push(cellOf(fate));
    expect(contradictions(fates, mode)).toEqual([]);
    const isRed = after.some(({ severity, escaped }) => severity === 'red' && escaped > 0);
    expect([status.state === 'leaking', status.ledger.unseen]).toEqual([isRed, 0]);
  });
});

it('README has what was measured', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, found = ''] = /<!-- profiles -->\n\n([\s\S]*?)\n\n<!-- end of profiles -->/.exec(readme) ?? [];
  const cells = (line: string): string =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
      .join(' | ');
  const written = found.split('\n').slice(2).map(cells);
  const rows = [...measured].map(([what, fates]) => [what, ...fates].join(' | '));
  expect(written).toEqual(rows);
});
