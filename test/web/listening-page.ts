// The page on a free port of loopback, as leakguard-web would serve it, and how to ask it plainly.

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect } from 'vitest';

import { createPage } from '../../web/app.ts';
import type { PageOptions } from '../../web/app.ts';
import type { AccessOptions } from '../../web/owner/access.ts';
import { listen, SERVER_LIMITS } from '../../web/http/server.ts';
import type { ServerLimits } from '../../web/http/server.ts';
import { prepareBox } from '../box-answers.ts';
import { aStatus, anIncident, GuardPeer } from '../guard-peer.ts';

export interface PageUnderTest {
  readonly url: string;
  readonly port: number;
  readonly faults: string[];
  readonly stateDir: string;
  stop(): Promise<void>;
}

export async function showPage(
  options: Partial<PageOptions> & { readonly socketPath: string },
  limits: ServerLimits = SERVER_LIMITS,
): Promise<PageUnderTest> {
  const faults: string[] = [];
  const log = (message: string, error: unknown): void => void faults.push(`${message}: ${String(error)}`);
  const stateDir = options.access?.stateDir ?? mkdtempSync(join(tmpdir(), 'leakguard-page-'));
  const page = createPage({ hostNames: [], log, access: { stateDir }, ...options });
  const handler = page.app.callback();
  const listening = await listen(
    (asked, answer) => void handler(asked, answer),
    { host: '127.0.0.1', port: 0 },
    limits,
  );
  return {
    ...{ url: listening.url, port: listening.port, faults, stateDir },
    stop: async () => {
      page.close();
      await listening.close();
      if (options.access === undefined) rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request with exactly these headers: browsers and fetch would not send some of them. */
export async function ask(
  port: number,
  path: string,
  wish: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = wish;
    const asking = request({ port, host: '127.0.0.1', path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    asking.on('error', reject).end(body);
  });
}

export const PASSWORD = 'four words in a row';
const FORM = 'application/x-www-form-urlencoded';

/** Cookies and the form token, as one browser keeps them. */
export class Browser {
  readonly #port: number;
  readonly #cookies = new Map<string, string>();
  token = '';

  constructor(port: number) {
    this.#port = port;
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** As a browser's store wants them. */
  cookies(url: string): { readonly name: string; readonly value: string; readonly url: string }[] {
    return [...this.#cookies].map(([name, value]) => ({ name, value, url }));
  }

  /** As another page, or a thief, would plant it. */
  plant(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  async ask(path: string, wish: Parameters<typeof ask>[2] = {}): Promise<Answer> {
    const { headers = {}, ...rest } = wish;
    const answer = await ask(this.#port, path, { ...rest, headers: { cookie: this.cookie, ...headers } });
    for (const set of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    this.token = /name="token" value="([^"]+)"/.exec(answer.text)?.[1] ?? this.token;
    return answer;
  }

  /** Posts a form with the token of the page seen last. */
  post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const body = new URLSearchParams({ token: this.token, ...fields }).toString();
    return this.ask(path, { method: 'POST', headers: { 'content-type': FORM }, body });
  }
}

/** The owner's browser: it has chosen the password, or given it, and sees the status page. */
export async function owner(port: number): Promise<Browser> {
  const browser = new Browser(port);
  const { text } = await browser.ask('/');
  const path = text.includes('action="/setup"') ? '/setup' : '/login';
  const { status } = await browser.post(path, { password: PASSWORD, again: PASSWORD });
  if (status !== 303) throw new Error(`no way in: ${status}`);
  await browser.ask('/');
  return browser;
}

/** Whether this browser is shown what only the owner may see. */
export const isInside = async (browser: Browser): Promise<boolean> =>
  (await browser.ask('/')).text.includes('id="incidents"');

export interface LeakingBox {
  readonly peer: GuardPeer;
  readonly stateDir: string;
  page: PageUnderTest;
  /** Ends the page and begins it anew on the same state; `meanwhile` somebody is at the box. */
  restart(meanwhile?: () => void): Promise<PageUnderTest>;
}

/** For each test a page that nobody owns yet, over a guard's double that tells of a leak, with a state of its own. */
export function leakingBoxes(access: () => Omit<AccessOptions, 'stateDir'>): () => LeakingBox {
  let box: LeakingBox | undefined;
  beforeEach(async () => {
    const [stateDir, peer] = [mkdtempSync(join(tmpdir(), 'leakguard-door-')), await GuardPeer.start()];
    const why = 'bank.example was asked.';
    peer.status = aStatus({ state: 'leaking', lamp: 'red', why, incidents: [anIncident()] });
    const show = () => showPage({ socketPath: peer.socketPath, access: { stateDir, ...access() } });
    box = {
      ...{ peer, stateDir, page: await show() },
      async restart(meanwhile = () => undefined) {
        await this.page.stop();
        meanwhile();
        this.page = await show();
        return this.page;
      },
    };
  });
  afterEach(async () => {
    if (box === undefined) return;
    await box.page.stop();
    await box.peer.stop();
    rmSync(box.stateDir, { recursive: true, force: true });
    expect(box.page.faults).toEqual([]);
  });
  return () => {
    if (box === undefined) throw new Error('a box is there while a test runs');
    return box;
  };
}

/** A page over a guard's double, with its owner logged in. */
export interface OwnedPage {
  readonly peer: GuardPeer;
  readonly page: PageUnderTest;
  readonly own: Browser;
}

export async function openOwnedPage(): Promise<OwnedPage> {
  const peer = await GuardPeer.start();
  const page = await showPage({ socketPath: peer.socketPath, timeoutMs: 300 });
  return { peer, page, own: await owner(page.port) };
}

/** The double answers as a healthy box does, and remembers nothing. */
export function freshBox(peer: GuardPeer): void {
  peer.asked.length = 0;
  peer.refusal = undefined;
  peer.status = aStatus();
  prepareBox(peer);
}

/** The page must have had no fault. */
export async function closeOwnedPage({ page, peer }: Pick<OwnedPage, 'page' | 'peer'>): Promise<void> {
  await page.stop();
  await peer.stop();
  expect(page.faults).toEqual([]);
}
