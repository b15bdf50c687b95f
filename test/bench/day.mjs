// What a box makes of a day of ordinary traffic inside a tunnel: nothing. The traffic is real (a WireGuard client with curl, dig with the
// tunnel's resolver and with another, ping, a lease that is renewed, ARP, neighbour discovery), recorded on the laptop's link, and replayed
// from both ends as often as fills a day, as fast as the links take it.
// npm run bench -- day [hours, 24 unless told] (after npm run build, as root) prints one JSON object; exit 1 when anything was raised.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lab } from '../../dist/appliance/lab/lab.js';
import { LAN, NET, TUNNEL, planOf } from '../../dist/appliance/lab/plan.js';

const HOURS = Number(process.argv[2] ?? 24);
const REPLAY = fileURLToPath(new URL('replay.mjs', import.meta.url));
/** Life of the laptop, all of it through the tunnel but for its lease. @type {readonly (readonly [string, ...string[]])[]} */
const LIFE = [
  ['dig', '+tries=1', '+time=2', `@${TUNNEL.server4}`, 'www.example'],
  ['dig', '+tries=1', '+time=2', `@${TUNNEL.otherResolver4}`, 'news.example', 'AAAA'],
  ['dig', '+tries=1', '+time=2', `@${NET.resolver4}`, 'bank.example'],
  ['curl', '-sSk', '--max-time', '5', `https://${NET.web4}/`],
  ['curl', '-sSk', '--max-time', '5', `http://[${NET.web6}]/`],
  ['ping', '-c', '2', '-i', '0.5', TUNNEL.server4],
];
const ROUNDS = 6;

const directory = mkdtempSync(join(tmpdir(), 'leakguard-day-'));
const lab = await Lab.raise(planOf(`y${(process.pid % 36 ** 5).toString(36)}`), { filling: 'guard' });
try {
  const { laptop, uplink } = lab.network;
  const file = join(directory, 'day.pcap');
  await lab.guard.acknowledge();
  const eve = await laptop.start(['tcpdump', '-i', 'eth0', '-w', file, '-U']);
  await eve.line(/listening on/);
  const began = Date.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const argv of LIFE) await laptop.run(argv);
    if (round === 0) await lab.renewLease();
  }
  await eve.stop('SIGINT');
  const seconds = (Date.now() - began) / 1_000;
  const repeats = Math.ceil((HOURS * 3_600) / seconds);

  await lab.guard.acknowledge();
  const before = await lab.guard.status();
  const known = new Set(before.incidents.map(({ id }) => id));
  const replayed = performance.now();
  const ends = await Promise.all(
    [
      { space: laptop, mac: LAN.laptopMac },
      { space: uplink, mac: LAN.routerMac },
    ].map(({ space, mac }) => space.must([process.execPath, REPLAY, file, 'eth0', mac, String(repeats)])),
  );
  // Whatever both taps have still to say: a ping through the tunnel comes behind it, and the guard settles within a second.
  await laptop.run(['ping', '-c', '2', TUNNEL.server4]);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const after = await lab.guard.status();
  const raised = after.incidents.filter(({ id }) => !known.has(id));
  const grown = (/** @type {'attempted' | 'escaped' | 'blocked' | 'unseen'} */ what) =>
    after.ledger[what] - before.ledger[what];
  const tunnelFrames = (after.counters['tunnel'] ?? 0) - (before.counters['tunnel'] ?? 0);
  console.log(
    JSON.stringify({
      ...{ hours: HOURS, recordedSeconds: seconds, recordedBytes: statSync(file).size, repeats },
      ...{ sent: ends.map(({ stdout }) => JSON.parse(stdout)), tunnelFrames, state: after.state },
      seconds: Math.round((performance.now() - replayed) / 1_000),
      incidents: raised.length,
      ledger: { attempted: grown('attempted'), escaped: grown('escaped'), unseen: grown('unseen') },
      raised: raised.map(({ rule, kind, why }) => `${rule} ${kind} ${why}`),
    }),
  );
  process.exitCode = raised.length > 0 ? 1 : 0;
} finally {
  await lab.close();
  rmSync(directory, { recursive: true, force: true });
}
