// What split lets out in block mode: visits by names that are not protected, and no frame to where a protected name is, by whatever means
// it is reached. Clients are real (curl, dig, ping); the witness is tcpdump on the uplink.
// LEAKGUARD_LONG=1 (npm run bench -- wire split) makes ten times as many visits, and tells how long they took.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink: a resolver whose names have canonical names in a row, addresses that
//                                                    change and times to live of 1 to 300 s, and a web server at every address

import { fileURLToPath } from 'node:url';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NETNS_CONFIG_DIR } from '../../appliance/lab/plan.ts';
import type { Running } from '../../appliance/lab/processes/process.ts';
import { dnsQuery, ethernet, ipv4, text, u16, udp } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { quicInitialFor } from './quic-packet.ts';
import { incidentsOf } from './rule-watch.ts';
import { RESOLVER } from './second-resolver.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const [NAMES, WEB, SAY, SEND, STEADY] = [
  ...['./name-server.mjs', './web-server.mjs', './tcp-say.mjs', './send-frame.mjs', './steady-words.mjs'],
].map(here) as [string, string, string, string, string];
const LONG = process.env['LEAKGUARD_LONG'] === '1';
const VISITS = LONG ? 200 : 20;
const SECRETS = Array.from({ length: LONG ? 20 : 5 }, (_, at) => ({
  name: `www${String(at + 1)}.bank.example`,
  address: `198.18.8.${String(at + 1)}`,
}));
const SECRET = 'www1.bank.example';
const SECRET_NET = 'net 198.18.8.0/24';
/** Serve both. */
const [SHARED, SHARED_TOO] = ['198.18.9.1', '198.18.9.2'];
const KEPT = '198.18.9.3';
const PORT = '8443';
/** Hears whatever is said. */
const LISTENER = '8444';

const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
const programs: Running[] = [];

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  const { uplink, laptop } = lab().network;
  const nets = ['198.18.7.1/24', '198.18.8.1/24', '198.18.9.1/24', `${RESOLVER}/32`];
  await uplink.ip(...nets.map((net) => `addr add ${net} dev lo`));
  const file = (name: string): string => `${lab().plan.dir}/${name}`;
  await uplink.must([
    'openssl',
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=web', '-keyout', file('site.key'), '-out', file('site.crt')],
  ]);
  const names = [
    ...SECRETS.map(({ name, address }) => `${name}=${address}`),
    ...[
      'alias.shop.example=>www1.bank.example',
      `both.shop.example=${SHARED_TOO}`,
      `any.shop.example=${SHARED}`,
      `kept.shop.example=${KEPT}`,
    ],
  ];
  programs.push(
    await uplink.start([
      process.execPath,
      NAMES,
      RESOLVER,
      '5354',
      'shop.example',
      '198.18.7.',
      '250',
      ...names,
    ]),
    await uplink.start([process.execPath, WEB, PORT, file('site.key'), file('site.crt')]),
  );
  await Promise.all(programs.map((program) => program.line(/^ready$/)));
  // The lab's own resolver holds port 53 of every address.
  const rule = `ip daddr ${RESOLVER} meta l4proto { tcp, udp } th dport 53 dnat to ${RESOLVER}:5354`;
  const table = `table ip names {\nchain to { type nat hook prerouting priority -100;\n${rule}\n}\n}\n`;
  await uplink.must(['nft', '-f', '-'], { input: table });
  const dir = join(NETNS_CONFIG_DIR, lab().plan.namespaces.laptop);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'resolv.conf'), `nameserver ${RESOLVER}\noptions timeout:2 attempts:2\n`);
  // Split: the laptop asks past its tunnel.
  await laptop.ip(`route add ${RESOLVER} via ${LAN.router4} dev eth0 table 51820`);
  await laptop.sysctl('net/ipv4/tcp_orphan_retries', '1');
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await daemon.stop();
});

async function use(direct: 'any' | 'answered', block: boolean): Promise<void> {
  const lines = `profile: split\ndirect: ${direct}\nmustTunnel: [bank.example]`;
  expect(await daemon.putPolicy(labPolicy(lab().plan).replace(/^profile: .*$/m, lines))).toBe(200);
  await lab().guard.block(block);
  await daemon.watching();
}

const laptop = (argv: readonly [string, ...string[]]): Promise<{ code: number | null; stdout: string }> =>
  lab().network.laptop.run(argv);

interface Visited {
  readonly status: string;
  readonly version: string;
  /** From the answer to the connection, seconds. */
  readonly connected: number;
}

async function visit(url: string, ...more: readonly string[]): Promise<Visited> {
  const words = ['-sSk', '-o', '/dev/null', '--interface', 'eth0', '--max-time', '6', ...more];
  const told = ['-w', '%{http_code} %{http_version} %{time_namelookup} %{time_connect}'];
  const { stdout } = await laptop(['curl', ...words, ...told, url]);
  const [status = '', version = '', looked = '', connected = ''] = stdout.split(' ');
  return { status, version, connected: Number(connected) - Number(looked) };
}

/** A protected site by an address that the client knows by itself. */
const hardWired = (address: string, name = SECRET): Promise<Visited> =>
  visit(`https://${name}:${PORT}/`, '--resolve', `${name}:${PORT}:${address}`, '--max-time', '1');

function quicTo(address: string, name: string): Promise<unknown> {
  const payload = udp(50_000, 443, [...Buffer.from(quicInitialFor(name), 'hex')]);
  const link = { from: LAN.laptopMac, to: LAN.routerMac };
  const frame = ethernet(0x0800, ipv4(17, payload, { from: LAN.laptop4, to: address }), link);
  return laptop([process.execPath, SEND, 'eth0', Buffer.from(frame).toString('hex')]);
}

/** By whatever means a client that knows an address may try it. */
async function everyMeans({ name, address }: { name: string; address: string }): Promise<void> {
  const again = ['--max-time', '1'];
  await Promise.all([
    hardWired(address, name),
    visit(`http://${name}/`, '--resolve', `${name}:80:${address}`, ...again),
    visit(`https://${address}:${PORT}/`, ...again),
    visit(`https://${name}/`, '-p', '-x', `http://${address}:3128`, ...again),
    visit(`https://${name}/`, '--socks5-hostname', `${address}:1080`, ...again),
    quicTo(address, name),
    laptop(['ping', '-c', '1', '-W', '1', '-I', 'eth0', address]),
  ]);
}

/** A connection to there that goes on. */
async function connectionTo(address: string): Promise<Running> {
  const running = await lab().network.laptop.start([
    process.execPath,
    STEADY,
    LAN.laptop4,
    address,
    LISTENER,
  ]);
  await running.line(/^open$/, 10_000);
  return running;
}

/** Frames that the uplink sees of it while it writes so many times more. */
async function seenOf(running: Running, filter: string): Promise<readonly string[]> {
  const times = Number(/\d+/.exec(running.lines.at(-1) ?? '')?.[0] ?? 0);
  return seenByUplink(lab(), filter, () =>
    running.line(new RegExp(`^written ${String(times + 20)}$`), 10_000),
  );
}

/** Kernel and taps count alike, and nothing crossed that should not. A proof that a busy machine has late comes by itself. */
async function isSound(): Promise<void> {
  expect((await lab().guard.status()).why).not.toMatch(/did not count|Another program changed/);
  await daemon.watching();
  const { ledger } = await lab().guard.status();
  expect(ledger.unseen).toBe(0);
  expect((await incidentsOf(lab())).filter(({ breach }) => breach)).toEqual([]);
}

describe('direct: answered, in block mode', () => {
  beforeAll(() => use('answered', true));

  it('visits by names that are not protected work', async () => {
    const visited: Visited[] = [];
    for (let at = 0; at < VISITS; at += 1) {
      const version = at % 2 === 0 ? '--http2' : '--http1.1';
      visited.push(await visit(`https://site${String(at)}.shop.example:${PORT}/`, version));
    }
    expect(visited.map(({ status }) => status)).toEqual(visited.map(() => '200'));
    expect(new Set(visited.map(({ version }) => version))).toEqual(new Set(['2', '1.1']));
    await isSound();
    if (LONG) {
      const times = visited.map(({ connected }) => connected).sort((a, b) => a - b);
      const at = (part: number): string => ((times[Math.floor(part * times.length)] ?? 0) * 1_000).toFixed(1);
      console.log(
        `${String(VISITS)} visits: from answer to connection ${at(0.5)} ms median, ${at(0.99)} ms of 99 in 100`,
      );
    }
    // A name that is asked for again leads somewhere else.
    expect((await visit(`https://site1.shop.example:${PORT}/`)).status).toBe('200');
  });

  it('no frame goes to a protected address, by whatever means it is reached', async () => {
    const seen = await seenByUplink(lab(), SECRET_NET, async () => {
      for (const secret of SECRETS) await everyMeans(secret);
      // By a name that is not protected, and leads to one that is.
      await visit(`https://alias.shop.example:${PORT}/`, '--max-time', '2');
    });
    expect(seen).toEqual([]);
    const stopped = (await incidentsOf(lab())).filter(({ destination }) =>
      destination.startsWith('198.18.8.'),
    );
    expect(new Set(stopped.map(({ destination }) => destination))).toEqual(
      new Set(SECRETS.map(({ address }) => address)),
    );
    expect(stopped.every(({ escaped, blocked }) => escaped === 0 && blocked > 0)).toBe(true);
    // The answer for the alias has shown it to whoever reads the uplink.
    const shown = (await incidentsOf(lab())).filter(({ networkAttack }) => networkAttack !== undefined);
    expect(shown.map(({ rule, exposure }) => `${rule} ${exposure}`)).toEqual([`B ${SECRET}`]);
    await isSound();
  });

  it('an address that was answered is closed from the first frame that shows a protected name there', async () => {
    expect((await visit(`https://both.shop.example:${PORT}/`)).status).toBe('200');
    const open = await connectionTo(SHARED_TOO);
    expect((await seenOf(open, `dst host ${SHARED_TOO}`)).length).toBeGreaterThan(0);
    await hardWired(SHARED_TOO);
    const isClosed = async (): Promise<string> =>
      (await visit(`https://both.shop.example:${PORT}/`, '--max-time', '1')).status;
    await expect.poll(isClosed, { timeout: 10_000 }).toBe('000');
    expect(await seenOf(open, `dst host ${SHARED_TOO}`)).toEqual([]);
    await open.stop();
    await isSound();
  });

  it('what was open before block mode is closed by it', async () => {
    await use('answered', false);
    const open = await connectionTo('198.18.8.1');
    expect((await seenOf(open, `dst ${SECRET_NET}`)).length).toBeGreaterThan(0);
    await lab().guard.block(true);
    expect(await seenOf(open, `dst ${SECRET_NET}`)).toEqual([]);
    await open.stop();
  });
});

describe('direct: any, in block mode', () => {
  beforeAll(() => use('any', true));

  it('an address is closed from the first frame that shows a protected name there, also for what is open', async () => {
    const open = await connectionTo(SHARED);
    expect((await seenOf(open, `dst host ${SHARED}`)).length).toBeGreaterThan(0);
    // Nobody asked for it here: the first visit is out before its name is known, as README says.
    await hardWired(SHARED);
    const isClosed = async (): Promise<string> =>
      (await visit(`https://${SHARED}:${PORT}/`, '--max-time', '1')).status;
    await expect.poll(isClosed, { timeout: 10_000 }).toBe('000');
    expect(await seenOf(open, `dst host ${SHARED}`)).toEqual([]);
    await open.stop();
    expect(await seenByUplink(lab(), `dst host ${SHARED}`, () => hardWired(SHARED))).toEqual([]);
    expect((await visit(`https://any.shop.example:${PORT}/`, '--max-time', '1')).status).toBe('000');
    expect((await visit(`https://198.18.9.7:${PORT}/`)).status).toBe('200');
    await isSound();
  });
});

// The rules for them are the same.
describe.each(LONG ? (['any', 'answered'] as const) : (['any'] as const))(
  'questions over TCP, direct: %s',
  (direct) => {
    beforeAll(() => use(direct, true));

    const message = (name: string): Bytes => [...u16(dnsQuery(name).length), ...dnsQuery(name)];
    const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex');
    /** Bytes of the segments with data that crossed. */
    const asked = async (segments: readonly Bytes[]): Promise<readonly number[]> => {
      const filter = `src host ${LAN.laptop4} and dst host ${RESOLVER} and tcp dst port 53`;
      const lines = await seenByUplink(lab(), filter, () =>
        laptop([process.execPath, SAY, LAN.laptop4, RESOLVER, '53', ...segments.map(hex)]),
      );
      return lines
        .map((line) => Number(/length (\d+)(?: |$)(?!.*length \d)/.exec(line)?.[1] ?? 0))
        .filter((bytes) => bytes > 0);
    };

    it('whole ones go, and are answered', async () => {
      const { stdout } = await laptop([
        'dig',
        '+tcp',
        '+tries=1',
        '+time=2',
        `@${RESOLVER}`,
        'site3.shop.example',
      ]);
      expect(stdout).toMatch(/ANSWER: [1-4]/);
      const both = [...message('site3.shop.example'), ...message('site3.shop.example')];
      expect(await asked([both])).toContain(both.length);
    });

    it.each<[string, readonly Bytes[], string]>([
      ['a protected name', [message('www.bank.example')], 'www.bank.example'],
      [
        'a protected name in two pieces',
        [message('www.bank.example').slice(0, 21), message('www.bank.example').slice(21)],
        'bank.example',
      ],
      ['the beginning of a protected name', [message('www.bank.example').slice(0, 25)], 'www.bank.e'],
      [
        'a length by itself, and a protected name',
        [message('www.bank.example').slice(0, 2), message('www.bank.example').slice(2)],
        'www.bank.example',
      ],
      [
        'another name in two pieces',
        [message('site3.shop.example').slice(0, 20), message('site3.shop.example').slice(20)],
        'site3',
      ],
      [
        'a protected name behind another',
        [[...message('www1.shop.example'), ...message('www1.bank.example')]],
        'www1.bank.example',
      ],
      ['no question', [text('GET / HTTP/1.1\r\nHost: www.news.example\r\n\r\n')], 'www.news.example'],
    ])('%s: no byte of it crosses, and it is told by what was seen', async (_case, segments, told) => {
      await lab().guard.acknowledge();
      // What was stopped a client sends again, and Linux puts pieces together then: a whole question for another name goes.
      const whole = message('site3.shop.example').length;
      expect((await asked(segments)).filter((bytes) => bytes !== whole)).toEqual([]);
      const tells = async (): Promise<boolean> =>
        (await incidentsOf(lab())).some(
          ({ acknowledged, exposure, why, blocked }) =>
            !acknowledged && blocked > 0 && (exposure.includes(told) || why.includes(told)),
        );
      await expect.poll(tells, { timeout: 10_000 }).toBe(true);
    });

    it('are counted by kernel and taps alike', () => isSound());
  },
);

describe('what was answered', () => {
  beforeAll(() => use('answered', true));

  it.each(LONG ? (['daemon', 'lan', 'wan'] as const) : (['daemon'] as const))(
    'stays open when the %s begins anew, and nothing of it is a leak',
    async (role) => {
      expect((await visit(`https://kept.shop.example:${PORT}/`)).status).toBe('200');
      const open = await connectionTo(KEPT);
      await lab().guard.acknowledge();
      daemon.kill(role);
      await daemon.watching();
      expect((await seenOf(open, `dst host ${KEPT}`)).length).toBeGreaterThan(0);
      await open.stop();
      expect((await visit(`https://site5.shop.example:${PORT}/`)).status).toBe('200');
      expect(await seenByUplink(lab(), SECRET_NET, () => hardWired('198.18.8.1'))).toEqual([]);
      const told = (await incidentsOf(lab())).filter(({ acknowledged }) => !acknowledged);
      expect(told.filter(({ destination }) => destination === KEPT)).toEqual([]);
    },
  );
});
