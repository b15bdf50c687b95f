// Checks that the box proves its sight by forged leaks, that none of them ever leaves it, and that whatever of its sight is broken turns
// the light from green within seconds. What leaves is judged by tcpdump on the uplink.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TUNNEL } from '../../appliance/lab/plan.ts';
import { PROOF_MS } from '../../src/guard/canary/canary.ts';
import type { Status } from '../../src/api/status.ts';
import { labForTests, seenByUplink } from './harness.ts';

const SEND = fileURLToPath(new URL('./send-frame.mjs', import.meta.url));
const FLOOD = fileURLToPath(new URL('./flood-sender.mjs', import.meta.url));
/** So long it is looked at, milliseconds. */
const FLOOD_MS = 15_000;
const lab = labForTests({ filling: 'guard' });

/** TEST-NET-1, the documentation prefix, and the forms without an address: what is forged, and nothing else in the lab. */
const FORGED =
  'net 192.0.2.0/24 or ip6 net 2001:db8::/120 or ether[12:2] = 0x8100 or ether proto 0x8864 or ether proto 0x88b5';

const provenAt = ({ health }: Status): number => Date.parse(health.proof?.at ?? '');

async function provenAnew(times: number): Promise<Status> {
  let status = await lab().guard.status();
  for (let n = 0; n < times; n += 1) {
    const before = provenAt(status) || 0;
    status = await lab().guard.waitFor('another proof', (now) => provenAt(now) > before, 20_000);
  }
  return status;
}

const isGreen = ({ lamp }: Status): boolean => lamp === 'green' || lamp === 'green-blip';

/** By what the kernel says runs in the box. */
async function pidsOf(program: string): Promise<readonly number[]> {
  const { box } = lab().network;
  const pids = (await box.must(['ip', 'netns', 'pids', lab().plan.namespaces.box])).stdout.trim();
  // Some have ended since: ps tells of the others.
  const { stdout } = await box.must(['ps', '-o', 'pid=,args=', '-p', pids.split(/\s+/).join(',')]);
  return stdout
    .split('\n')
    .filter((line) => line.includes(program))
    .map((line) => parseInt(line, 10));
}

describe('forged leaks', () => {
  it.each([false, true])(
    'prove the sight again and again, and none leaves the box: block mode %s',
    async (block) => {
      await lab().guard.block(block);
      const { ledger, incidents } = await provenAnew(1);
      const seen = await seenByUplink(lab(), FORGED, async () => {
        await provenAnew(12);
      });
      const after = await lab().guard.status();
      expect(seen).toEqual([]);
      // Neither ledger nor history counts them, nor does what is shown of the kernel's counters.
      expect(after.ledger).toEqual(ledger);
      expect(after.incidents.map(({ id }) => id)).toEqual(incidents.map(({ id }) => id));
      expect(after.state).not.toBe('blind');
    },
  );

  it('of somebody else gain nothing: a guess of the sender without the seal is told as any leak', async () => {
    await lab().guard.acknowledge();
    const { box, laptop } = lab().network;
    const { stdout } = await box.must(['nft', 'list', 'set', 'bridge', 'leakguard', 'canary']);
    const [mac = ''] = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(stdout) ?? [];
    const seen = await seenByUplink(lab(), `ether src ${mac}`, async () => {
      const frame = ['ffffffffffff', mac.replaceAll(':', ''), '88b6', '00'.repeat(46)].join('');
      await laptop.must([process.execPath, SEND, 'eth0', frame]);
      await lab().guard.waitFor(
        'an incident of that sender',
        ({ incidents }) => incidents.some(({ client }) => client === mac),
        5_000,
      );
    });
    expect(seen).toEqual([]);
  });
});

describe('a light that cannot be proven is not green within seconds, when what breaks is', () => {
  const nft = (...args: readonly string[]): Promise<unknown> => lab().network.box.must(['nft', ...args]);
  const ip = (line: string): Promise<unknown> => lab().network.box.ip(line);
  const none = (): Promise<unknown> => Promise.resolve();
  const taps = async (signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
    const found = await pidsOf('tap/main.js');
    expect(found).toHaveLength(2);
    for (const pid of found) process.kill(pid, signal);
  };
  const breaks: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['the rules', () => nft('flush', 'chain', 'bridge', 'leakguard', 'leak'), none],
    ['the table', () => nft('delete', 'table', 'bridge', 'leakguard'), none],
    ['the way into lan', () => ip('link set lgcan0 down'), () => ip('link set lgcan0 up')],
    ['the way into wan', () => ip('link set lgcan2 down'), () => ip('link set lgcan2 up')],
    ['the lan port', () => ip('link set lan0 nomaster'), none],
    ['the wan port', () => ip('link set wan0 nomaster'), none],
    ['both taps, which hang', () => taps('SIGSTOP'), () => taps('SIGCONT')],
  ];
  it.each(breaks)('%s', async (_what, breakIt, mendIt) => {
    await lab().guard.block(true);
    await lab().network.laptop.must(['ping', '-c', '1', '-w', '20', TUNNEL.server4]);
    await lab().guard.acknowledge();
    await lab().guard.waitFor('a green light', isGreen, 30_000);
    const seen = await seenByUplink(lab(), FORGED, async () => {
      await breakIt();
      await lab().guard.waitFor(
        'a light that is not green, or is put back',
        (now) => {
          const told = now.health.warnings.some((text) => text.includes('restored'));
          return !isGreen(now) || told;
        },
        5_000,
      );
      await mendIt();
      await provenAnew(1);
    });
    expect(seen).toEqual([]);
    await lab().guard.acknowledge();
  });
});

it('no forged frame leaves when another hand has deleted the rules and nobody has noticed yet', async () => {
  const { box } = lab().network;
  const { stdout } = await box.must(['nft', 'list', 'set', 'bridge', 'leakguard', 'canary']);
  const [mac = ''] = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(stdout) ?? [];
  const [daemon = 0] = await pidsOf('daemon/main.js');
  expect(daemon).toBeGreaterThan(0);
  const { escaped } = (await lab().guard.status()).ledger;
  const others = '020000007799';
  const sent = ['8100', '88b5', '0800', '86dd', '8864'];
  process.kill(daemon, 'SIGSTOP');
  try {
    const seen = await seenByUplink(lab(), `ether src ${mac} or ether src 02:00:00:00:77:99`, async () => {
      await box.must(['nft', 'delete', 'table', 'bridge', 'leakguard']);
      for (const source of [mac.replaceAll(':', ''), others]) {
        const frames = sent.map((type) => `ffffffffffff${source}${type}${'00'.repeat(46)}`);
        await box.must([process.execPath, SEND, 'lgcan0', ...frames]);
      }
    });
    // Without rules all crosses: what does not is held by the last door alone.
    expect(seen.filter((line) => line.includes('02:00:00:00:77:99'))).toHaveLength(sent.length);
    expect(seen).toHaveLength(sent.length);
  } finally {
    process.kill(daemon, 'SIGCONT');
  }
  await lab().guard.waitFor(
    'rules that are put back',
    ({ health }) => health.warnings.some((text) => text.includes('restored')),
    10_000,
  );
  // Told by a tap that had to wait for the daemon, too: what comes next begins with everything acknowledged.
  await lab().guard.waitFor('what crossed', ({ ledger }) => ledger.escaped >= escaped + sent.length, 10_000);
});

it('no light is green without a young proof under a flood that the taps cannot read', async () => {
  const { laptop } = lab().network;
  await lab().guard.block(true);
  const traffic = await laptop.start(['ping', '-i', '0.2', TUNNEL.server4]);
  await lab().guard.acknowledge();
  await lab().guard.waitFor('a green light', isGreen, 30_000);
  const flood = await laptop.start([process.execPath, FLOOD, 'eth0', 'arp', '1e9', '1e9']);
  const late: string[] = [];
  try {
    for (const end = Date.now() + FLOOD_MS; Date.now() < end;) {
      // Before it is asked: however long the answer takes, its state is of a later moment.
      const asked = Date.now();
      const status = await lab().guard.status();
      if (!isGreen(status)) continue;
      const age = asked - provenAt(status);
      if (!(age <= PROOF_MS)) late.push(`${status.state} ${status.lamp}, proven ${String(age)} ms ago`);
    }
  } finally {
    await flood.stop();
    await traffic.stop();
  }
  expect(late).toEqual([]);
  await lab().guard.waitFor('a green light', isGreen, 60_000);
}, 150_000);
