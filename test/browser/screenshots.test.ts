// How every page looks, as pictures for README and for the eye (`npm run screenshots`). Skipped unless SCREENSHOTS names a folder: pictures
// are looked at, not compared.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';

import type { Status } from '../../src/api/status.ts';
import { aStatus, anIncident, GuardPeer, someAllowed } from '../guard-peer.ts';
import { owner, showPage } from '../web/listening-page.ts';
import { aDay, CHROMIUM, framesOf, leaking, QUIET } from './samples.ts';

const folder = process.env['SCREENSHOTS'];
const skipped = folder === undefined || !existsSync(CHROMIUM);

const asked = 'bank.example was asked at 203.0.113.53 in the clear.';
const incidents = [
  anIncident({ exposure: 'bank.example', why: asked, escaped: 3, attempted: 3 }),
  anIncident({ id: 'i2', rule: 'E', kind: 'tls', exposure: '203.0.113.80:443', escaped: 0, blocked: 12 }),
  anIncident({ id: 'i3', severity: 'amber', kind: 'mdns', exposure: '_ipp._tcp.local', acknowledged: true }),
];
const ledger = { attempted: 15, escaped: 3, blocked: 12, unseen: 0 };
const day: Status = { ...leaking, why: asked, blockMode: true, ledger, incidents, unacknowledged: 2 };

const stub = aStatus({
  ...{ profile: 'proxy-stub', direct: 'any', blockMode: true, allowed: someAllowed({ more: 12 }) },
  why: 'The tunnel is up and nothing escapes it except what the profile allows to go direct; block mode is on.',
});

const why = skipped ? ' (skipped: npm run screenshots takes them)' : '';

describe.skipIf(skipped)(`pictures of every page${why}`, () => {
  it.each([
    ['visitor', '/', aStatus()],
    ['clear', '/', aStatus({ blockMode: true })],
    ['leaking', '/', day],
    ['allowed', '/', stub],
    ['incidents', '/incidents', day],
    ['incident', '/incidents/i1', day],
    ['help', '/help', day],
    ['account', '/account', day],
  ] as const)('%s', async (name, path, status) => {
    const [browser, peer] = [
      await chromium.launch({ executablePath: CHROMIUM, args: QUIET }),
      await GuardPeer.start(),
    ];
    const page = await showPage({ socketPath: peer.socketPath });
    peer.status = status;
    Object.assign(peer, aDay(Date.now()), { frames: framesOf('bank.example') });
    mkdirSync(folder ?? '', { recursive: true });
    const own = await owner(page.port);
    for (const [shape, width, colorScheme] of [
      ['desk', 1200, 'light'],
      ['phone', 375, 'dark'],
    ] as const) {
      const viewport = { width, height: 800 };
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      if (name !== 'visitor') await context.addCookies(own.cookies(page.url));
      const tab = await context.newPage();
      const answer = await tab.goto(page.url + path);
      if (path === '/' || path === '/incidents') await tab.waitForSelector('body[data-link="live"]');
      await tab.screenshot({ path: join(folder ?? '', `${name}-${shape}.png`) });
      if (name === 'incident')
        await tab.locator('.frames').screenshot({ path: join(folder ?? '', `frames-${shape}.png`) });
      if (name === 'help' && shape === 'desk') {
        await tab.locator('#profile-table summary').click();
        await tab.locator('#profiles').screenshot({ path: join(folder ?? '', `profiles-${shape}.png`) });
      }
      expect(answer?.status()).toBe(200);
    }
    await browser.close();
    await page.stop();
    await peer.stop();
  });
});
