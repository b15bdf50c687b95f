// Checks that a breach is a frame which the rules should have stopped, and that each frame is counted by what became of it: one that a
// connection from before block mode closes with, one that opened a connection before it showed a protected name, one behind what was
// stopped. The witnesses are tcpdump on the uplink and on the laptop's own port.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink: hears whatever is said, at every address

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { dnsQuery, u16 } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { labForTests, seenByUplink, seenOn } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { incidentsOf, useProfile } from './rule-watch.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const [CONNECTION, WEB, SAY] = ['./one-connection.mjs', './web-server.mjs', './tcp-say.mjs'].map(here) as [
  ...[string, string, string],
];
const LISTENER = '8444';

const PROFILES = [
  {
    ...{ profile: 'full-tunnel', lines: ['profile: full-tunnel'] },
    ...{ name: 'www.news.example', leaksFrom: 'the first frame' },
  },
  {
    profile: 'split, direct: any',
    lines: ['profile: split', 'direct: any', 'mustTunnel: [bank.example]'],
    ...{ name: 'www.bank.example', leaksFrom: 'the name' },
  },
  {
    ...{ profile: 'proxy-stub', lines: ['profile: proxy-stub'] },
    // Encrypted DNS past the tunnel: rule C.
    ...{ name: 'dns.google', leaksFrom: 'the name' },
  },
] as const;
type Case = (typeof PROFILES)[number];

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let web: Running;
let addresses = 0;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  const { uplink, laptop } = lab().network;
  await uplink.ip('addr add 198.18.9.1/24 dev lo');
  const file = (name: string): string => `${lab().plan.dir}/${name}`;
  await uplink.must([
    'openssl',
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=web', '-keyout', file('site.key'), '-out', file('site.crt')],
  ]);
  web = await uplink.start([process.execPath, WEB, '8443', file('site.key'), file('site.crt')]);
  await web.line(/^ready$/);
  // What is stopped is not sent again for minutes.
  await laptop.sysctl('net/ipv4/tcp_orphan_retries', '1');
});
afterAll(async () => {
  await web.stop();
  await daemon.stop();
});

/** One that no other test has gone to; what was told of a name at another stays as it is. */
async function freshAddress(): Promise<string> {
  await lab().guard.acknowledge();
  addresses += 1;
  return `198.18.9.${String(addresses)}`;
}

interface Seen {
  /** Octets of data in each frame, by who sent it and by who is behind the box. */
  readonly sent: readonly number[];
  readonly came: readonly number[];
}

/** What goes there because of `act`, until the laptop has nothing more to say to it. */
async function seenTo(address: string, act: () => Promise<unknown>): Promise<Seen> {
  const { laptop } = lab().network;
  const filter = `src host ${LAN.laptop4} and dst host ${address} and tcp`;
  const isOver = async (): Promise<string> => (await laptop.must(['ss', '-Htan', 'dst', address])).stdout;
  let came: readonly string[] = [];
  const sent = await seenOn(laptop, 'eth0', filter, laptop, async () => {
    came = await seenByUplink(lab(), filter, async () => {
      await act();
      await expect.poll(isOver, { timeout: 20_000, interval: 100 }).not.toMatch(/ESTAB|SYN|FIN-WAIT-1|LAST/);
    });
  });
  const octets = (line: string): number => Number(/length (\d+)(?: |$)(?!.*length \d)/.exec(line)?.[1]);
  return { sent: sent.map(octets), came: came.map(octets) };
}

interface Account {
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
  readonly breaches: number;
}

async function accountOf(address: string): Promise<Account> {
  const sum = { attempted: 0, escaped: 0, blocked: 0, breaches: 0 };
  for (const incident of await incidentsOf(lab())) {
    if (incident.destination !== address) continue;
    for (const what of ['attempted', 'escaped', 'blocked'] as const) sum[what] += incident[what];
    sum.breaches += Number(incident.breach);
  }
  return sum;
}

/** The account says of each frame what the wire does; a connection is none of a leak before it has shown the name. */
async function isWhatWasSeen(address: string, { sent, came }: Seen, { leaksFrom }: Case): Promise<void> {
  const leaks = (frames: readonly number[]): number => {
    const named = leaksFrom === 'the name' ? frames.findIndex((octets) => octets > 0) : 0;
    return named < 0 ? 0 : frames.length - named;
  };
  const [attempted, escaped] = [leaks(sent), leaks(came)];
  const truth = { attempted, escaped, blocked: attempted - escaped, breaches: 0 };
  await expect.poll(() => accountOf(address), { timeout: 10_000 }).toEqual(truth);
  expect(sent.length).toBeGreaterThan(0);
}

/** A connection to there that says so much and goes on. */
async function connectionTo(address: string, said: Bytes): Promise<Running> {
  const running = await lab().network.laptop.start([
    ...[process.execPath, CONNECTION, LAN.laptop4, address, LISTENER, Buffer.from(said).toString('hex')],
  ] as [string, ...string[]]);
  await running.line(/^said$/);
  return running;
}

describe.each(PROFILES)('$profile', (one) => {
  beforeAll(() => useProfile(lab(), labPolicy(lab().plan), one.lines));

  const CLOSINGS = [
    ['FIN', 'SIGTERM'],
    ['RST', 'SIGUSR2'],
  ] as const;
  const SAID = [
    ['nothing that names anybody', [...Buffer.from('hello, are you there?')]],
    ['a name', clientHello(one.name)],
  ] as const;
  const all = SAID.flatMap(([what, said]) =>
    CLOSINGS.map(([how, signal]) => ({ what, said, how, signal }) as const),
  );

  it.each(all)(
    'a connection from before block mode that said $what and closes by $how is no breach',
    async ({ what, said, signal }) => {
      await lab().guard.block(false);
      const address = await freshAddress();
      const seen = await seenTo(address, async () => {
        const open = await connectionTo(address, said);
        await lab().guard.block(true);
        open.signal(signal);
        await open.exited;
      });
      if (what === 'a name' || one.leaksFrom !== 'the name') await isWhatWasSeen(address, seen, one);
      // A profile that lets it go direct has nothing to tell of it.
      else expect(await accountOf(address)).toEqual({ attempted: 0, escaped: 0, blocked: 0, breaches: 0 });
      await daemon.watching();
      expect((await lab().guard.status()).state).not.toBe('breach');
    },
  );

  it('in block mode what opened a connection is no leak for the name that it shows afterwards', async () => {
    await lab().guard.block(true);
    const address = await freshAddress();
    const { laptop } = lab().network;
    const words = Buffer.from(clientHello(one.name)).toString('hex');
    const seen = await seenTo(address, () =>
      laptop.run([process.execPath, SAY, LAN.laptop4, address, LISTENER, words]),
    );
    expect(seen.came.filter((octets) => octets === 0).length > 0).toBe(one.leaksFrom === 'the name');
    await isWhatWasSeen(address, seen, one);
  });
});

it('what goes behind a question that was stopped is counted as it went, and for what it says itself', async () => {
  await useProfile(lab(), labPolicy(lab().plan), PROFILES[1].lines);
  await lab().guard.block(true);
  const message = (name: string): Bytes => [...u16(dnsQuery(name).length), ...dnsQuery(name)];
  const segments = [message('www.bank.example'), message('www.news.example')];
  const address = await freshAddress();
  const seen = await seenTo(address, () =>
    lab().network.laptop.run([
      ...([process.execPath, SAY, LAN.laptop4, address, '53'] as const),
      ...segments.map((segment) => Buffer.from(segment).toString('hex')),
    ]),
  );
  const data = (frames: readonly number[]): number => frames.filter((octets) => octets > 0).length;
  // The other question has crossed, and names nothing that is protected.
  expect(data(seen.came)).toBe(1);
  const stopped = data(seen.sent) - 1;
  await expect
    .poll(() => accountOf(address), { timeout: 10_000 })
    .toEqual({ attempted: stopped, escaped: 0, blocked: stopped, breaches: 0 });
});

it('a tap that has begun in the middle of a connection calls its frames harmless: they have left all the same', async () => {
  const [, , one] = PROFILES;
  await useProfile(lab(), labPolicy(lab().plan), one.lines);
  await lab().guard.block(true);
  const address = await freshAddress();
  const seen = await seenTo(address, async () => {
    const open = await connectionTo(address, clientHello(one.name));
    expect(daemon.kill('wan')).toBe(true);
    await lab().guard.waitFor('a guard that misses its tap', ({ state }) => state === 'blind', 10_000);
    await daemon.watching();
    for (let more = 1; more <= 5; more += 1) {
      open.signal('SIGHUP');
      await open.line(new RegExp(`^said ${String(more)} more$`));
    }
    await open.stop();
  });
  await isWhatWasSeen(address, seen, one);
});
