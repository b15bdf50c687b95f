// Checks that a mesh is told when it is seen, that peers anywhere are had by a yes of their own, and that the kernel then lets the packets
// of that mesh go, and nothing else. What crosses is what tcpdump reads at the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import { dnsQuery, fill, text } from '../policy/frames.ts';
import type { Bytes } from '../policy/frames.ts';
import { MESH_FORMS } from '../policy/shapes-meshes.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';

/** One datagram. */
const SEND = `const s=require('dgram').createSocket('udp4');s.bind(0,process.argv[3],()=>s.send(Buffer.from(process.argv[4],'hex'),+process.argv[2],process.argv[1],()=>s.close()))`;
const PEER = '203.0.113.177';
const PORT = '33445';
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  await lab().guard.block(true);
  await daemon.watching();
});
afterAll(() => daemon.stop());

const tunnels = (...words: readonly string[]): ReturnType<typeof run> =>
  run(programArgv('cli/main', 'tunnels', ...words, '--api', lab().plan.files.api));

/** How many datagrams of these bytes reach the uplink. */
async function crossing(bytes: Bytes, to = PEER, port = PORT): Promise<number> {
  const hex = Buffer.from(bytes).toString('hex');
  const seen = await seenByUplink(
    lab(),
    `udp and src host ${LAN.laptop4} and dst host ${to} and dst port ${port}`,
    () => lab().network.laptop.must([process.execPath, '-e', SEND, to, port, LAN.laptop4, hex]),
  );
  return seen.length;
}

const bytesOf = (name: string): Bytes => MESH_FORMS[name]?.bytes ?? [];
const ROWS = [
  {
    ...{ mesh: 'tailscale', more: [], seen: 'disco of Tailscale' },
    own: ['disco of Tailscale', "Tailscale's data", "Tailscale's question for its own address"],
    others: ['almost disco', 'a question for an own address', 'what is answered', 'a message of Nebula, 1 0'],
  },
  {
    ...{ mesh: 'nebula', more: [], seen: '' },
    own: ['a message of Nebula, 0 0', 'a message of Nebula, 1 0', 'what keeps a way open for Nebula'],
    others: ['a message of a later Nebula', 'one octet of something else', 'disco of Tailscale'],
  },
  {
    ...{ mesh: 'zerotier', more: ['--zerotier', 'a1b2c3d4e5'], seen: '' },
    own: ['a packet of ZeroTier from this node', 'a piece for a peer'],
    others: ['a packet of ZeroTier between others', 'a piece that came too far', "Tailscale's data"],
  },
] as const;

describe.each(ROWS)('$mesh', ({ mesh, more, own, others }) => {
  const add = (...yes: readonly string[]): ReturnType<typeof run> =>
    tunnels('add', mesh, mesh, 'udp:0.0.0.0/0:*', 'udp:[::/0]:*', ...more, ...yes);

  it('is closed, and not opened by a yes to anything else', async () => {
    for (const name of own) expect(await crossing(bytesOf(name))).toBe(0);
    for (const yes of [[], ['--yes'], ['--json']]) {
      const { code, stderr } = await add(...yes);
      expect(code).toBe(2);
      expect(stderr).toMatch(/peers may be anywhere/);
    }
    expect((await lab().guard.status()).tunnels.map(({ name }) => name)).toEqual(['lab']);
  });

  it('goes to anybody after its own yes, which is told, and nothing else does', async () => {
    expect((await add('--anywhere')).code).toBe(0);
    try {
      for (const name of own) {
        expect(await crossing(bytesOf(name))).toBe(1);
        expect(await crossing(bytesOf(name), '198.51.100.201', '9')).toBe(1);
      }
      for (const name of others) expect(await crossing(bytesOf(name))).toBe(0);
      for (const bytes of [dnsQuery('www.bank.example'), text('GET / HTTP/1.1\r\n\r\n'), fill(1200, 0xc3)])
        for (const port of ['53', '443', PORT]) expect(await crossing(bytes, NET.resolver4, port)).toBe(0);
      // What crosses without a mesh crosses with it.
      expect(await crossing(dnsQuery('ipv4only.arpa', { type: 28 }), NET.resolver4, '53')).toBe(1);
      const status = await lab().guard.status();
      const told = status.tunnels.find(({ name }) => name === mesh);
      expect(told).toMatchObject({
        protocol: mesh,
        limits: expect.stringMatching(/^Peers may be anywhere/) as string,
      });
      expect((await tunnels('list')).stdout).toContain('Peers may be anywhere');
      expect(status.incidents.filter(({ breach }) => breach)).toEqual([]);
      expect(status.ledger.unseen).toBe(0);
    } finally {
      await tunnels('remove', mesh);
    }
    expect(await crossing(bytesOf(own[0]))).toBe(0);
  });
});

it('a mesh that is seen is told, with what can be held of it', async () => {
  expect(await crossing(bytesOf('disco of Tailscale'))).toBe(0);
  const status = await lab().guard.waitFor(
    'Tailscale',
    ({ meshes = [] }) => meshes.some(({ mesh }) => mesh === 'tailscale'),
    5_000,
  );
  const seen = status.meshes?.find(({ mesh }) => mesh === 'tailscale');
  expect(seen).toMatchObject({ name: 'Tailscale', trusted: false });
  const { stdout } = await run(programArgv('cli/main', 'status', '--api', lab().plan.files.api));
  expect(stdout).toMatch(/Meshes[\s\S]*Tailscale[\s\S]*at any address/);
});
