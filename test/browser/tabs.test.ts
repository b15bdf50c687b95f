// What open pages do when there are many of them, and when the laptop has slept. GuardPeer plays the guard. Every wait is for something to
// be seen.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { GuardPeer } from '../guard-peer.ts';
import { owner, showPage } from '../web/listening-page.ts';
import type { PageUnderTest } from '../web/listening-page.ts';
import { CHROMIUM, leaking, QUIET } from './samples.ts';

const missing = !existsSync(CHROMIUM);
/** Long for a loaded machine. */
const SHOWN = { timeout: 60_000 };

/** A wire to the page whose connections can die without a word, as in the sleep of a laptop. */
class Wire {
  readonly #sockets = new Set<Socket>();
  readonly #server;

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy()).on('close', () => this.#sockets.delete(from));
      }
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Every connection there is now stays open and carries nothing more. */
  die(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

let browser: Browser;
let context: BrowserContext;
let peer: GuardPeer;
let page: PageUnderTest;
let wire: Wire;
let address: string;

describe.skipIf(missing)(`open tabs${missing ? ` (skipped: there is no ${CHROMIUM})` : ''}`, () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    peer = await GuardPeer.start();
    page = await showPage({ socketPath: peer.socketPath });
    wire = new Wire(page.port);
    address = await wire.listen();
    context = await browser.newContext();
    await context.addCookies((await owner(page.port)).cookies(address));
  });
  afterEach(async () => {
    await context.close();
    wire.close();
    await page.stop();
    await peer.stop();
    expect(page.faults).toEqual([]);
  });

  it('hear again what happened in a sleep that their connections did not survive', async () => {
    const tabs = [await context.newPage(), await context.newPage()] as const;
    const [status, list] = tabs;
    for (const tab of tabs) await tab.clock.install();
    await status.goto(address);
    await list.goto(`${address}/incidents`);
    for (const tab of tabs) await tab.waitForSelector('body[data-link="live"]');
    wire.die();
    peer.say(leaking);
    for (const tab of tabs) await tab.clock.fastForward('08:00:00');
    await status.waitForSelector('#light[data-state="leaking"]', SHOWN);
    await list.waitForSelector('#incident-i1', SHOWN);
    for (const tab of tabs) await tab.waitForSelector('body[data-link="live"]', SHOWN);
  });

  it('may be more than a browser has connections: each is current, and each obeys', async () => {
    const tabs = await Promise.all(Array.from({ length: 8 }, () => context.newPage()));
    for (const tab of tabs) {
      await tab.goto(address);
      await tab.waitForSelector('body[data-link="live"], body[data-link="polling"]', SHOWN);
    }
    await tabs.at(-1)?.click('.switch');
    for (const tab of tabs) await tab.waitForSelector('.switch[aria-checked="true"]', SHOWN);
  });
});
