// The owner's way through the pages about the box, against a real guard in the lab: a Chromium without script, as wide as a phone. Every
// wait is for something to be seen.
//
//   laptop eth0 --veth-- lan0 [br0, leakguardd, leakguard-web] wan0 --veth-- eth0 uplink   (appliance/lab/plan.ts)

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openPage } from '../../appliance/lab/page.ts';
import { NET, TUNNEL } from '../../appliance/lab/plan.ts';
import type { Status } from '../../src/api/status.ts';
import { ask } from '../netns/ask.ts';
import { labForTests } from '../netns/harness.ts';
import { CHROMIUM, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);
const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const CONF = `[Interface]\nPrivateKey = ${KEY}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 203.0.113.99:51820\nSecret ${KEY}\n`;
const SERVER = `udp:${NET.tunnelServer4}:51820`;
const MEND_MS = 60_000;

/** Every file of the lab as text: state, logs, sockets' neighbours. */
function everyFile(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
}

describe.skipIf(missing)(
  `the box in a browser${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`,
  () => {
    const lab = labForTests({ filling: 'guard', page: true });
    let browser: Browser;
    let server: Server;
    let tab: Page;
    let address: string;

    beforeAll(async () => {
      ({ address, server } = await openPage(lab(), 0));
      browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
      const context = await browser.newContext({
        ...{ javaScriptEnabled: false, viewport: { width: 375, height: 800 } },
      });
      tab = await context.newPage();
      const { files } = lab().plan;
      writeFileSync(files.policy, `${readFileSync(files.policy, 'utf8')}# a note of mine\n`);
    });
    afterAll(async () => {
      await browser.close();
      server.close();
    });

    const show = (path: string): Promise<unknown> => tab.goto(`${address}${path}`);
    const said = (): Promise<string | null> => tab.textContent('main');
    const policy = (): string => readFileSync(lab().plan.files.policy, 'utf8');

    it('chooses the password at the first visit', async () => {
      await show('/');
      await tab.fill('#password', 'four words in a row');
      await tab.fill('#again', 'four words in a row');
      await tab.click('form[action="/setup"] button');
      await tab.waitForSelector('.switch');
    });

    it('takes a tunnel from a file, shown first, and its key stays nowhere', async () => {
      await show('/tunnels');
      const file = { name: 'hotel.conf', mimeType: 'text/plain', buffer: Buffer.from(CONF) };
      await tab.setInputFiles('#config', file);
      await tab.click('form[action="/tunnels/import"] button');
      await tab.waitForSelector('text=udp:203.0.113.99:51820');
      expect(policy()).not.toContain('203.0.113.99');
      expect(await tab.inputValue('#name')).toBe('hotel');
      expect(await tab.content()).not.toContain(KEY.slice(0, 8));
      await tab.click('form[action="/tunnels"] button');
      await tab.waitForSelector('.trusted:has-text("hotel")');
      expect(policy()).toContain('udp:203.0.113.99:51820');
      expect(policy()).toContain('# a note of mine');
      const answers = ['/v1/status', '/v1/policy', '/v1/settings', '/v1/health', '/v1/incidents'];
      const told = await Promise.all(answers.map((path) => ask(lab().plan.files.api, 'GET', path)));
      for (const text of [...everyFile(lab().plan.dir), JSON.stringify(told)])
        expect(text).not.toContain(KEY.slice(0, 8));
    });

    it('removes a tunnel that is in use after a warning, and learns it again from the wire', async () => {
      const { guard, network, plan } = lab();
      const isUp = (wanted: string) => (status: Status) =>
        status.tunnels.some(({ name, state }) => name === wanted && state === 'up');
      // Something to carry: nobody need wait for the next keepalive.
      const ping = ['ping', '-c', '3', '-i', '0.3', '-w', '15', TUNNEL.server4] as const;
      await network.laptop.run(ping);
      await guard.waitFor('the tunnel up', isUp('lab'), MEND_MS);
      await show('/tunnels/remove?name=lab');
      expect(await said()).toContain('This tunnel is in use now.');
      await tab.click('form[action="/tunnels/remove"] button');
      await tab.waitForSelector('.trusted:has-text("hotel")');
      expect((await guard.status()).tunnels.map(({ name }) => name)).toEqual(['hotel']);
      const { serverKey = '' } = await lab().state();
      const peer = ['wg', 'set', plan.wireguard.laptop, 'peer', serverKey] as const;
      await network.laptop.must([...peer, 'remove']);
      await network.laptop.must([
        ...([...peer, 'endpoint', `${NET.tunnelServer4}:51820`] as const),
        ...['allowed-ips', '0.0.0.0/0,::/0', 'persistent-keepalive', '5'],
      ]);
      await network.laptop.run(ping);
      const review = `a[aria-label="Review: ${SERVER}"]`;
      const proposed = (): Promise<number> => show('/tunnels').then(() => tab.locator(review).count());
      await expect.poll(proposed, { timeout: MEND_MS, interval: 200 }).toBe(1);
      expect(policy()).not.toContain(NET.tunnelServer4);
      await tab.click(review);
      for (const words of ['WireGuard', SERVER, '%']) expect(await said()).toContain(words);
      await tab.fill('#name', 'again');
      await tab.click('form[action="/tunnels/learn"] button');
      await tab.waitForSelector('.trusted:has-text("again")');
      await network.laptop.run(ping);
      await guard.waitFor('the learned tunnel up', isUp('again'), MEND_MS);
    });

    it('changes the profile with a fault, and mends it', async () => {
      await show('/settings');
      await tab.check('#rules-profile-split');
      await tab.click('#rules button.primary');
      await tab.waitForSelector('#rules-mustTunnel[aria-invalid]');
      expect(await tab.textContent('#rules-mustTunnel-fault')).toContain('lets everything out');
      expect(policy()).toContain('profile: full-tunnel');
      await tab.fill('#rules-mustTunnel', 'bank.example\n*.clinic.example');
      await tab.click('#rules button.primary');
      await tab.waitForSelector('#rules .saved');
      for (const words of ['profile: split', 'bank.example', '*.clinic.example', '# a note of mine'])
        expect(policy()).toContain(words);
      expect((await lab().guard.status()).profile).toBe('split');
      await tab.fill('#rules-mustTunnel', '');
      await tab.check('#rules-profile-full-tunnel');
      await tab.click('#rules button.primary');
      await tab.waitForSelector('#rules .saved');
    });

    it('takes the policy away as a file, and brings it back', async () => {
      await show('/settings');
      const [download] = await Promise.all([
        tab.waitForEvent('download'),
        tab.click('text=Download policy.yaml'),
      ]);
      const before = policy();
      expect(readFileSync(await download.path(), 'utf8')).toBe(before);
      const changed = before.replace('# a note of mine', '# another note');
      const upload = async (text: string): Promise<void> => {
        await tab.setInputFiles('#policy', {
          name: 'policy.yaml',
          mimeType: 'text/plain',
          buffer: Buffer.from(text),
        });
        await tab.click('form[action="/settings/restore"] button');
      };
      await upload('version: 1\nprofile: none\n');
      await tab.waitForSelector('#notice .notice:has-text("line 2")');
      expect(policy()).toBe(before);
      await upload(changed);
      await tab.waitForSelector('#backup .saved');
      expect(policy()).toBe(changed);
    });

    it('tries the LED out, and says so wherever the state is told', async () => {
      const { files } = lab().plan;
      const lamp = (): string => readFileSync(files.lamp, 'utf8').trim();
      // A change of the state ends a test of the LED: then it is started again.
      const isShown = async (): Promise<boolean> => {
        await show('/settings');
        await tab.click('#lamp button[value="alternating"]');
        await tab.waitForSelector('#lamp .warning');
        const shows = expect.poll(lamp, { timeout: 4_000, interval: 50 }).toBe('alternating');
        return shows.then(
          () => true,
          () => false,
        );
      };
      await expect.poll(isShown, { timeout: MEND_MS }).toBe(true);
      const { health, state } = await lab().guard.status();
      expect(health.warnings.join()).toContain('The LED is being tested (alternating)');
      expect(state).not.toBe('pass');
    });

    it('reads what Eve has, and takes it along', async () => {
      const { laptop } = lab().network;
      const question = [
        'dig',
        '+time=1',
        '+tries=1',
        '-b',
        '192.168.77.100',
        `@${NET.resolver4}`,
        'leak.example',
      ] as const;
      await laptop.run(question);
      await expect
        .poll(() => show('/dossier?period=hour').then(said), { timeout: MEND_MS, interval: 200 })
        .toContain('leak.example');
      expect(await said()).toMatch(/I have \S+ frames that went past the tunnel/);
      const [download] = await Promise.all([tab.waitForEvent('download'), tab.click('text="CSV"')]);
      expect(download.suggestedFilename()).toBe('leakguard-incidents.csv');
      expect(readFileSync(await download.path(), 'utf8')).toMatch(/^id,first,.*\r\n[^]*leak\.example/);
      await show('/clients');
      expect(await said()).toContain('02:00:00:00:77:0c');
    });

    it('sees how the box is', async () => {
      await show('/health');
      for (const words of [
        'Tap on lan0',
        'Tap on wan0',
        'read back and verified',
        'Free memory',
        'lan: to your device',
      ])
        expect(await said()).toContain(words);
      const row = await tab.textContent('tr:has-text("lan0")');
      expect(row).toContain('connected');
      expect(row).toContain('off, as they should be');
    });
  },
);
