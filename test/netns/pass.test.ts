// What a pass opens, and that the kernel closes it with every process dead. Holds `leakguard pass` to real programs on the laptop.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAN, NET } from '../../appliance/lab/plan.ts';
import { ask } from './ask.ts';
import { labForTests, seenByUplink } from './harness.ts';
import { KeptDaemon } from './kept-daemon.ts';
import { incidentsOf } from './rule-watch.ts';

const STEADY_LEAK = fileURLToPath(new URL('./steady-leak.mjs', import.meta.url));
const PORTALS = fileURLToPath(new URL('./portal-server.mjs', import.meta.url));
const lab = labForTests({ filling: 'nothing' });
let daemon: KeptDaemon;

beforeAll(async () => {
  daemon = new KeptDaemon(lab());
  await daemon.start();
  await lab().connectLaptop();
  await lab().guard.block(true);
});
afterAll(() => daemon.stop());

/** Past the tunnel, as a browser at a captive portal would. */
async function fetches(): Promise<boolean> {
  const words = ['curl', '-s', '-m', '1', '-o', '/dev/null', '--interface', 'eth0', `http://${NET.web4}/`];
  return (await lab().network.laptop.run(['curl', ...words.slice(1)])).code === 0;
}

/** The status of a page past the tunnel; 0 when it does not come. */
async function pageAt(host: string, port: number): Promise<number> {
  const words = ['-s', '-m', '1', '-o', '/dev/null', '-w', '%{http_code}', '--interface', 'eth0'];
  const { stdout } = await lab().network.laptop.run(['curl', ...words, `http://${host}:${String(port)}/`]);
  return Number(stdout);
}

async function resolves(server: string): Promise<boolean> {
  const words = ['+tries=1', '+time=1', '-b', LAN.laptop4, `@${server}`, 'portal.example'];
  return (await lab().network.laptop.run(['dig', ...words])).code === 0;
}

async function pings(): Promise<boolean> {
  return (await lab().network.laptop.run(['ping', '-c', '1', '-W', '1', '-I', 'eth0', NET.web4])).code === 0;
}

describe('a pass', () => {
  it('opens the web and the network’s own resolver to its client, and nothing else; its end closes them', async () => {
    expect([await fetches(), await resolves(LAN.router4)]).toEqual([false, false]);
    const { status } = await ask(lab().plan.files.api, 'POST', '/v1/pass', {
      seconds: 60,
      client: LAN.laptopMac,
    });
    expect(status).toBe(200);
    expect(await lab().guard.status()).toMatchObject({ state: 'pass', lamp: 'alternating' });
    expect([await fetches(), await resolves(LAN.router4)]).toEqual([true, true]);
    expect([await resolves(NET.resolver4), await pings()]).toEqual([false, false]);
    const { ledger, incidents } = await lab().guard.waitFor(
      'what crossed',
      (seen) => seen.incidents.some(({ exposure, escaped }) => exposure === 'portal.example' && escaped > 0),
      3_000,
    );
    expect(ledger.escaped).toBeGreaterThan(0);
    expect(incidents.filter(({ breach }) => breach)).toEqual([]);
    expect((await ask(lab().plan.files.api, 'DELETE', '/v1/pass')).status).toBe(200);
    expect([await fetches(), await resolves(LAN.router4)]).toEqual([false, false]);
  });

  it('opens login pages where networks have them, the local network, and where a redirect leads', async () => {
    const [redirecting, target, elsewhere] = [8080, 9443, 4443];
    const ports = [redirecting, target, elsewhere, 8880, 1000, 2050, 8443, 8002];
    const portals = await lab().network.uplink.start([process.execPath, ...[PORTALS, ...ports.map(String)]]);
    await portals.line(/ready/);
    try {
      expect(await pageAt(LAN.router4, 8880)).toBe(0);
      await ask(lab().plan.files.api, 'POST', '/v1/pass', { seconds: 60, client: LAN.laptopMac });
      for (const port of [8880, 1000, 2050, 8443, 8002]) expect(await pageAt(NET.web4, port)).toBe(200);
      expect(await pageAt(LAN.router4, elsewhere)).toBe(200);
      const beyond = await seenByUplink(
        lab(),
        `dst host ${NET.web4} and tcp dst port ${String(elsewhere)}`,
        () => pageAt(NET.web4, elsewhere),
      );
      expect(beyond).toEqual([]);
      await lab().guard.waitFor(
        'what was stopped',
        ({ passStopped = [] }) => passStopped.some((one) => one.includes(`${NET.web4}:${String(elsewhere)}`)),
        3_000,
      );
      expect(await pageAt(NET.web4, target)).toBe(0);
      expect(await pageAt(NET.web4, redirecting)).toBe(302);
      await expect.poll(() => pageAt(NET.web4, target), { timeout: 10_000 }).toBe(200);
      expect(await pageAt(NET.web4, elsewhere)).toBe(0);
      expect((await ask(lab().plan.files.api, 'DELETE', '/v1/pass')).status).toBe(200);
      expect([await pageAt(NET.web4, target), await pageAt(LAN.router4, elsewhere)]).toEqual([0, 0]);
    } finally {
      await ask(lab().plan.files.api, 'DELETE', '/v1/pass');
      await portals.stop();
    }
  });

  it('is no breach in its last moment, whether its time is over or it is ended', async () => {
    const words = [LAN.laptop4, LAN.router4, 'pass', '100000', '10'];
    const asking = await lab().network.laptop.start([process.execPath, STEADY_LEAK, ...words]);
    const more = async (what: 'escaped' | 'blocked'): Promise<void> => {
      const before = (await lab().guard.status()).ledger[what];
      await lab().guard.waitFor(`more ${what}`, ({ ledger }) => ledger[what] > before + 20, 10_000);
    };
    const open = async (seconds: number): Promise<void> => {
      await ask(lab().plan.files.api, 'POST', '/v1/pass', { seconds, client: LAN.laptopMac });
      await more('escaped');
    };
    try {
      for (let times = 0; times < 3; times += 1) {
        await open(3);
        await lab().guard.waitFor('the end of its time', ({ state }) => state !== 'pass', 10_000);
        await more('blocked');
        await open(60);
        await ask(lab().plan.files.api, 'DELETE', '/v1/pass');
      }
      await more('blocked');
      const breaches = (await incidentsOf(lab())).filter(({ breach }) => breach);
      expect(breaches.map(({ why, escaped }) => `${why}: ${String(escaped)}`)).toEqual([]);
    } finally {
      await asking.stop();
    }
  });

  it('opens nothing to another client', async () => {
    await ask(lab().plan.files.api, 'POST', '/v1/pass', { seconds: 60, client: '02:00:00:00:00:99' });
    expect([await fetches(), await resolves(LAN.router4)]).toEqual([false, false]);
    await ask(lab().plan.files.api, 'DELETE', '/v1/pass');
  });

  it('is closed by the kernel after 10 s ± 1 s with every process of the box killed', async () => {
    const began = performance.now();
    await ask(lab().plan.files.api, 'POST', '/v1/pass', { seconds: 10 });
    expect(await fetches()).toBe(true);
    await daemon.killForGood();
    let last = 0;
    const frames = await seenByUplink(lab(), `tcp dst port 80 and dst host ${NET.web4}`, async () => {
      // One attempt after another: the first that fails is the first after the kernel has closed.
      while (await fetches()) last = performance.now();
    });
    const closed = (last - began) / 1000;
    expect(frames.length).toBeGreaterThan(0);
    expect(
      Math.abs(closed - 10),
      `the last fetch went through after ${closed.toFixed(2)} s`,
    ).toBeLessThanOrEqual(1);
  });
});
