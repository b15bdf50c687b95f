// Checks that a browser whose clock is not the box's is offered to set the box's, and that no other browser is. GuardPeer plays the guard;
// the browser's clock is the test's own. With SCREENSHOTS naming a folder it takes a picture of the offer.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { prepareBox } from '../box-answers.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { closeOwnedPage, freshBox, openOwnedPage } from '../web/listening-page.ts';
import type { OwnedPage } from '../web/listening-page.ts';
import { CHROMIUM, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);
const folder = process.env['SCREENSHOTS'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FAULTS = `axe.run().then(({ violations }) => violations.map(({ id }) => id))`;
const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

let browser: Browser;
let owned: OwnedPage;
let peer: GuardPeer;

describe.skipIf(missing)(
  `the offer of a clock${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`,
  () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
      owned = await openOwnedPage();
      ({ peer } = owned);
    });
    beforeEach(() => freshBox(peer));
    afterAll(async () => {
      await browser.close();
      await closeOwnedPage(owned);
    });

    /** A page in a browser whose clock is so far ahead, milliseconds. */
    async function tabAt(path: string, ahead: number, javaScriptEnabled = true): Promise<Page> {
      const viewport = { width: 1200, height: 900 };
      const context = await browser.newContext({ javaScriptEnabled, bypassCSP: true, viewport });
      if (javaScriptEnabled) await context.clock.install({ time: Date.now() + ahead });
      await context.addCookies(owned.own.cookies(owned.page.url));
      const tab = await context.newPage();
      await tab.goto(owned.page.url + path);
      return tab;
    }

    it('is made to a browser that is a year ahead, names both times, and sends the browser’s', async () => {
      const tab = await tabAt('/health', YEAR);
      await tab.waitForSelector('#clock-offer:not([hidden])');
      const year = new Date().getFullYear();
      const said = (await tab.textContent('#clock-offer p')) ?? '';
      expect(said).toMatch(
        new RegExp(`This box says .*${String(year)}.*, your browser says .*${String(year + 1)}`),
      );
      await tab.evaluate(AXE);
      expect(await tab.evaluate<string[]>(FAULTS)).toEqual([]);
      if (folder !== undefined) await tab.screenshot({ path: join(folder, 'clock.png'), fullPage: true });
      await tab.click('#clock-offer button');
      await tab.waitForURL(/done=clock/);
      const sent = peer.asked.find(({ path }) => path === '/v1/clock')?.body as { wall: number };
      expect(Math.abs(sent.wall - Date.now() - YEAR)).toBeLessThan(MINUTE);
      expect(await tab.textContent('.saved')).toContain('The clock was set.');
      await tab.context().close();
    });

    it.each([
      ['half a minute apart', MINUTE / 2, true, 'owner'],
      ['without script', 0, false, 'owner'],
      ['where a time service keeps it', -YEAR, true, 'network'],
    ] as const)('is not made %s', async (_what, ahead, script, timeSource) => {
      prepareBox(peer);
      const health = peer.answers.get('GET /v1/health') as object;
      peer.answers.set('GET /v1/health', { ...health, timeSource });
      const tab = await tabAt('/health', ahead, script);
      // Times in the reader's zone are written by the same script, before or after.
      if (script) await tab.waitForSelector('time[title]');
      expect(await tab.isVisible('#machine-title')).toBe(true);
      expect(await tab.isVisible('#clock-offer')).toBe(false);
      await tab.context().close();
    });

    it('is pointed to by the status page', async () => {
      const tab = await tabAt('/', -YEAR);
      await tab.waitForSelector('#clock-differs:not([hidden]) a[href="/health"]');
      await tab.context().close();
      const near = await tabAt('/', 0);
      await near.waitForSelector('body[data-link="live"]');
      expect(await near.isVisible('#clock-differs')).toBe(false);
      await near.context().close();
    });
  },
);
