// What a person sees and does from the laptop, in a real Chromium, with the real guard on a real wire: from the first visit on,
// on a desk with script, and on a phone without. Every wait is for something to be seen.
//
//   Chromium -- 127.0.0.1 -- laptop eth0 --veth-- lan0 [br0, leakguardd, leakguard-web] wan0 --veth-- eth0 uplink

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Lab } from '../../appliance/lab/lab.ts';
import { openPage } from '../../appliance/lab/page.ts';
import { LAN, NET, planOf, TUNNEL } from '../../appliance/lab/plan.ts';
import { run } from '../../appliance/lab/processes/process.ts';
import { uniqueLabId } from '../netns/harness.ts';
import { PASSWORD } from '../web/listening-page.ts';
import { CHROMIUM, QUIET } from './samples.ts';

const missing =
  process.getuid?.() !== 0 ? 'needs root' : existsSync(CHROMIUM) ? '' : `there is no ${CHROMIUM}`;

/** Long for a loaded machine; what is right is seen at once. */
const SHOWN_MS = 30_000;
/** Nothing red. What the laptop says to its link as it joins, at any time, is minor. */
const CALM = '#light[data-state="clear"], #light[data-state="minor"]';

let lab: Lab;
let server: Server;
let address: string;
let browser: Browser;
let folder: string;

/** Past the tunnel, readable by anyone on the wire. True when an answer came. */
async function dig(name: string, resolver: string = NET.resolver4): Promise<boolean> {
  const argv = ['dig', '+tries=1', '+time=1', '-b', LAN.laptop4, `@${resolver}`, name] as const;
  return (await lab.network.laptop.run(argv)).code === 0;
}

async function openTab(options: BrowserContextOptions): Promise<Page> {
  const tab = await (await browser.newContext(options)).newPage();
  await tab.goto(address);
  return tab;
}

const light = (tab: Page, state: string) => tab.waitForSelector(`#light[data-state="${state}"]`);

/** A page that is just being loaded anew shows nothing. */
const isThere = (tab: Page, selector: string): Promise<boolean> =>
  tab
    .locator(selector)
    .count()
    .then(
      (count) => count > 0,
      () => false,
    );

/** A page without script is asked anew until it shows it: its own refresh may come at any time. */
async function reloaded(tab: Page, selector: string): Promise<void> {
  for (const end = Date.now() + SHOWN_MS; !(await isThere(tab, selector));) {
    if (Date.now() > end) throw new Error(`no ${selector}: ${(await tab.textContent('main')) ?? ''}`);
    // The page's own refresh may be under way: then that is the reload.
    await tab.goto(address).catch(() => undefined);
  }
}

/** The evidence of the incident page that is open, as tshark reads it: names asked for. */
async function evidenceNames(tab: Page): Promise<string[]> {
  const [download] = await Promise.all([tab.waitForEvent('download'), tab.click('a[href$="/evidence"]')]);
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  const { code, stdout } = await run(['tshark', '-r', file, '-T', 'fields', '-e', 'dns.qry.name']);
  expect([code, file.endsWith('.pcapng')]).toEqual([0, true]);
  return stdout.trim().split('\n');
}

describe.skipIf(missing !== '')(
  `the page in the lab${missing === '' ? '' : ` (skipped: ${missing})`}`,
  () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'leakguard-evidence-'));
      lab = await Lab.raise(planOf(uniqueLabId()), { filling: 'guard', page: true });
      ({ address, server } = await openPage(lab, 0));
      browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    });

    afterAll(async () => {
      await browser.close();
      server.close();
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('a first visit sets the password, and a later one asks for it', async () => {
      const first = await openTab({});
      await first.waitForSelector('form[action="/setup"]');
      await first.fill('#password', PASSWORD);
      await first.fill('#again', PASSWORD);
      await first.keyboard.press('Enter');
      await first.waitForSelector('#incidents');
      await first.context().close();
      const later = await openTab({});
      expect(await later.locator('form[action="/setup"]').count()).toBe(0);
      await later.fill('#password', 'not this one');
      await later.keyboard.press('Enter');
      await later.waitForSelector('#notice .notice');
      await later.context().close();
    });

    it('on a desk: a leak turns the light red by itself, block mode stops the next, a pass opens and runs out', async () => {
      const tab = await openTab({ viewport: { width: 1200, height: 900 } });
      await tab.fill('#password', PASSWORD);
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('#incidents');
      await lab.network.laptop.must(['ping', '-c', '1', '-w', '10', TUNNEL.server4]);
      await tab.waitForSelector('body[data-link="live"]');
      await tab.waitForSelector(CALM);
      await tab.evaluate(() => Object.assign(globalThis, { same: true }));

      const began = performance.now();
      const [answered] = await Promise.all([dig('desk.example'), light(tab, 'leaking')]);
      process.stdout.write(`lab page: dig to red light ${Math.round(performance.now() - began)} ms\n`);
      expect(answered).toBe(true);
      await tab.locator('.exposure', { hasText: 'desk.example' }).first().waitFor();
      await tab.locator('#timeline > .note', { hasText: 'got out' }).waitFor();

      await tab.click('#incidents button[name="id"]');
      await tab.waitForSelector(CALM);
      await tab.click('.switch');
      await tab.waitForSelector('.switch[aria-checked="true"]');
      const [stopped] = await Promise.all([dig('blocked.example'), light(tab, 'blocked')]);
      expect(stopped).toBe(false);
      await tab
        .locator('[data-outcome="blocked"] .exposure', { hasText: 'blocked.example' })
        .first()
        .waitFor();

      // The shortest pass on offer lasts a minute: the box takes any length, and nobody waits that long here.
      await tab.evaluate(`document.querySelector('select[name="seconds"] option').value = '4'`);
      await tab.selectOption('select[name="seconds"]', '4');
      await tab.click('#pass-row button');
      await tab.waitForSelector('#pass[data-pass="open"]');
      expect(await dig('portal.example', LAN.router4)).toBe(true);
      await tab.locator('#pass-left', { hasText: /^0:0\d left$/ }).waitFor();
      await tab.waitForSelector('#pass[data-pass="closed"]');
      expect(await dig('portal.example', LAN.router4)).toBe(false);
      expect(await tab.evaluate(() => 'same' in globalThis)).toBe(true);
      await tab.context().close();
    });

    it('the incident is told to the last byte, and tshark reads its evidence', async () => {
      const tab = await openTab({});
      await tab.fill('#password', PASSWORD);
      await tab.keyboard.press('Enter');
      await tab.click('nav a[href="/incidents"]');
      await tab.fill('#text', 'desk.example');
      await tab.keyboard.press('Enter');
      await tab.waitForURL(/text=desk/);
      await tab.click('.exposure a');
      await tab.locator('.readings bdi', { hasText: 'desk.example' }).first().waitFor({ state: 'attached' });
      expect(await tab.textContent('.hex')).toMatch(/^0000 {2}(?:[0-9a-f]{2} ){8} /);
      expect(await evidenceNames(tab)).toContain('desk.example');
      await tab.context().close();
    });

    it('on a phone without script: the same by forms, and nothing runs over the edge', async () => {
      const tab = await openTab({ viewport: { width: 375, height: 700 }, javaScriptEnabled: false });
      await tab.fill('#password', PASSWORD);
      await tab.click('form[action="/login"] button');
      await reloaded(tab, '.switch[aria-checked="true"]');
      await tab.click('.switch');
      await reloaded(tab, '.switch[aria-checked="false"]');
      await tab.locator('#incidents button[name="id"]').first().click();
      await reloaded(tab, CALM);
      expect(await dig('phone.example')).toBe(true);
      await reloaded(tab, '#light[data-state="leaking"]');
      await tab.locator('#incidents li', { hasText: 'phone.example' }).locator('button').click();
      await reloaded(tab, CALM);
      await tab.click('.switch');
      await reloaded(tab, '.switch[aria-checked="true"]');
      expect(await dig('phone-blocked.example')).toBe(false);
      await reloaded(tab, '#light[data-state="blocked"]');
      expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
      await tab.click('#incidents .note a[href="/incidents"]');
      await tab.locator('.exposure a', { hasText: 'phone.example' }).click();
      expect(await evidenceNames(tab)).toContain('phone.example');
      expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
      await tab.context().close();
    });
  },
);
