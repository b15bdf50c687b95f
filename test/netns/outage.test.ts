// What the box tells of an outage of the tunnel, against tcpdump's own times; and that a handshake it sees becomes a tunnel after a yes.
// The server's interface goes down and up, which ends every session it had.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd] wan0 --veth-- eth0 uplink     (names and addresses: appliance/lab/plan.ts)

import { expect, it } from 'vitest';

import { labPolicy } from '../../appliance/lab/machines/box.ts';
import { NET, TUNNEL } from '../../appliance/lab/plan.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { programArgv } from '../../appliance/lab/processes/program.ts';
import type { GapView } from '../../src/api/past.ts';
import type { Proposal } from '../../src/api/box.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';
import { dig } from './rule-watch.ts';

const lab = labForTests({ filling: 'guard' });

/** What a machine at full load may add between the wire and whoever reads it, milliseconds. */
const SLACK_MS = 1_000;
const ENDPOINT = `udp:${NET.tunnelServer4}:${String(NET.tunnelPort)}`;

const server = async (state: 'up' | 'down'): Promise<void> => {
  const { plan, network } = lab();
  await network.uplink.sysctl(`net/ipv6/conf/${plan.wireguard.uplink}/keep_addr_on_down`, '1');
  await network.uplink.ip(`link set ${plan.wireguard.uplink} ${state}`);
};
/** The laptop's tunnel is begun anew, as by its user. */
async function reconnect(): Promise<void> {
  const { plan, network } = lab();
  const { serverKey = '' } = await lab().state();
  const peer = ['wg', 'set', plan.wireguard.laptop, 'peer', serverKey] as const;
  await network.laptop.must([...peer, 'remove']);
  const endpoint = `${NET.tunnelServer4}:${String(NET.tunnelPort)}`;
  await network.laptop.must([
    ...peer,
    ...['endpoint', endpoint, 'persistent-keepalive', '5', 'allowed-ips', '0.0.0.0/0,::/0'],
  ]);
  await network.laptop.must(['ping', '-c', '1', '-w', '20', TUNNEL.server4]);
}
const gaps = async (): Promise<readonly GapView[]> =>
  ((await ask(lab().plan.files.api, 'GET', '/v1/gaps')).body as { gaps: GapView[] }).gaps;

it('an outage: last frame, first escape and first handshake to the millisecond, kept over a kill and told in the report', async () => {
  const { laptop, uplink } = lab().network;
  const eve = await uplink.start(
    [
      ...(['tcpdump', '-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode'] as const),
      `(udp port ${String(NET.tunnelPort)} and src host ${NET.tunnelServer4}) or (udp port 53 and dst host ${NET.resolver4})`,
    ],
    { remember: 100_000 },
  );
  await eve.line(/listening on/);
  await laptop.must(['ping', '-c', '20', '-i', '0.1', TUNNEL.server4]);
  await server('down');
  // Nothing is answered for longer than a tunnel in use is ever silent.
  await laptop.run(['ping', '-c', '40', '-i', '0.1', '-W', '1', TUNNEL.server4]);
  await laptop.run(dig(NET.resolver4, 'gap.example'));
  await server('up');
  await reconnect();
  await expect.poll(async () => (await gaps())[0]?.handshake, { timeout: 20_000 }).toBeDefined();
  await eve.stop('SIGINT');

  const [gap] = await gaps();
  const seen = eve.lines.flatMap((line) => {
    const [, seconds, length] = /^(\d+\.\d+) .*(?:length|A\? gap\.example\. \()\s?(\d+)/.exec(line) ?? [];
    return seconds === undefined ? [] : [{ at: Number(seconds) * 1_000, line, length: Number(length) }];
  });
  const escape = seen.find(({ line }) => line.includes('gap.example'))?.at ?? NaN;
  const lastFrame = seen.filter(({ at, line }) => at < escape && line.includes('UDP')).at(-1)?.at ?? NaN;
  const handshake = seen.find(({ at, length }) => at > escape && length === 92)?.at ?? NaN;
  process.stdout.write(
    `outage, box against tcpdump: first escape ${String((gap?.firstEscape ?? NaN) - escape)} ms, ` +
      `handshake ${String((gap?.handshake ?? NaN) - handshake)} ms, last frame within ` +
      `${String((gap?.lastFrame.until ?? NaN) - (gap?.lastFrame.after ?? NaN))} ms\n`,
  );
  expect(Math.abs((gap?.firstEscape ?? NaN) - escape)).toBeLessThan(SLACK_MS);
  expect(Math.abs((gap?.handshake ?? NaN) - handshake)).toBeLessThan(SLACK_MS);
  expect(lastFrame).toBeGreaterThan((gap?.lastFrame.after ?? NaN) - SLACK_MS);
  expect(lastFrame).toBeLessThan((gap?.lastFrame.until ?? NaN) + SLACK_MS);
  expect(gap?.escapes).toMatchObject([{ rule: 'A', exposure: 'gap.example' }]);

  await lab().killDaemon();
  await lab().guard.waitFor(
    'a guard that sees',
    ({ state }) => !['starting', 'blind'].includes(state),
    30_000,
  );
  const kept = (await gaps()).find(({ handshake: at }) => at === gap?.handshake);
  expect(kept?.text).toContain('handshake answered at');
  const report = await run(programArgv('cli/main', 'report', '--api', lab().plan.files.api));
  expect(report.stdout).toContain('When the tunnel was silent');
  expect(report.stdout).toContain('gap.example (rule A)');
});

it('learn: a handshake is proposed, and is a tunnel after a yes and not before', async () => {
  const { files } = lab().plan;
  const bare = labPolicy(lab().plan).replace(/tunnels:\n(?: .*\n)+/, 'tunnels: []\n');
  expect((await ask(files.api, 'PUT', '/v1/policy', { text: bare })).status).toBe(200);
  await lab().guard.waitFor('setup', ({ state }) => state !== 'blind' && state !== 'starting', 30_000);
  await server('down');
  await server('up');
  await reconnect();
  const proposals = async (): Promise<readonly Proposal[]> =>
    ((await ask(files.api, 'POST', '/v1/tunnels/learn', {})).body as { proposals: Proposal[] }).proposals;
  await expect
    .poll(async () => (await proposals()).map(({ endpoint }) => endpoint), { timeout: 20_000 })
    .toContain(ENDPOINT);
  expect((await lab().guard.status()).tunnels).toEqual([]);
  const learn = (...words: readonly string[]): ReturnType<typeof run> =>
    run(programArgv('cli/main', 'tunnels', 'learn', ...words, '--api', files.api));
  const asked = await learn(ENDPOINT);
  expect((await lab().guard.status()).tunnels).toEqual([]);
  expect(asked.stdout).toContain(ENDPOINT);
  expect((await learn(ENDPOINT, '--yes')).code).toBe(0);
  expect((await lab().guard.status()).tunnels).toMatchObject([{ protocol: 'wireguard', endpoint: ENDPOINT }]);
  await lab().network.laptop.must(['ping', '-c', '3', '-i', '0.5', '-w', '10', TUNNEL.server4]);
  await lab().guard.waitFor('the learned tunnel up', ({ tunnels }) => tunnels[0]?.state === 'up', 20_000);
});
