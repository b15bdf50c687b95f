// Checks that every page can be read by everyone: axe-core finds no fault, nothing overflows, light and dark. GuardPeer plays the guard,
// with names as long and numbers as large as they come.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { GuardPeer } from '../guard-peer.ts';
import { owner, showPage } from '../web/listening-page.ts';
import type { Browser as Owner, PageUnderTest } from '../web/listening-page.ts';
import { CHROMIUM, crowded, framesOf, fullDay, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FAULTS = `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html).join(' | ')))`;
const OPEN_ALL = 'for (const one of document.querySelectorAll("details")) one.open = true';

let browser: Browser;
let peer: GuardPeer;
let page: PageUnderTest;
let own: Owner;

describe.skipIf(missing)(`every page${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    peer = await GuardPeer.start();
    peer.status = crowded;
    Object.assign(peer, fullDay(Date.now()), { frames: framesOf(`${'a'.repeat(63)}.example`) });
    page = await showPage({ socketPath: peer.socketPath });
    own = await owner(page.port);
  });

  afterAll(async () => {
    await browser.close();
    await page.stop();
    await peer.stop();
    expect(page.faults).toEqual([]);
  });

  it.each([
    ['login', '/'],
    ['status', '/'],
    ['incidents', '/incidents?text=a'],
    ['incident', '/incidents/i1'],
    ['help', '/help'],
    ['account', '/account'],
    ['error', '/none'],
  ])('has no fault that axe-core finds, and does not overflow: %s', async (name, path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      // axe-core is put into the page as a script, which the page's own policy forbids.
      const context = await browser.newContext({ colorScheme, bypassCSP: true, reducedMotion: 'reduce' });
      if (name !== 'login') await context.addCookies(own.cookies(page.url));
      const tab = await context.newPage();
      await tab.goto(page.url + path);
      if (name === 'status' || name === 'login') await tab.waitForSelector('body[data-link="live"]');
      await tab.evaluate(OPEN_ALL);
      await tab.evaluate(AXE);
      expect(await tab.evaluate<string[]>(FAULTS), colorScheme).toEqual([]);
      for (const width of [320, 375, 1280]) {
        await tab.setViewportSize({ width, height: 800 });
        const wide = await tab.evaluate<number>('document.documentElement.scrollWidth');
        expect(wide, String(width)).toBeLessThanOrEqual(width);
      }
      await context.close();
    }
  });

  it.each(['/', '/incidents', '/tunnels', '/settings', '/health', '/clients', '/dossier', '/help'])(
    'has the light in its head and in its tab, live: %s',
    async (path) => {
      const context = await browser.newContext();
      await context.addCookies(own.cookies(page.url));
      const tab = await context.newPage();
      const head = async (): Promise<unknown[]> => [
        await tab.locator('#head').getAttribute('data-state'),
        await tab.locator('#tab-icon').getAttribute('href'),
        (await tab.title()).split(' ')[0],
      ];
      peer.say({ ...crowded, state: 'leaking', lamp: 'red' });
      await tab.goto(page.url + path);
      await expect.poll(head, { timeout: 10_000 }).toEqual(['leaking', '/light/leaking.svg', 'Leaking']);
      peer.say({ ...crowded, state: 'breach', lamp: 'red-flash' });
      await expect.poll(head, { timeout: 10_000 }).toEqual(['breach', '/light/breach.svg', 'Breach']);
      await context.close();
    },
  );

  it.each(['/', '/incidents', '/tunnels'])('shows it as blind when the box is gone: %s', async (path) => {
    const other = await showPage({ socketPath: peer.socketPath });
    const context = await browser.newContext();
    await context.addCookies((await owner(other.port)).cookies(other.url));
    const tab = await context.newPage();
    const state = (): Promise<string | null> => tab.locator('#head').getAttribute('data-state');
    peer.say({ ...crowded, state: 'leaking', lamp: 'red' });
    await tab.goto(other.url + path);
    await expect.poll(state, { timeout: 10_000 }).toBe('leaking');
    await other.stop();
    await expect.poll(state, { timeout: 15_000 }).toBe('blind');
    await context.close();
  });
});
