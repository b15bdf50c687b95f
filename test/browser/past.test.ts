// What a person does with the past: looks closer, by mouse, by keys and without script; watches the list. GuardPeer plays the guard. Every
// wait is for something to be seen.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { anIncident, GuardPeer } from '../guard-peer.ts';
import { owner, showPage } from '../web/listening-page.ts';
import type { Browser as Owner, PageUnderTest } from '../web/listening-page.ts';
import { aDay, CHROMIUM, crowded, framesOf, fullDay, leaking, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);

let browser: Browser;
let peer: GuardPeer;
let page: PageUnderTest;
let own: Owner;
let complaints: string[];

async function newTab(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  await context.addCookies(own.cookies(page.url));
  const tab = await context.newPage();
  tab.on('pageerror', (error) => complaints.push(error.message));
  tab.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
  return tab;
}

async function openTab(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const tab = await newTab(options);
  await tab.goto(page.url + path);
  return tab;
}

const live = (tab: Page) => tab.waitForSelector('body[data-link="live"]');

describe.skipIf(missing)(
  `the past in a browser${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`,
  () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    });

    afterAll(() => browser.close());

    beforeEach(async () => {
      complaints = [];
      peer = await GuardPeer.start();
      Object.assign(peer, aDay(Date.now()));
      page = await showPage({ socketPath: peer.socketPath });
      own = await owner(page.port);
    });

    afterEach(async () => {
      for (const context of browser.contexts()) await context.close();
      await page.stop();
      await peer.stop();
      expect(complaints).toEqual([]);
    });

    it('looks closer with a click and back again, without a reload', async () => {
      const tab = await openTab('/');
      await live(tab);
      await tab.evaluate(() => Object.assign(globalThis, { same: true }));
      expect(await tab.locator('.slots li').count()).toBe(8);
      await tab.hover('.slots li:nth-child(6) a');
      expect(await tab.textContent('.slots li:nth-child(6) .tip')).toContain('pass open');
      await tab.click('.slots li:nth-child(6) a');
      await tab.waitForSelector('#timeline[data-at^="?from="]');
      expect(await tab.locator('.spans [aria-current]').count()).toBe(0);
      await tab.click('.spans a[href^="/?span=week"]');
      await tab.waitForSelector('#timeline[data-at="?span=week"]');
      await tab.goBack();
      await tab.waitForSelector('#timeline[data-at^="?from="]');
      expect(await tab.evaluate(() => 'same' in globalThis)).toBe(true);
    });

    it('tells a column to the keyboard, takes it back with Escape, and looks closer with Enter', async () => {
      const tab = await openTab('/');
      await live(tab);
      await tab.focus('.slots li:nth-child(5) a');
      await tab.keyboard.press('Tab');
      const seen = `getComputedStyle(document.querySelector('.slots li:nth-child(6) .tip')).opacity`;
      expect(await tab.evaluate<string>(seen)).toBe('1');
      await tab.keyboard.press('Escape');
      expect(await tab.evaluate<string>(seen)).toBe('0');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('#timeline[data-at^="?from="]');
      expect(await tab.evaluate<boolean>(`document.activeElement.matches('.slots a')`)).toBe(true);
    });

    it('looks closer without script, down to the incidents of that time', async () => {
      const tab = await openTab('/', { javaScriptEnabled: false });
      for (let step = 0; step < 3 && new URL(tab.url()).pathname === '/'; step += 1)
        await tab.locator('.slots a').nth(2).click();
      expect(new URL(tab.url()).pathname).toBe('/incidents');
      expect(peer.filters.at(-1)).toMatch(/since=.+&until=.+/);
      expect(await tab.inputValue('#since')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
    });

    it('shows a new leak in the picture of an open page', async () => {
      const tab = await openTab('/?span=hour');
      await live(tab);
      const told = '#timeline > .note';
      expect(await tab.textContent(told)).not.toContain('77 frames got out');
      const now = Date.now();
      peer.tallies.push({
        at: now - (now % 60_000),
        redEscaped: 77,
        redBlocked: 0,
        amberEscaped: 0,
        amberBlocked: 0,
        unseen: 0,
      });
      peer.say(leaking);
      await tab.locator(told, { hasText: '77 frames got out' }).waitFor();
    });

    it('adds to an open list what its filter finds, and says when nobody can', async () => {
      peer.status = leaking;
      const tab = await openTab('/incidents?rule=A');
      await live(tab);
      await tab.evaluate(() => Object.assign(globalThis, { same: true }));
      peer.say({ ...leaking, incidents: [anIncident({ id: 'i2', exposure: 'b.example' }), anIncident()] });
      await tab.waitForSelector('#incident-i2');
      expect(peer.filters.at(-1)).toContain('rule=A');
      expect(await tab.evaluate(() => 'same' in globalThis)).toBe(true);
      await peer.vanish();
      await tab.waitForSelector('#found[data-known="no"]');
      await tab.waitForSelector('body[data-link="lost"]');
      await peer.resume();
      await tab.waitForSelector('#incident-i2');
      await live(tab);
    });

    it('acknowledges everything from the list, without script too', async () => {
      peer.status = crowded;
      const tab = await openTab('/incidents', { javaScriptEnabled: false });
      await tab.click('#found button[value="all"]');
      await tab.waitForSelector('#found:not(:has(button))');
      expect(peer.asked.map(({ body }) => body)).toEqual([
        { id: 'all', unacknowledged: crowded.unacknowledged },
      ]);
    });

    it('marks what was read, and lights up the bytes of a line', async () => {
      peer.status = leaking;
      peer.frames = framesOf('bank.example');
      const tab = await openTab('/incidents/i1');
      const marked = (which: string) => tab.locator(`.frame[open] .hex mark.${which}`).allTextContents();
      expect((await marked('specific')).join('')).toContain('ank.exam');
      expect(await marked('lit')).toEqual([]);
      await tab.locator('.frame[open] .readings li:has(> b:text-is("From port"))').hover();
      expect(await marked('lit')).toEqual(['9c 40', '.@']);
    });

    it('is lighter than 60 kB all told on the worst of days', async () => {
      peer.status = crowded;
      Object.assign(peer, fullDay(Date.now()));
      const sizes: number[] = [];
      const tab = await newTab();
      tab.on('response', (answer) => {
        if (!answer.url().endsWith('/events')) sizes.push(Number(answer.headers()['content-length']));
      });
      await tab.goto(page.url, { waitUntil: 'load' });
      await live(tab);
      const sum = sizes.reduce((total, size) => total + size, 0);
      expect(sizes.length).toBeGreaterThanOrEqual(9);
      expect(sum).toBeLessThan(60_000);
    });
  },
);
