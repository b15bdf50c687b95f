// Checks that nobody chooses the password of a packaged box without its code, whoever else is on the cable.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { THROTTLE_LIMITS } from '../../../web/owner/login-throttle.ts';
import { Browser, isInside, leakingBoxes, PASSWORD } from '../listening-page.ts';
import type { PageUnderTest } from '../listening-page.ts';

/** Tries enough that no test waits for the throttle. */
const MANY = { ...THROTTLE_LIMITS, free: 100, budget: 100 };

let page: PageUnderTest;
let stateDir: string;

const box = leakingBoxes(() => ({ codeRequired: true, throttle: MANY }));

describe('a first visit of a packaged box, which always asks for a code', () => {
  const choose = (browser: Browser, code: string) =>
    browser.post('/setup', { password: PASSWORD, again: PASSWORD, code });
  const laid = (code: string): void => {
    writeFileSync(join(stateDir, 'first-code'), `${code}\n`);
  };
  const hasPassword = (): boolean => existsSync(join(stateDir, 'password.json'));

  beforeEach(() => {
    ({ page, stateDir } = box());
  });

  it('chooses nothing while no code was laid down, and says how to have one', async () => {
    const browser = new Browser(page.port);
    const { text } = await browser.ask('/');
    expect(text).toContain('name="code"');
    expect(text).toContain('leakguard setup --new-code');
    for (const code of ['', '0', 'ABCDE-FGHJK']) expect((await choose(browser, code)).status).toBe(403);
    expect(hasPassword()).toBe(false);
    laid('NEWER-CODEX');
    expect((await choose(browser, 'NEWER-CODEX')).status).toBe(303);
  });

  it('lets one visitor in with the code, whoever races it with and without', async () => {
    laid('ABCDE-FGHJK');
    const browsers = Array.from({ length: 9 }, () => new Browser(page.port));
    for (const browser of browsers) await browser.ask('/');
    const codes = [
      '',
      'ABCDE',
      'ABCDE-FGHJK',
      '',
      'ABCDE-FGHJK',
      'ABCDE-FGHJL',
      '',
      'ABCDE-FGHJK',
      'XXXXX-XXXXX',
    ];
    const answers = await Promise.all(browsers.map((browser, at) => choose(browser, codes[at] ?? '')));
    const statuses = answers.map(({ status }) => status);
    const knew = (code: string | undefined): boolean => code === 'ABCDE-FGHJK';
    expect(statuses.filter((status) => status === 303)).toHaveLength(1);
    expect(knew(codes[statuses.indexOf(303)])).toBe(true);
    // Who did not know it was refused for that, or came when all was over.
    for (const [at, status] of statuses.entries())
      expect(knew(codes[at]) ? [303, 409] : [403, 409]).toContain(status);
    for (const [at, browser] of browsers.entries())
      expect(await isInside(browser)).toBe(statuses[at] === 303);
  });

  it('opens once: neither code nor no code chooses a second time, nor when the password is deleted', async () => {
    laid('ABCDE-FGHJK');
    expect((await choose(new Browser(page.port), 'x')).status).toBe(403);
    const first = new Browser(page.port);
    await first.ask('/');
    expect((await choose(first, 'ABCDE-FGHJK')).status).toBe(303);
    const late = new Browser(page.port);
    await late.ask('/');
    for (const code of ['', 'ABCDE-FGHJK']) expect((await choose(late, code)).status).toBe(409);
    page = await box().restart(() => rmSync(join(stateDir, 'password.json')));
    const anew = new Browser(page.port);
    await anew.ask('/');
    for (const code of ['', 'ABCDE-FGHJK']) expect((await choose(anew, code)).status).toBe(403);
    expect(hasPassword()).toBe(false);
  });
});
