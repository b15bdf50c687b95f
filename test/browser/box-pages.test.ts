// Checks that the pages about the box can be read by everyone: axe-core finds no fault, nothing overflows, light and dark, empty, usual and
// at its fullest. GuardPeer plays the guard. With SCREENSHOTS naming a folder (`npm run screenshots`) it takes their pictures too.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { serverGroupBox, prepareBox } from '../box-answers.ts';
import { aStatus, GuardPeer } from '../guard-peer.ts';
import { owner, showPage } from '../web/listening-page.ts';
import type { Browser as Owner, PageUnderTest } from '../web/listening-page.ts';
import { CHROMIUM, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);
const folder = process.env['SCREENSHOTS'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FAULTS = `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html).join(' | ')))`;

const PAGES = [
  ['dossier', '/dossier'],
  ['tunnels', '/tunnels'],
  ['tunnel-learn', '/tunnels/learn?endpoint=udp%3A203.0.113.9%3A51820'],
  ['tunnel-remove', '/tunnels/remove?name=home'],
  ['clients', '/clients'],
  ['health', '/health'],
  ['settings', '/settings'],
  ['update', '/update'],
] as const;

let browser: Browser;
let peer: GuardPeer;
let page: PageUnderTest;
let own: Owner;

describe.skipIf(missing)(`pages about the box${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    peer = await GuardPeer.start();
    page = await showPage({ socketPath: peer.socketPath });
    own = await owner(page.port);
  });

  afterAll(async () => {
    await browser.close();
    await page.stop();
    await peer.stop();
    expect(page.faults).toEqual([]);
  });

  async function tabAt(path: string, colorScheme: 'light' | 'dark', width: number): Promise<Page> {
    // axe-core is put into the page as a script, which the page's own policy forbids.
    const context = await browser.newContext({
      ...{ colorScheme, bypassCSP: true, reducedMotion: 'reduce', viewport: { width, height: 800 } },
    });
    await context.addCookies(own.cookies(page.url));
    const tab = await context.newPage();
    await tab.goto(page.url + path);
    return tab;
  }

  async function expectReadable(tab: Page, what: string): Promise<void> {
    await tab.evaluate(AXE);
    expect(await tab.evaluate<string[]>(FAULTS), what).toEqual([]);
    for (const width of [320, 375, 1280]) {
      await tab.setViewportSize({ width, height: 800 });
      const wide = await tab.evaluate<number>('document.documentElement.scrollWidth');
      expect(wide, `${what} at ${String(width)}`).toBeLessThanOrEqual(width);
    }
  }

  it.each(PAGES)('have no fault that axe-core finds, and do not overflow: %s', async (name, path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      peer.status = aStatus();
      if (colorScheme === 'light') prepareBox(peer);
      else if (name !== 'tunnel-learn') serverGroupBox(peer);
      const tab = await tabAt(path, colorScheme, 1280);
      await expectReadable(tab, colorScheme);
      await tab.context().close();
    }
  });

  it('have none either where there is nothing to show, and where a form was refused', async () => {
    prepareBox(peer);
    peer.status = aStatus({ tunnels: [] });
    peer.answers.set('POST /v1/tunnels/learn', { proposals: [], added: false });
    peer.answers.set('GET /v1/clients', { clients: [] });
    for (const path of ['/tunnels', '/clients']) {
      const tab = await tabAt(path, 'dark', 1280);
      await expectReadable(tab, path);
      await tab.context().close();
    }
    const faults = [
      {
        path: 'mustTunnel',
        message: 'profile split without a name lets everything out',
        remedy: 'List names.',
      },
      { path: 'allow[0].port', message: 'ICMP has no ports', remedy: 'Remove port.' },
    ];
    peer.refusal = { status: 422, body: { error: { code: 'policy', message: 'it is invalid', faults } } };
    const tab = await tabAt('/settings', 'light', 1280);
    await tab.check('#rules-profile-split');
    await tab.click('#rules button.primary');
    await tab.waitForSelector('#rules-mustTunnel[aria-invalid]');
    await expectReadable(tab, 'refused');
    peer.refusal = undefined;
    await tab.context().close();
  });

  it('have none where a configuration is looked at, and at the first visit', async () => {
    prepareBox(peer);
    const tab = await tabAt('/tunnels', 'light', 1280);
    await tab.fill('#config-text', '[Interface]');
    await tab.click('form[action="/tunnels/import"] button');
    await tab.waitForSelector('#name');
    await expectReadable(tab, 'import');
    await tab.context().close();
    const access = { stateDir: mkdtempSync(join(tmpdir(), 'leakguard-first-')) };
    writeFileSync(join(access.stateDir, 'first-code'), 'ABCDE');
    const fresh = await showPage({ socketPath: peer.socketPath, access });
    const first = await (await browser.newContext({ bypassCSP: true, javaScriptEnabled: true })).newPage();
    await first.goto(fresh.url);
    await first.waitForSelector('#code');
    await expectReadable(first, 'first visit');
    await first.context().close();
    await fresh.stop();
    rmSync(access.stateDir, { recursive: true });
  });

  it('the dossier is words and tables on paper, and no more', async () => {
    serverGroupBox(peer);
    const tab = await tabAt('/dossier', 'dark', 700);
    await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
    for (const gone of ['nav', 'form', '#files-title']) expect(await tab.isVisible(gone), gone).toBe(false);
    for (const there of ['blockquote', '.sites']) expect(await tab.isVisible(there), there).toBe(true);
    const paper = `getComputedStyle(document.querySelector('.card')).backgroundColor`;
    expect(await tab.evaluate<string>(paper)).toBe('rgb(255, 255, 255)');
    const beyond = `[...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > 700)
      .map((one) => one.outerHTML.slice(0, 80)).slice(0, 5)`;
    expect((await tab.evaluate<string[]>(beyond)).join('\n')).toBe('');
    await tab.context().close();
  });

  it.skipIf(folder === undefined).each(PAGES)('have their picture taken: %s', async (name, path) => {
    peer.status = aStatus();
    prepareBox(peer);
    mkdirSync(folder ?? '', { recursive: true });
    for (const [shape, width, colorScheme] of [
      ['desk', 1200, 'light'],
      ['phone', 375, 'dark'],
    ] as const) {
      const tab = await tabAt(path, colorScheme, width);
      await tab.screenshot({ path: join(folder ?? '', `${name}-${shape}.png`), fullPage: true });
      await tab.context().close();
    }
    expect(existsSync(join(folder ?? '', `${name}-phone.png`))).toBe(true);
  });
});
