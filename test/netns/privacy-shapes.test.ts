// What a box with privacy keeps, tells and passes on of names in 28 shapes of leaks: every file of its directories, its log, every
// answer of its API, every report and captured frame, every page as its owner sees it, and the arguments of every process in its
// namespace are searched for one marker.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import { hashWith } from '../../appliance/history/privacy-key.ts';
import { REPORT_FORMATS } from '../../src/api/words.ts';
import { BROADCAST, dhcp4, dnsQuery, ethernet, ipv4, ipv6, tcp, text, u16, udp } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';
import { PageCrawl } from './page-crawl.ts';

const lab = labForTests({ filling: 'guard', page: true });
let crawl: PageCrawl;
beforeAll(async () => {
  crawl = new PageCrawl(lab());
  await crawl.enter();
});

/** No word of ours, and no hexadecimal digits. */
const MARKER = 'zqxmarker';
const link = { from: LAN.laptopMac, to: LAN.routerMac };
const name = (of: string): string => `${of}.${MARKER}.example`;
const four = (
  protocol: number,
  payload: Bytes,
  to: string = NET.web4,
  mac: string = LAN.routerMac,
): Uint8Array => ethernet(0x0800, ipv4(protocol, payload, { from: LAN.laptop4, to }), { ...link, to: mac });
const six = (next: number, payload: Bytes, to: string = NET.web6): Uint8Array =>
  ethernet(0x86dd, ipv6(next, payload, { from: LAN.laptop6, to }), link);
const inTcp = (query: Bytes): Bytes => [...u16(query.length), ...query];
const http = (...lines: readonly string[]): Bytes => text(`${lines.join('\r\n')}\r\n\r\n`);
const search = (target: string): string =>
  `M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ${target}\r\n\r\n`;

const SHAPES: readonly Uint8Array[] = [
  four(17, udp(40_001, 53, dnsQuery(name('udp'))), NET.resolver4),
  six(17, udp(40_002, 53, dnsQuery(name('six'), { type: 28 })), NET.resolver6),
  four(17, udp(40_003, 53, dnsQuery(name('CAPITALS').toUpperCase())), NET.resolver4),
  four(17, udp(40_004, 53, dnsQuery(MARKER)), NET.resolver4),
  four(17, udp(40_005, 53, dnsQuery(`${MARKER}.co.uk`)), NET.resolver4),
  four(17, udp(40_006, 53, dnsQuery(`h-0123456789abcdef0123.${MARKER}.example`)), NET.resolver4),
  four(17, udp(40_007, 53, dnsQuery(name('txt'), { type: 16 })), NET.resolver4),
  four(17, udp(40_008, 53, dnsQuery(name('https'), { type: 65 })), NET.resolver4),
  four(6, tcp(40_009, 53, inTcp(dnsQuery(name('tcp')))), NET.resolver4),
  six(6, tcp(40_010, 53, inTcp(dnsQuery(name('tcp6')))), NET.resolver6),
  four(17, udp(40_011, 5_300, dnsQuery(name('port')))),
  four(17, udp(5_353, 5_353, dnsQuery(`${MARKER}.local`)), '224.0.0.251', '01:00:5e:00:00:fb'),
  four(17, udp(40_012, 5_355, dnsQuery(MARKER)), '224.0.0.252', '01:00:5e:00:00:fc'),
  four(
    17,
    udp(40_013, 1_900, text(search(`urn:${MARKER}:device:1`))),
    '239.255.255.250',
    '01:00:5e:7f:ff:fa',
  ),
  four(6, tcp(40_014, 80, http('GET / HTTP/1.1', `Host: ${name('host')}`))),
  four(6, tcp(40_015, 80, http(`GET http://${name('absolute')}/ HTTP/1.1`, 'Host: x.example'))),
  four(6, tcp(40_016, 80, http(`GET /${MARKER} HTTP/1.1`, 'Host: x.example', `Cookie: ${MARKER}`))),
  four(6, tcp(40_017, 80, http('GET / HTTP/1.1', 'Host: x.example', `Referer: http://${name('from')}/`))),
  four(
    6,
    tcp(40_018, 8_080, http(`CONNECT ${name('connect')}:443 HTTP/1.1`, `Host: ${name('connect')}:443`)),
  ),
  four(6, tcp(40_019, 443, clientHello(name('sni'), 'h2'))),
  six(6, tcp(40_020, 443, clientHello(name('sni6')))),
  four(6, tcp(40_021, 853, clientHello(name('dot'), 'dot'))),
  four(6, tcp(40_022, 8_443, clientHello(name('elsewhere')))),
  four(6, tcp(40_023, 1_080, [5, 1, 0, 3, name('socks').length, ...text(name('socks')), ...u16(443)])),
  four(6, tcp(40_024, 25, text(`EHLO ${name('mail')}\r\n`))),
  four(17, udp(40_025, 514, text(`<13>${MARKER} said`))),
  four(1, [8, 0, 0, 0, 0, 1, 0, 1, ...text(MARKER)]),
  ethernet(
    0x0800,
    ipv4(17, udp(68, 67, [...dhcp4(1).slice(0, -1), 12, MARKER.length, ...text(MARKER), 255]), {
      ...{ from: '0.0.0.0', to: '255.255.255.255' },
    }),
    { from: LAN.laptopMac, to: BROADCAST },
  ),
];

const SEND = `import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
for line in open(sys.argv[1]):
    s.send(bytes.fromhex(line.strip()))`;

function get(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: lab().plan.files.api, path }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts).toString('latin1')));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Each place with what is in it. */
async function everything(): Promise<ReadonlyMap<string, string>> {
  const { files, dir } = lab().plan;
  const held = new Map<string, string>();
  const paths = [
    ...[
      'status',
      'incidents?limit=2000',
      `incidents?text=${MARKER}`,
      'clients',
      'dossier',
      'timeline?buckets=24',
    ],
    ...['gaps', 'history', 'settings', 'policy', 'proposals', 'tunnels'],
    ...REPORT_FORMATS.map((format) => `report?format=${format}`),
  ];
  for (const path of paths) held.set(path, await get(`/v1/${path}`));
  const { incidents } = JSON.parse(held.get('incidents?limit=2000') ?? '') as { incidents: { id: string }[] };
  for (const { id } of incidents)
    for (const path of [`incidents/${id}`, `incidents/${id}/evidence`, `incidents/${id}/frames`])
      held.set(path, await get(`/v1/${path}`));
  for (const [path, page] of await crawl.pages()) held.set(`page ${path}`, page);
  for (const folder of [files.guardState, files.guardRuntime, join(dir, 'page-state')])
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name);
        held.set(path, readFileSync(path, 'latin1'));
      }
  for (const log of ['leakguardd.log', 'leakguard-web.log'])
    held.set(log, readFileSync(join(dir, log), 'latin1'));
  const { stdout } = await lab().network.box.run(['ip', 'netns', 'pids', lab().plan.namespaces.box]);
  for (const pid of stdout.trim().split(/\s+/))
    try {
      held.set(`process ${pid}`, readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    } catch {
      // It has ended since.
    }
  return held;
}

async function leak(): Promise<void> {
  const file = join(lab().plan.dir, 'shapes.hex');
  writeFileSync(file, SHAPES.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join(''));
  await lab().guard.acknowledge();
  await lab().network.laptop.must(['python3', '-c', SEND, file]);
  await lab().guard.waitFor('the leaks', ({ unacknowledged }) => unacknowledged >= 1, 10_000);
  await lab().network.laptop.run(['dig', '+short', '+tries=1', '+time=2', `@${NET.resolver4}`, name('last')]);
}

const places = async (): Promise<readonly string[]> =>
  [...(await everything())]
    .filter(([place, text]) => !place.includes('text=') && text.toLowerCase().includes(MARKER))
    .map(([place]) => place);

const put = async (more: string): Promise<void> => {
  const { status } = await ask(lab().plan.files.api, 'PUT', '/v1/policy', {
    text: `${labPolicy(lab().plan)}${more}`,
  });
  expect(status).toBe(200);
};

const DIGITS = 20;
/** How many names somebody tries who has the card; the marker's are among them. */
const TRIED = process.env['LEAKGUARD_LONG'] === '1' ? 1_000_000 : 10_000;

function textsOnCard(): readonly string[] {
  const { files, dir } = lab().plan;
  return [files.guardState, join(dir, 'page-state')].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
  );
}

const allOf = (pattern: RegExp): ReadonlySet<string> =>
  new Set(textsOnCard().flatMap((text) => text.match(pattern) ?? []));
const hashesOnCard = (): ReadonlySet<string> => allOf(/(?<=h-)[0-9a-f]{20}/g);

/** Names of which the card has a hash, by any key that may lie on it. */
function namesOnCard(): readonly string[] {
  const hashes = hashesOnCard();
  const marked = ['udp', 'six', 'txt', 'https', 'host', 'sni', 'dot'].map(name);
  const names = [...marked, ...Array.from({ length: TRIED }, (_, at) => `www${String(at)}.example`)];
  return [...allOf(/[0-9a-f]{64}/g)].flatMap((key) => {
    const hash = hashWith(key);
    return names.filter((one) => hashes.has(hash(one).slice(0, DIGITS)));
  });
}

it.each([
  ['memory', 'none'],
  ['disk', 'those that leaked'],
] as const)('who has the card, with the key in %s, finds of a list of names %s', async (place, found) => {
  await put(`privacy: redacted\nprivacyKey: ${place}\n`);
  const before = hashesOnCard();
  await leak();
  await expect
    .poll(() => [...hashesOnCard()].some((hash) => !before.has(hash)), { timeout: 10_000 })
    .toBe(true);
  if (found === 'none') expect(namesOnCard()).toEqual([]);
  else {
    const wanted = ['udp', 'six', 'host', 'sni', 'dot'].map(name);
    await expect.poll(namesOnCard, { timeout: 10_000 }).toEqual(expect.arrayContaining(wanted));
  }
});

it('has 28 shapes', () => expect(SHAPES).toHaveLength(28));

it.each(['redacted', 'minimal'])('%s: no marker in any place', async (privacy) => {
  await put(`privacy: ${privacy}\nprivacyKey: memory\n`);
  await leak();
  expect(await places()).toEqual([]);
  const { files } = lab().plan;
  expect(readdirSync(files.guardState)).not.toContain('privacy.key');
  expect(await get(`/v1/incidents?text=${MARKER}`)).not.toContain('"id"');
});

it('full: the marker is found by the same search, and no answer has it any more once redacted is in force', async () => {
  await put('privacy: full\n');
  await leak();
  expect((await places()).length).toBeGreaterThan(5);
  await put('privacy: redacted\n');
  const { guardState } = lab().plan.files;
  expect((await places()).filter((place) => !place.startsWith(guardState))).toEqual([]);
  expect(await get(`/v1/incidents?text=${MARKER}`)).not.toContain('"id"');
  expect((await ask(lab().plan.files.api, 'POST', '/v1/history/rewrite')).status).toBe(200);
  expect(await places()).toEqual([]);
});
