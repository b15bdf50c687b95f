// Checks that in block mode IKE over TCP passes and what is said in its place does not, that the question for NAT64's prefix passes and no
// other, and that servers behind the prefix which was answered are then reached. What crosses is what tcpdump reads at the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import {
  dnsQuery,
  ethernet,
  fill,
  fragment6,
  ipv6,
  text,
  u16,
  u32,
  udp,
  wireguard,
} from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { clientHello } from '../policy/tls-hello.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { RESOLVER, SecondResolver } from './second-resolver.ts';

const SAY = fileURLToPath(new URL('./tcp-say.mjs', import.meta.url));
const SEND = fileURLToPath(new URL('./send-frame.mjs', import.meta.url));
/** Takes whatever is said, and answers once. */
const SERVER = `require('net').createServer((c)=>{c.on('error',()=>{});c.once('data',()=>setTimeout(()=>c.write('ok'),200))}).listen(+process.argv[2],process.argv[1],()=>console.log('ready'))`;
const PORT = 4500;
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;
let resolver: SecondResolver;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  resolver = new SecondResolver(lab());
  const tunnels = [
    `  - {name: ike, protocol: ipsec, endpoints: ["tcp:${NET.web4}:${String(PORT)}"]}`,
    `  - {name: fleet, protocol: wireguard, endpoints: ["udp:203.0.113.192/26:1000-2000"]}`,
  ];
  await Promise.all([
    daemon.start(labPolicy(lab().plan).replace('bridge:', `${tunnels.join('\n')}\nbridge:`)),
    resolver.start(
      [
        ['ipv4only.arpa', '2001:db8:64::c000:aa'],
        ['ipv4only.arpa', '192.0.0.170'],
        ['other.example', '203.0.113.99'],
      ],
      ['local=/arpa/'],
    ),
  ]);
  await lab().connectLaptop();
  await lab().guard.block(true);
  await daemon.watching();
});
afterAll(async () => {
  await resolver.stop();
  await daemon.stop();
});

const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex');

describe('IKE over TCP (RFC 9329)', () => {
  const IKE: Bytes = [
    ...fill(8, 0x11),
    ...fill(8, 0),
    0x21,
    0x20,
    0x22,
    8,
    ...u32(0),
    ...u32(68),
    ...fill(40),
  ];
  const message: Bytes = [...u16(6 + IKE.length), ...u32(0), ...IKE];
  const esp: Bytes = [...u16(82), ...u32(0xc0ffee01), ...u32(1), ...fill(72)];
  const query = dnsQuery('www.bank.example');

  it.each<[string, boolean, boolean, readonly Bytes[]]>([
    ['its prefix, and IKE', true, true, [[...text('IKETCP'), ...message], esp]],
    ['its prefix by itself, then IKE', true, true, [text('IKETCP'), message]],
    ['its prefix, and ESP', true, true, [[...text('IKETCP'), ...esp], esp]],
    ['a request', false, false, [text('GET / HTTP/1.1\r\nHost: www.bank.example\r\n\r\n')]],
    ['a ClientHello', false, false, [[...clientHello('www.bank.example')]]],
    ['an SSH banner', false, false, [text('SSH-2.0-OpenSSH_9.2p1\r\n')]],
    // What the kernel cannot tell from ESP is told by the taps.
    ['a plain question', true, false, [[...u16(query.length), ...query]]],
    ['IKE without its prefix', true, false, [message]],
  ])('%s: crosses %s, is the tunnel’s %s', async (_case, crosses, isTunnel, said) => {
    const { laptop, uplink } = lab().network;
    await lab().guard.acknowledge();
    const server = await uplink.start([process.execPath, '-e', SERVER, NET.web4, String(PORT)]);
    try {
      await server.line(/ready/, 10_000);
      const seen = await seenByUplink(
        lab(),
        `src host ${LAN.laptop4} and dst host ${NET.web4} and tcp dst port ${String(PORT)}`,
        () => laptop.run([process.execPath, SAY, LAN.laptop4, NET.web4, String(PORT), ...said.map(hex)]),
      );
      expect(seen.some((line) => !/length 0\b/.test(line))).toBe(crosses);
    } finally {
      await server.stop();
    }
    const isForeign = ({ rule, acknowledged }: { rule: string; acknowledged: boolean }): boolean =>
      rule === 'F' && !acknowledged;
    if (isTunnel) expect((await lab().guard.status()).incidents.filter(isForeign)).toEqual([]);
    else await lab().guard.waitFor('rule F', ({ incidents }) => incidents.some(isForeign), 3_000);
  });
});

describe('a network with NAT64', () => {
  const link = { from: LAN.laptopMac, to: LAN.routerMac };
  const sends = (to: string, next: number, payload: Bytes): Promise<readonly string[]> =>
    seenByUplink(lab(), `ip6 and dst host ${to}`, () =>
      lab().network.laptop.must([
        process.execPath,
        SEND,
        'eth0',
        Buffer.from(ethernet(0x86dd, ipv6(next, payload, { from: LAN.laptop6, to }), link)).toString('hex'),
      ]),
    );
  const packet = (port: number, payload = wireguard(4)): Bytes => udp(40_000, port, payload);
  const asks = (name: string, type: string): Promise<readonly string[]> =>
    seenByUplink(lab(), `src host ${LAN.laptop4} and dst host ${RESOLVER} and udp dst port 53`, () =>
      lab().network.laptop.run([
        'dig',
        '+tries=1',
        '+time=1',
        '-b',
        LAN.laptop4,
        `@${RESOLVER}`,
        name,
        type,
      ] as const),
    );
  const ROWS: readonly [string, string, number, Bytes, boolean][] = [
    ['the server', '2001:db8:64::c633:6407', 17, packet(51_820), true],
    ['a server of the network', '2001:db8:64::cb00:71c9', 17, packet(1_500), true],
    ['its last one', '2001:db8:64::cb00:71ff', 17, packet(2_000), true],
    [
      'a later fragment to it',
      '2001:db8:64::cb00:71c9',
      44,
      [...fragment6(17, 520, false), ...fill(80)],
      true,
    ],
    ['one before it', '2001:db8:64::cb00:71bf', 17, packet(1_500), false],
    ['another port', '2001:db8:64::cb00:71c9', 17, packet(2_001), false],
    ['something else', '2001:db8:64::cb00:71c9', 17, packet(1_500, text('GET / HTTP/1.1\r\n')), false],
    ['another prefix', '2001:db8:65::cb00:71c9', 17, packet(1_500), false],
  ];

  it.each(ROWS)('%s is not reached before a prefix is known', async (_case, to, next, payload) => {
    expect(await sends(to, next, payload)).toEqual([]);
  });

  it.each([
    ['another name', 'other.example', 'AAAA'],
    ['a name below it', 'x.ipv4only.arpa', 'AAAA'],
  ])('%s is not asked for', async (_case, name, type) => {
    expect(await asks(name, type)).toEqual([]);
  });

  it('its own question is asked, is no leak, and what is answered opens the way to the servers', async () => {
    await lab().guard.acknowledge();
    expect(await asks('ipv4only.arpa', 'AAAA')).toHaveLength(1);
    for (const [, to, next, payload, crosses] of ROWS)
      if (crosses) await expect.poll(() => sends(to, next, payload), { timeout: 10_000 }).toHaveLength(1);
      else expect(await sends(to, next, payload)).toEqual([]);
    const { incidents, health } = await lab().guard.status();
    expect(incidents.filter(({ exposure }) => exposure === 'ipv4only.arpa')).toEqual([]);
    // A network that lies is told: nothing has proven the prefix yet.
    expect(health.warnings.join(' ')).toContain('2001:db8:64::/96');
  });
});
