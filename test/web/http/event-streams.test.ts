// What an open page hears: changed regions, beats, and that the guard is gone. Every wait is for an event; nothing is timed.

import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Status } from '../../../src/api/status.ts';
import { aStatus, anIncident, GuardPeer } from '../../guard-peer.ts';
import { owner, showPage } from '../listening-page.ts';
import type { Browser, PageUnderTest } from '../listening-page.ts';

const LIMITS = { streams: 3, perBrowser: 2, beatMs: 20, gapMs: 5, stuckMs: 20_000 };

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;
const open = new Set<Stream>();

/** One open page: its events as they come. */
class Stream {
  readonly status: number;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  readonly #answer: IncomingMessage;
  #events: { readonly event: string; readonly data: string }[] = [];
  #rest = '';
  #wake: () => void = () => undefined;

  private constructor(answer: IncomingMessage) {
    this.#answer = answer;
    this.status = answer.statusCode ?? 0;
    this.ended = new Promise((resolve) => answer.on('error', () => undefined).on('close', () => resolve()));
    answer.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    open.add(this);
  }

  static async start(path = '/events', who = own): Promise<Stream> {
    const [answer] = (await once(
      get({ port: page.port, path, headers: { cookie: who.cookie }, agent: false }),
      'response',
    )) as [IncomingMessage];
    return new Stream(answer);
  }

  /** The first event from now on that fits. */
  async until(fits: (event: string, data: string) => boolean): Promise<string> {
    for (;;) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift())
        if (fits(event.event, event.data)) return event.data;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async light(state: string): Promise<void> {
    await this.until((event, data) => event === 'regions' && data.includes(`data-state=\\"${state}\\"`));
  }

  end(): void {
    this.#answer.destroy();
    open.delete(this);
  }

  #take(chunk: string): void {
    const blocks = (this.#rest + chunk).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const parts = /^event: (\w+)\ndata:(.*)$/.exec(block);
      if (parts?.[1] !== undefined) this.#events.push({ event: parts[1], data: parts[2] ?? '' });
    }
    this.#wake();
  }
}

beforeEach(async () => {
  peer = await GuardPeer.start();
  const times = { askEveryMs: 50, answerMs: 1_000, retryMs: 20 };
  page = await showPage({ socketPath: peer.socketPath, limits: LIMITS, times, timeoutMs: 200 });
  own = await owner(page.port);
});

afterEach(async () => {
  for (const stream of open) stream.end();
  await page.stop();
  await peer.stop();
  expect(page.faults).toEqual([]);
});

describe('an open page', () => {
  it('hears everything first, and then what changed', async () => {
    const stream = await Stream.start();
    const all = JSON.parse(await stream.until((event) => event === 'regions')) as [string, string][];
    expect(all.map(([name]) => name)).toEqual([
      'head',
      'light',
      'controls',
      'incidents',
      'allowed',
      'tunnels',
      'health',
    ]);
    await peer.haveStreams(1);
    peer.say(aStatus({ blockMode: true }));
    const changed = JSON.parse(await stream.until((event) => event === 'regions')) as [string, string][];
    expect(changed.map(([name]) => name)).toEqual(['controls']);
    expect(changed[0]?.[1]).toContain('aria-checked="true"');
  });

  it.each<[Pick<Status, 'profile' | 'direct'>, string]>([
    [{ profile: 'full-tunnel' }, 'Only the tunnel, and what it needs to work, may leave.'],
    [{ profile: 'proxy-stub', direct: 'any' }, 'Other traffic may leave outside the tunnel'],
    [{ profile: 'proxy-stub', direct: 'none' }, 'Anything else is a leak and is stopped.'],
    [
      { profile: 'split', direct: 'answered' },
      'Traffic to an address that a program already knows is stopped',
    ],
    [{ profile: 'split', direct: 'any' }, 'gets out before its name is known'],
  ])('says beside the switch what block mode stops, and no more: %j', async (policy, words) => {
    const stream = await Stream.start();
    await stream.until((event) => event === 'regions');
    await peer.haveStreams(1);
    peer.say(aStatus({ blockMode: true, ...policy }));
    const [[, controls] = []] = JSON.parse(await stream.until((event) => event === 'regions')) as [
      string,
      string,
    ][];
    expect(controls).toContain(words);
  });

  it('asks anew when only an incident is told', async () => {
    const stream = await Stream.start();
    await stream.light('clear');
    await peer.haveStreams(1);
    peer.status = aStatus({ state: 'leaking', lamp: 'red', incidents: [anIncident()] });
    peer.emit({ event: 'incident', data: anIncident() });
    await stream.light('leaking');
  });

  it('turns blind when the guard goes, and back when it returns', async () => {
    const stream = await Stream.start();
    await stream.light('clear');
    await peer.vanish();
    await stream.light('blind');
    await peer.resume();
    await stream.light('clear');
  });

  it('turns blind when the guard hangs with its stream open', async () => {
    const stream = await Stream.start();
    await stream.light('clear');
    peer.silent = true;
    await stream.light('blind');
  });

  it('hears nothing more once its session is over, on another browser’s word too', async () => {
    const stream = await Stream.start();
    await stream.light('clear');
    const elsewhere = await owner(page.port);
    await elsewhere.post('/logout', { everywhere: 'yes' });
    await stream.ended;
    expect((await own.ask('/events')).status).toBe(401);
    expect((await own.ask('/regions')).status).toBe(401);
  });

  it('of a visitor hears the light, and no name', async () => {
    peer.status = aStatus({
      state: 'leaking',
      lamp: 'red',
      why: 'bank.example leaked.',
      incidents: [anIncident()],
    });
    const stream = await Stream.start('/light/events');
    const all = await stream.until((event) => event === 'regions');
    expect((JSON.parse(all) as [string, string][]).map(([name]) => name)).toEqual(['light']);
    expect(all).toContain('data-state=\\"leaking\\"');
    expect(all).not.toMatch(/example|home|203\.0/);
  });

  it('gets a beat although nothing changes', async () => {
    const stream = await Stream.start();
    await stream.until((event) => event === 'beat');
    await stream.until((event) => event === 'beat');
  });

  it('skips what is no event and no status', async () => {
    const stream = await Stream.start();
    await stream.light('clear');
    await peer.haveStreams(1);
    peer.write(
      ': comment\n\nevent: status\ndata: {"state":"clear"}\n\nevent: other\ndata: 1\n\nnonsense\n\n',
    );
    peer.say(aStatus({ state: 'idle', lamp: 'amber' }));
    await stream.light('idle');
  });
});

describe('many open pages', () => {
  it('share one stream of the guard, which ends with the last of them', async () => {
    const streams = [await Stream.start(), await Stream.start()];
    for (const stream of streams) await stream.light('clear');
    await peer.haveStreams(1);
    for (const stream of streams) stream.end();
    await peer.haveStreams(0);
  });

  it('are so many and no more; one more can still ask', async () => {
    const other = await owner(page.port);
    const streams = [await Stream.start(), await Stream.start(), await Stream.start('/events', other)];
    const refused = await other.ask('/events');
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '10']);
    const regions = JSON.parse((await own.ask('/regions')).text) as [string, string][];
    expect(regions.map(([name]) => name)).toContain('light');
    for (const stream of streams) await stream.until((event) => event === 'beat');
  });

  it('of one browser leave it connections for what its reader does', async () => {
    const streams = [await Stream.start(), await Stream.start('/incidents/events')];
    for (const path of ['/events', '/incidents/events']) expect((await own.ask(path)).status).toBe(503);
    for (const stream of streams) await stream.until((event) => event === 'beat');
    const [first] = streams;
    first?.end();
    await expect.poll(async () => (await Stream.start()).status).toBe(200);
  });
});
