// What a person sees and does on the page, in a real headless Chromium. GuardPeer plays the guard. Every wait is for something to be seen.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Status } from '../../src/api/status.ts';
import { aStatus, anIncident, GuardPeer } from '../guard-peer.ts';
import { owner, PASSWORD, showPage } from '../web/listening-page.ts';
import type { Browser as Owner, PageUnderTest } from '../web/listening-page.ts';
import { CHROMIUM, leaking, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);

let browser: Browser;
let peer: GuardPeer;
let page: PageUnderTest;
let own: Owner;
let complaints: string[];

/** A tab of the owner's browser, or of a visitor's. */
async function newTab(
  options: BrowserContextOptions = {},
  who: 'owner' | 'visitor' = 'owner',
): Promise<Page> {
  const context = await browser.newContext(options);
  if (who === 'owner') await context.addCookies(own.cookies(page.url));
  const tab = await context.newPage();
  tab.on('pageerror', (error) => complaints.push(error.message));
  tab.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
  tab.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  return tab;
}

async function openTab(
  options: BrowserContextOptions = {},
  who: 'owner' | 'visitor' = 'owner',
): Promise<Page> {
  const tab = await newTab(options, who);
  await tab.goto(page.url);
  return tab;
}

const light = (tab: Page, state: string) => tab.waitForSelector(`#light[data-state="${state}"]`);
/** Without script the light stands in a frame. */
const framed = (tab: Page, selector: string) => tab.frameLocator('.light-frame').locator(selector).waitFor();
const framedLight = (tab: Page, state: string) => framed(tab, `#light[data-state="${state}"]`);
const live = (tab: Page) => tab.waitForSelector('body[data-link="live"]');

describe.skipIf(missing)(
  `the page in a browser${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`,
  () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    });

    afterAll(() => browser.close());

    beforeEach(async () => {
      complaints = [];
      peer = await GuardPeer.start();
      page = await showPage({ socketPath: peer.socketPath });
      own = await owner(page.port);
    });

    afterEach(async () => {
      for (const context of browser.contexts()) await context.close();
      await page.stop();
      await peer.stop();
      expect(complaints).toEqual([]);
    });

    it('turns red without a reload, in the tab too, and keeps opened details open', async () => {
      const tab = await openTab();
      await live(tab);
      expect(await tab.title()).toBe('Clear · Leakguard');
      await tab.evaluate(() => Object.assign(globalThis, { same: true }));
      peer.say(leaking);
      await light(tab, 'leaking');
      expect(await tab.title()).toBe('Leaking · Leakguard');
      expect(await tab.getAttribute('#tab-icon', 'href')).toBe('/light/leaking.svg');
      await tab.click('#incident-i1 summary');
      peer.say({
        ...leaking,
        incidents: [anIncident({ id: 'i2', exposure: 'b.example' }), anIncident({ escaped: 2 })],
      });
      await tab.waitForSelector('#incident-i2');
      expect(await tab.getAttribute('#incident-i1 details', 'open')).not.toBeNull();
      expect(await tab.getAttribute('#incident-i2 details', 'open')).toBeNull();
      expect(await tab.evaluate(() => 'same' in globalThis)).toBe(true);
    });

    it('turns block mode on and acknowledges, by keyboard, without a reload', async () => {
      peer.status = leaking;
      const tab = await openTab();
      await live(tab);
      await tab.evaluate(() => Object.assign(globalThis, { same: true }));
      await tab.focus('.switch');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('.switch[aria-checked="true"]');
      expect(await tab.evaluate<string>('document.activeElement.className')).toBe('switch');
      await tab.click('#incident-i1 button');
      await tab.waitForSelector('#incident-i1[data-acknowledged]');
      expect(peer.asked.map(({ path, body }) => [path, body])).toEqual([
        ['/v1/block', { on: true }],
        ['/v1/ack', { id: 'i1' }],
      ]);
      expect(await tab.evaluate(() => 'same' in globalThis)).toBe(true);
    });

    it('lets a visitor see the light turn, log in, and out everywhere', async () => {
      const tab = await openTab({}, 'visitor');
      await live(tab);
      peer.say(leaking);
      await light(tab, 'leaking');
      expect(await tab.textContent('body')).not.toContain('leak.example');
      await tab.fill('#password', 'not this one');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('#notice .notice');
      await tab.fill('#password', PASSWORD);
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('#incident-i1');
      const elsewhere = await openTab();
      await live(elsewhere);
      await tab.click('nav a[href="/settings"]');
      await tab.click('button[name="everywhere"]');
      for (const one of [tab, elsewhere]) await one.waitForSelector('form[action="/login"]');
    });

    it('opens a pass, counts it down by the clock of the box, and ends it', async () => {
      peer.status = aStatus({ blockMode: true });
      const tab = await openTab();
      await live(tab);
      await tab.selectOption('select[name="seconds"]', '900');
      await tab.click('#pass button');
      const left = tab.locator('#pass-left', { hasText: /^1[45]:\d\d left$/ });
      await left.waitFor();
      const first = await left.textContent();
      await tab.locator('#pass-left', { hasNotText: first ?? '' }).waitFor();
      await tab.click('#pass-end');
      await tab.waitForSelector('#pass[data-pass="closed"]');
      expect(peer.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
        'POST /v1/pass',
        'DELETE /v1/pass',
      ]);
    });

    it('says what the guard refused', async () => {
      const tab = await openTab();
      await live(tab);
      const error = { code: 'no', message: 'The kernel refused.', faults: [] };
      peer.refusal = { status: 500, body: { error } };
      await tab.click('.switch');
      await tab.waitForSelector('#notice .notice');
      expect(await tab.textContent('#notice')).toContain('The kernel refused.');
    });

    it('does all of it without script', async () => {
      peer.status = leaking;
      const tab = await openTab({ javaScriptEnabled: false });
      await framedLight(tab, 'leaking');
      await tab.click('.switch');
      await tab.waitForSelector('.switch[aria-checked="true"]');
      await tab.click('#incident-i1 button');
      await tab.waitForSelector('#incident-i1[data-acknowledged]');
      expect(new URL(tab.url()).pathname).toBe('/');
      expect(await tab.textContent('#link')).toMatch(/^As of .*: reload to update the rest$/);
      for (const width of [320, 375]) {
        await tab.setViewportSize({ width, height: 700 });
        expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
    });

    it('keeps the light current without script, and disturbs nothing that somebody is choosing', async () => {
      for (const who of ['owner', 'visitor'] as const) {
        peer.status = aStatus({ blockMode: true });
        const tab = await openTab({ javaScriptEnabled: false }, who);
        await framedLight(tab, 'clear');
        expect(await tab.isVisible('#light')).toBe(false);
        // What the tab says could not be kept true.
        expect(await tab.title()).toBe('Status · Leakguard');
        const loads: string[] = [];
        tab.on('request', (request) => {
          if (request.isNavigationRequest()) loads.push(new URL(request.url()).pathname);
        });
        if (who === 'owner') await tab.selectOption('select[name="seconds"]', '900');
        peer.status = leaking;
        await framedLight(tab, 'leaking');
        peer.status = aStatus({ blockMode: true });
        await framedLight(tab, 'clear');
        if (who === 'owner') expect(await tab.inputValue('select[name="seconds"]')).toBe('900');
        expect(new Set(loads)).toEqual(new Set(['/light/now']));
        await tab.context().close();
      }
    });

    it('covers the light without script when nobody answers, and shows it again', async () => {
      const tab = await openTab({ javaScriptEnabled: false });
      await framedLight(tab, 'clear');
      // A request that nobody answers is what a pulled cable looks like.
      let answers = false;
      const held: Route[] = [];
      await tab.route('**/light/now', (route) => (answers ? route.continue() : void held.push(route)));
      await framed(tab, '.old');
      answers = true;
      for (const route of held) await route.continue();
      await tab.frameLocator('.light-frame').locator('.old').waitFor({ state: 'hidden' });
      await framedLight(tab, 'clear');
    });

    const healthSays = (tab: Page, text: string | RegExp) =>
      tab.locator('#health time', { hasText: text }).waitFor();

    it('says how long ago it was proven that a leak is caught, also when nothing is heard any more', async () => {
      const proven = (secondsAgo: number): Status => {
        const at = new Date(Date.now() - secondsAgo * 1000).toISOString();
        const { health } = aStatus();
        return aStatus({ health: { ...health, proof: { at, detail: 'a forged leak was seen' } } });
      };
      peer.status = proven(1);
      const tab = await openTab();
      await live(tab);
      const told = tab.locator('#health time[data-age]');
      expect(await told.textContent()).toMatch(/^last caught [1-9] s ago$/);
      peer.say(proven(200));
      await healthSays(tab, 'last caught 3 min ago');
      peer.say(proven(30));
      await healthSays(tab, / 3\d s ago$/);
      await page.stop();
      await light(tab, 'blind');
      const seconds = async () =>
        Number(/^last caught (\d+) s ago$/.exec((await told.textContent()) ?? '')?.[1]);
      const whenLost = await seconds();
      await expect.poll(seconds, { timeout: 10_000 }).toBeGreaterThan(whenLost);
      page = await showPage({ socketPath: peer.socketPath });
    });

    it('turns blind when the guard goes and when the page’s own server goes, and comes back', async () => {
      const tab = await openTab();
      await live(tab);
      await light(tab, 'clear');
      await peer.vanish();
      await light(tab, 'blind');
      expect(await tab.textContent('#link')).toBe('Not connected');
      await peer.resume();
      await light(tab, 'clear');
      await live(tab);
      await page.stop();
      await light(tab, 'blind');
      expect(await tab.isDisabled('.switch')).toBe(true);
      const moving = () => tab.evaluate<number>('document.getAnimations().length');
      await expect.poll(moving).toBeGreaterThan(0);
      await tab.emulateMedia({ reducedMotion: 'reduce' });
      // A flash has no end of its own: it stops for this wish or never.
      await expect.poll(moving, { timeout: 10_000 }).toBe(0);
      expect(await tab.textContent('#light .why')).toContain('lost its connection to the box');
      page = await showPage({ socketPath: peer.socketPath });
    });

    it('shows a hostile name as text, first and live', async () => {
      const exposure = '<img src=x onerror=alert(1)><script>alert(2)</script>';
      const hostile = aStatus({
        why: exposure,
        incidents: [anIncident({ exposure, why: exposure, destination: exposure })],
      });
      peer.status = hostile;
      const tab = await openTab();
      await live(tab);
      expect(await tab.textContent('#incident-i1 .exposure')).toBe(exposure);
      peer.say({ ...hostile, incidents: [anIncident({ id: 'i2', exposure }), ...hostile.incidents] });
      await tab.waitForSelector('#incident-i2');
      expect(await tab.textContent('#incident-i2 .exposure')).toBe(exposure);
      expect(await tab.locator('main img, main script').count()).toBe(0);
    });

    it.each([320, 375, 1280])('does not overflow at %i pixels, whatever the names', async (width) => {
      const label = 'a'.repeat(63);
      const exposure = [label, label, label, 'x'.repeat(58)].join('.');
      const incidents = [
        anIncident({ exposure, why: exposure, escaped: 1_234_567_890, attempted: 1_234_567_890 }),
      ];
      const ledger = { attempted: 1e12, escaped: 1e12, blocked: 1e12, unseen: 1e12 };
      peer.status = aStatus({
        state: 'breach',
        lamp: 'red-flash',
        why: exposure,
        ledger,
        incidents,
        unacknowledged: 2,
      });
      const tab = await openTab({ viewport: { width, height: 700 } });
      await live(tab);
      await tab.click('#incident-i1 summary');
      expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      // The light hides what runs over its rounded corners: inside it nothing may.
      const beyond =
        'document.querySelector("#light").scrollWidth - document.querySelector("#light").clientWidth';
      expect(await tab.evaluate<number>(beyond)).toBe(0);
    });

    it('is lighter than 60 kB all told', async () => {
      const sizes: Promise<number>[] = [];
      const tab = await newTab();
      tab.on('response', (answer) => {
        if (!answer.url().endsWith('/events')) sizes.push(answer.body().then((body) => body.length));
      });
      await tab.goto(page.url, { waitUntil: 'load' });
      await live(tab);
      expect(sizes.length).toBeGreaterThanOrEqual(6);
      expect((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
    });
  },
);
