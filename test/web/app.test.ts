// What the page answers to browsers, to strangers and when the guard is gone. Against a real server, with the local API's other side played
// by GuardPeer on a real Unix socket.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { someSettings } from '../box-answers.ts';
import { aStatus, anIncident, GuardPeer, someAllowed } from '../guard-peer.ts';
import { Browser, owner, PASSWORD, showPage } from './listening-page.ts';
import type { PageUnderTest } from './listening-page.ts';

const FORM = 'application/x-www-form-urlencoded';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeEach(async () => {
  peer = await GuardPeer.start();
  page = await showPage({ socketPath: peer.socketPath, hostNames: ['leakguard.lan'], timeoutMs: 300 });
  own = await owner(page.port);
});

afterEach(async () => {
  await page.stop();
  await peer.stop();
  expect(page.faults).toEqual([]);
});

const light = (html: string): string | undefined => /id="light" data-state="(\w+)"/.exec(html)?.[1];

describe('the status page', () => {
  it('shows state, reason, ledger, tunnels and incidents', async () => {
    const incidents = [anIncident({ exposure: 'bank.example', escaped: 1204 })];
    const ledger = { attempted: 1204, escaped: 1204, blocked: 0, unseen: 0 };
    peer.status = aStatus({
      state: 'leaking',
      lamp: 'red',
      why: 'It leaks.',
      incidents,
      ledger,
      unacknowledged: 1,
    });
    const { status, text } = await own.ask('/');
    expect(status).toBe(200);
    expect(light(text)).toBe('leaking');
    for (const said of [
      'It leaks.',
      'bank.example',
      '1\u202f204',
      'udp:198.51.100.7:51820',
      'Everything through the tunnel',
    ])
      expect(text).toContain(said);
  });

  it('lists what the profile lets go direct beside the incidents, with every name escaped', async () => {
    const [visit, nameless] = someAllowed().rows;
    if (visit === undefined || nameless === undefined) throw new Error('no rows');
    const rows = [{ ...visit, name: '<script>alert(1)</script>\u202e' }, nameless];
    peer.status = aStatus({ profile: 'proxy-stub', direct: 'any', allowed: someAllowed({ rows, more: 4 }) });
    const { text } = await own.ask('/');
    for (const said of [
      'Allowed by profile',
      'It is not a leak, but an eavesdropper (“Eve”) can see all of it.',
      '203.0.113.5, tcp 443',
      '1\u202f304 connections or lookups',
      'no name',
      'And 4 more.',
      '&lt;script&gt;',
      '\\u{202e}',
      'Name lookups through an encrypted resolver, other traffic anywhere',
      'No leak has left. Your profile lets other traffic leave outside the tunnel',
      'Traffic that your profile allows outside the tunnel is listed below.',
    ])
      expect(text).toContain(said);
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('Nothing has left outside the tunnel.');
  });

  it('says nothing of it where the profile lets nothing go direct', async () => {
    peer.status = aStatus();
    const { text } = await own.ask('/');
    expect(text).toMatch(/<section class="card" id="allowed"[^>]* hidden/);
    expect(text).toContain('Nothing has left outside the tunnel.');
    expect(text).not.toContain('can see all of it');
  });

  it('is blind and not green when the guard is gone, hangs, or says what is no status', async () => {
    peer.status = { ...aStatus(), health: undefined };
    expect(light((await own.ask('/')).text)).toBe('blind');
    peer.status = aStatus();
    expect(light((await own.ask('/')).text)).toBe('clear');
    peer.silent = true;
    const hung = (await own.ask('/')).text;
    expect(light(hung)).toBe('blind');
    expect(hung).toContain('Last known, not current');
    peer.silent = false;
    await peer.vanish();
    expect(light((await own.ask('/')).text)).toBe('blind');
  });

  it('escapes what comes from the wire, and shows what would hide or reorder text', async () => {
    const exposure = '<script>alert(1)</script>"\' onload=x \u202egpj.exe\u0007';
    peer.status = aStatus({
      incidents: [anIncident({ exposure, why: exposure, id: '"><img src=x>' })],
      why: exposure,
    });
    const { text } = await own.ask('/');
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('<img');
    expect(text).toContain('&lt;script&gt;alert(1)');
    expect(text).toContain('\\u{202e}gpj.exe\\u{7}');
  });

  it('has nothing inline that its own policy forbids', async () => {
    const { text, headers } = await own.ask('/');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(text).not.toMatch(/<style|style="|\son\w+="|<script(?![^>]*src=)/);
  });

  it('serves its files and nothing else', async () => {
    const { text } = await own.ask('/');
    const addresses = [...text.matchAll(/(?:href|src)="(\/(?:public|light)\/[^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(addresses.length).toBeGreaterThanOrEqual(6);
    for (const address of addresses) expect((await own.ask(address)).status).toBe(200);
    for (const path of [
      '/public/../app.ts',
      '/public/%2e%2e%2fapp.ts',
      '/public/..%5capp.ts',
      '/light/x.svg',
      '/v1/status',
    ])
      expect((await own.ask(path)).status).toBe(404);
    expect((await own.ask('/', { method: 'DELETE' })).status).toBe(405);
  });

  it('packs its files for who takes them packed, and no page, whose length would tell', async () => {
    const packed = await fetch(`${page.url}/public/page.css`, { headers: { 'accept-encoding': 'gzip' } });
    const plain = await own.ask('/public/page.css', { headers: { 'accept-encoding': 'identity' } });
    expect([packed.headers.get('content-encoding'), packed.headers.get('vary')]).toEqual([
      'gzip',
      'Accept-Encoding',
    ]);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(await packed.text()).toBe(plain.text);
    const status = await own.ask('/', { headers: { 'accept-encoding': 'gzip' } });
    expect(status.headers['content-encoding']).toBeUndefined();
  });
});

describe('a change', () => {
  it('is passed on with 303 when it comes from the page, without script', async () => {
    const answers = [
      await own.post('/block', { on: 'yes' }),
      await own.post('/ack', { id: 'i1', shown: '2' }),
      await own.post('/ack', { id: 'all', shown: '2' }),
      await own.post('/pass', { seconds: '300' }),
      await own.post('/pass/end'),
    ];
    for (const { status, headers } of answers) expect([status, headers.location]).toEqual([303, '/']);
    expect(peer.asked).toEqual([
      { method: 'PUT', path: '/v1/block', body: { on: true } },
      { method: 'POST', path: '/v1/ack', body: { id: 'i1' } },
      { method: 'POST', path: '/v1/ack', body: { id: 'all', unacknowledged: 2 } },
      { method: 'POST', path: '/v1/pass', body: { seconds: 300 } },
      { method: 'DELETE', path: '/v1/pass', body: {} },
    ]);
  });

  it('is refused without the token, with a stranger’s, from another site, or in another shape', async () => {
    const stranger = await owner(page.port);
    const headers = { 'content-type': FORM };
    const post = async (body: string, more: Readonly<Record<string, string>> = {}) =>
      (await own.ask('/block', { method: 'POST', headers: { ...headers, ...more }, body })).status;
    expect(await post('on=yes')).toBe(403);
    expect(await post(`on=yes&token=${stranger.token}`)).toBe(403);
    expect(await post(`on=yes&token=${own.token}`, { cookie: '' })).toBe(401);
    expect(await post(`on=yes&token=${own.token}`, { origin: 'http://evil.example' })).toBe(403);
    expect(await post(`on=yes&token=${own.token}`, { origin: 'null' })).toBe(403);
    expect(await post(`on=yes&token=${own.token}`, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post(`on=maybe&token=${own.token}`)).toBe(400);
    expect(await post(`on=yes&token=${own.token}`, { 'content-type': 'application/json' })).toBe(415);
    expect(await post(`on=yes&token=${own.token}&x=${'x'.repeat(5000)}`)).toBe(413);
    expect(peer.asked).toEqual([]);
    expect(
      await post(`on=yes&token=${own.token}`, {
        origin: `http://127.0.0.1:${page.port}`,
        host: `127.0.0.1:${page.port}`,
      }),
    ).toBe(303);
  });

  it('that the guard refuses is told on the page, with every fault', async () => {
    const faults = [{ path: 'on', message: 'cannot be', remedy: 'mend it' }];
    peer.refusal = { status: 409, body: { error: { code: 'no', message: 'The kernel said <no>.', faults } } };
    const { status, text } = await own.post('/block', { on: 'yes' });
    expect(status).toBe(409);
    for (const said of ['The kernel said &lt;no&gt;.', 'Nothing was changed.', 'on: cannot be: mend it'])
      expect(text).toContain(said);
  });

  it('whose effect nobody knows is told as that', async () => {
    peer.refusal = { status: 500, body: { error: { code: 'kernel', message: 'Half done.', faults: [] } } };
    const failed = await own.post('/ack', { id: 'all' });
    expect(failed.status).toBe(502);
    expect(failed.text).toContain('Half done. It is not known whether the change took effect');
    await peer.vanish();
    const { status, text } = await own.post('/ack', { id: 'all' });
    expect(status).toBe(502);
    expect(text).toContain('It is not known whether the change took effect');
  });

  it('gets a cookie that other sites and scripts cannot use', async () => {
    const stranger = new Browser(page.port);
    const first = await stranger.ask('/');
    const login = await stranger.post('/login', { password: PASSWORD });
    const cookies = [first, login].flatMap(({ headers }) => headers['set-cookie'] ?? []);
    expect(cookies.map((cookie) => /^[^=]+/.exec(cookie)?.[0]).sort()).toEqual([
      'leakguard-browser',
      'leakguard-session',
      'leakguard-visitor',
    ]);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/samesite=strict/i);
      expect(cookie).toMatch(/httponly/i);
      expect(cookie).not.toMatch(/domain=/i);
    }
  });
});

describe('the host name', () => {
  it('is the address, localhost or one that was given; any other is rebinding and refused', async () => {
    const withHost = async (host: string) => (await own.ask('/', { headers: { host } })).status;
    for (const host of [
      '127.0.0.1',
      `127.0.0.1:${page.port}`,
      'localhost:80',
      'LEAKGUARD.lan',
      '[::1]:8080',
      'leakguard.lan.',
    ])
      expect(await withHost(host), host).toBe(200);
    for (const host of [
      'evil.example',
      '192.0.2.7',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.1, evil.example',
      '127.0.0.1:99999',
      '[::1%25lo]',
      'a b',
      '[::1',
    ])
      expect([400, 421], host).toContain(await withHost(host));
    for (const path of ['http://evil.example/', 'http://127.0.0.1:99999/', 'http://127.0.0.1/'])
      expect((await own.ask(path)).status, path).toBe(400);
  });

  it('may be what the policy calls the box, and strangers who try names ask the guard but now and then', async () => {
    const settings = someSettings({ management: { address: 'dhcp', hostname: 'Hotel-Box', ssh: false } });
    peer.answers.set('GET /v1/settings', settings);
    const withHost = async (host: string) => (await own.ask('/', { headers: { host } })).status;
    const tried = await Promise.all(['hotel-box', 'hotel-box.', 'other', 'box.hotel-box'].map(withHost));
    expect(tried).toEqual([200, 200, 421, 421]);
    expect(peer.asked.filter(({ path }) => path === '/v1/settings')).toHaveLength(1);
  });

  it('is refused with the headers of every other answer', async () => {
    const { status, headers } = await own.ask('/', { headers: { host: 'evil.example' } });
    expect(status).toBe(421);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});
