// Who gets in, who does not, and what a visitor sees meanwhile.

import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { createPage } from '../../web/app.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { Browser, isInside, leakingBoxes, owner, PASSWORD } from './listening-page.ts';
import type { PageUnderTest } from './listening-page.ts';

const HOUR = 3_600_000;

let peer: GuardPeer;
let page: PageUnderTest;
let stateDir: string;
let clock: number;

beforeEach(() => {
  clock = Date.parse('2026-03-01T10:00:00Z');
});

const box = leakingBoxes(() => ({ now: () => clock }));

beforeEach(() => {
  ({ peer, page, stateDir } = box());
});

describe('a first visit', () => {
  it('sees the light and no name, chooses a password, and is in', async () => {
    const browser = new Browser(page.port);
    const { text } = await browser.ask('/');
    expect(text).toContain('data-state="leaking"');
    expect(text).not.toMatch(/bank|host0|home|203\.0|198\.51/);
    expect(text).toContain('action="/setup"');
    // Where no script keeps the page current, it says when it was, and the light stands in a frame that does.
    expect(text).toMatch(/As of <time [^>]+>\d\d:\d\d:\d\d UTC<\/time><noscript>, except the light/);
    expect(text).toContain('<noscript><iframe class="light-frame" src="/light/now"');
    expect((await browser.post('/setup', { password: 'short', again: 'short' })).status).toBe(422);
    expect((await browser.post('/setup', { password: PASSWORD, again: 'another one' })).status).toBe(422);
    const answer = await browser.post('/setup', { password: PASSWORD, again: PASSWORD });
    expect([answer.status, answer.headers.location]).toEqual([303, '/']);
    expect(await isInside(browser)).toBe(true);
  });

  it('is the only one that chooses, however many try at once', async () => {
    const browsers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = new Browser(page.port);
        await browser.ask('/');
        return browser;
      }),
    );
    const tries = browsers.map((browser) => browser.post('/setup', { password: PASSWORD, again: PASSWORD }));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([303, 409, 409, 409]);
  });

  it('is asked for the code of a box that has one, once, whatever case and spaces it is typed with', async () => {
    const file = join(stateDir, 'first-code');
    writeFileSync(file, 'ABCDE-FGHJK\n');
    const browser = new Browser(page.port);
    expect((await browser.ask('/')).text).toContain('name="code"');
    const choose = (code: string) => browser.post('/setup', { password: PASSWORD, again: PASSWORD, code });
    for (const wrong of ['', 'ABCDE-FGHJ', 'BBCDE-FGHJK']) expect((await choose(wrong)).status).toBe(403);
    expect((await choose(' abcde fghjk')).status).toBe(303);
    expect(await isInside(browser)).toBe(true);
    expect(existsSync(file)).toBe(false);
  });

  it('may not guess the code of a box for ever, and an empty file is no code', async () => {
    writeFileSync(join(stateDir, 'first-code'), '\n');
    const browser = new Browser(page.port);
    await browser.ask('/');
    const guess = () => browser.post('/setup', { password: PASSWORD, again: PASSWORD, code: '' });
    const statuses = [];
    for (let tries = 0; tries < 7; tries += 1) statuses.push((await guess()).status);
    expect(statuses.slice(0, 4)).toEqual([403, 403, 403, 403]);
    expect(statuses.at(-1)).toBe(429);
  });

  it('leaves nothing on disk that opens the door, and nothing for others to read', async () => {
    const browser = await owner(page.port);
    const files = ['password.json', 'sessions.json', 'browsers.json'].map((name) => join(stateDir, name));
    const token = /leakguard-session=([^;]+)/.exec(browser.cookie)?.[1] ?? '';
    expect(token).toMatch(/^[\w-]{43}$/);
    for (const file of files) {
      expect(statSync(file).mode & 0o077).toBe(0);
      expect(readFileSync(file, 'utf8')).not.toContain(PASSWORD);
      expect(readFileSync(file, 'utf8')).not.toContain(token);
    }
  });
});

describe('without a session', () => {
  it.each(['/events', '/regions', '/head/events', '/head/regions', '/block', '/account', '/nothing'])(
    '%s shows nothing',
    async (path) => {
      await owner(page.port);
      const { status, text, headers } = await new Browser(page.port).ask(path);
      expect([401, 303]).toContain(status);
      if (status === 303) expect(headers.location).toBe('/');
      expect(text).not.toMatch(/bank|host0|home/);
    },
  );

  it.each(['/block', '/ack', '/pass', '/pass/end', '/logout', '/password'])(
    'a change is refused: %s',
    async (path) => {
      await owner(page.port);
      const browser = new Browser(page.port);
      await browser.ask('/');
      expect((await browser.post(path, { on: 'yes', id: 'all', seconds: '60' })).status).toBe(401);
      expect(peer.asked).toEqual([]);
    },
  );
});

describe('a session', () => {
  it('survives a restart of the page, and its token is worth nothing without it', async () => {
    const browser = await owner(page.port);
    page = await box().restart();
    const moved = new Browser(page.port);
    moved.plant('leakguard-session', /leakguard-session=([^;]+)/.exec(browser.cookie)?.[1] ?? '');
    expect(await isInside(moved)).toBe(true);
  });

  it('ends when idle, and in the end in any case', async () => {
    const browser = await owner(page.port);
    clock += 11 * HOUR;
    expect(await isInside(browser)).toBe(true);
    clock += 12 * HOUR;
    expect(await isInside(browser)).toBe(false);
    const busy = await owner(page.port);
    for (let hours = 0; hours < 7 * 24 - 6; hours += 6) {
      expect(await isInside(busy)).toBe(true);
      clock += 6 * HOUR;
    }
    clock += 6 * HOUR;
    expect(await isInside(busy)).toBe(false);
  });

  it('is as old as before when its owner sets the clock a year on, and when somebody else does it is over', async () => {
    const [browser, other] = [await owner(page.port), await owner(page.port)];
    clock += 6 * HOUR;
    await isInside(browser);
    peer.onCommand = () => {
      clock += 365 * 24 * HOUR;
      peer.onCommand = () => undefined;
    };
    peer.answers.set('POST /v1/clock', { now: '2027-03-01T16:00:00.000Z' });
    expect((await browser.post('/health/clock', { wall: '1' })).status).toBe(303);
    expect([await isInside(browser), await isInside(other)]).toEqual([true, true]);
    page = await box().restart();
    const moved = new Browser(page.port);
    moved.plant('leakguard-session', /leakguard-session=([^;]+)/.exec(browser.cookie)?.[1] ?? '');
    expect(await isInside(moved)).toBe(true);
    clock += 365 * 24 * HOUR;
    expect(await isInside(moved)).toBe(false);
  });

  it('is not prolonged by a page that keeps itself current', async () => {
    const browser = await owner(page.port);
    clock += 11 * HOUR;
    expect((await browser.ask('/regions')).status).toBe(200);
    // Without script the light does it, in a frame of its own that loads itself anew.
    expect((await browser.ask('/light/now')).text).toContain('data-figure="escaped"');
    clock += 2 * HOUR;
    expect((await browser.ask('/regions')).status).toBe(401);
    expect((await browser.ask('/light/now')).text).not.toContain('data-figure');
    expect(await isInside(browser)).toBe(false);
  });

  it('ends everywhere on one word, also on disk', async () => {
    const [one, other] = [await owner(page.port), await owner(page.port)];
    await other.ask('/');
    expect((await other.post('/logout')).status).toBe(303);
    expect([await isInside(one), await isInside(other)]).toEqual([true, false]);
    const third = await owner(page.port);
    await third.post('/logout', { everywhere: 'yes' });
    expect([await isInside(one), await isInside(third)]).toEqual([false, false]);
    expect(readFileSync(join(stateDir, 'sessions.json'), 'utf8').trim()).toBe('[]');
  });

  it('never has a name that a visitor brought along', async () => {
    await owner(page.port);
    const victim = new Browser(page.port);
    victim.plant('leakguard-session', 'x'.repeat(43));
    victim.plant('leakguard-visitor', 'v'.repeat(24));
    await victim.ask('/');
    const before = victim.token;
    expect((await victim.post('/login', { password: PASSWORD })).status).toBe(303);
    expect(victim.cookie).not.toContain('x'.repeat(43));
    const thief = new Browser(page.port);
    thief.plant('leakguard-session', 'x'.repeat(43));
    expect(await isInside(thief)).toBe(false);
    // A form made before the login, for a visitor id the thief knows, is worth nothing after it.
    victim.token = before;
    expect((await victim.post('/block', { on: 'yes' })).status).toBe(403);
    expect(peer.asked).toEqual([]);
  });

  it('changes the password, and everyone else is out', async () => {
    const [one, other] = [await owner(page.port), await owner(page.port)];
    await one.ask('/account');
    const next = 'another four words';
    const wrong = await one.post('/password', { old: 'not this one', password: next, again: next });
    expect(wrong.status).toBe(403);
    expect((await one.post('/password', { old: PASSWORD, password: next, again: next })).status).toBe(303);
    expect([await isInside(one), await isInside(other)]).toEqual([true, false]);
    await other.ask('/');
    expect((await other.post('/login', { password: PASSWORD })).status).toBe(403);
    expect((await other.post('/login', { password: next })).status).toBe(303);
  });
});

describe('a password file that cannot be read', () => {
  it('is no missing one: the page does not start', () => {
    for (const text of ['', '{}', '{"salt":"x","hash":"","cost":15}']) {
      const dir = mkdtempSync(join(stateDir, 'broken-'));
      writeFileSync(join(dir, 'password.json'), text);
      expect(() =>
        createPage({ socketPath: '/none', access: { stateDir: dir }, hostNames: [], log: () => undefined }),
      ).toThrow(/password\.json cannot be read/);
    }
  });
});
