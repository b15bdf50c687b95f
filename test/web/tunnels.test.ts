// What the pages about tunnels ask of the guard and what they show: nothing is trusted without a yes, and no key stays.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { sureness } from '../../web/pages/tunnels/tunnel-pages.ts';
import { nameFrom } from '../../web/pages/tunnels/tunnel-routes.ts';
import { aStatus } from '../guard-peer.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { closeOwnedPage, freshBox, openOwnedPage } from './listening-page.ts';
import type { Answer, Browser, PageUnderTest } from './listening-page.ts';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const CONF = `[Interface]\nPrivateKey = ${KEY}\n[Peer]\nPublicKey = ${KEY}\nEndpoint = 203.0.113.9:51820\n`;

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeAll(async () => {
  ({ peer, page, own } = await openOwnedPage());
});

beforeEach(() => {
  freshBox(peer);
});

afterAll(() => closeOwnedPage({ page, peer }));

/** A form with a file, as a browser sends it. */
async function upload(path: string, text: string, name = 'hotel.conf'): Promise<Answer> {
  await own.ask('/tunnels');
  const form = new FormData();
  form.append('token', own.token);
  form.append('config', new File([text], name));
  const request = new Request('http://page/', { method: 'POST', body: form });
  const headers = { 'content-type': request.headers.get('content-type') ?? '' };
  return own.ask(path, {
    method: 'POST',
    headers,
    body: Buffer.from(await request.arrayBuffer()).toString('latin1'),
  });
}

const changes = (): readonly string[] =>
  peer.asked
    .filter(({ body }) => JSON.stringify(body) !== '{}')
    .map(({ method, path }) => `${method} ${path}`);

describe('the list', () => {
  it('shows every tunnel with its state, and what was seen on the wire', async () => {
    const { text } = await own.ask('/tunnels');
    for (const said of [
      'home',
      'udp:198.51.100.7:51820',
      '>up<',
      'udp:203.0.113.9:51820',
      'href="/tunnels/remove?name=home"',
    ])
      expect(text).toContain(said);
    expect(changes()).toEqual([]);
  });

  it('escapes names and keeps odd ones apart from the path', async () => {
    const name = '"><script>&a=b';
    const [tunnel] = aStatus().tunnels;
    peer.status = aStatus({ tunnels: tunnel === undefined ? [] : [{ ...tunnel, name }] });
    const { text } = await own.ask('/tunnels');
    expect(text).not.toContain('<script>&');
    const path = `/tunnels/remove?${new URLSearchParams({ name }).toString()}`;
    expect((await own.ask(path)).text).toContain('in use');
  });

  it('says that nobody knows when the guard is gone', async () => {
    await peer.vanish();
    expect((await own.ask('/tunnels')).text).toContain('The monitoring service does not answer');
    await peer.resume();
  });
});

describe('peers anywhere', () => {
  const wish = { name: 'mesh', protocol: 'zerotier', endpoints: 'udp:0.0.0.0/0:*', zerotier: 'a1b2c3d4e5' };
  const sent = { ...wish, endpoints: ['udp:0.0.0.0/0:*'] };

  it.each([
    [{}, {}],
    [{ anywhere: 'no' }, {}],
    [{ anywhere: 'yes' }, { anywhere: true }],
  ])('are asked for with %j, and sent as %j', async (mark, said) => {
    await own.ask('/tunnels');
    expect((await own.post('/tunnels', { ...wish, ...mark })).status).toBe(303);
    expect(peer.asked.at(-1)?.body).toEqual({ ...sent, ...said });
  });

  it('are refused at their own mark, with what they mean, and what was written stays', async () => {
    const faults = [
      { path: 'anywhere', message: 'peers may be anywhere then: held is little', remedy: 'Say yes to that.' },
    ];
    peer.refusal = {
      status: 400,
      body: { error: { code: 'invalid', message: 'that is no tunnel', faults } },
    };
    await own.ask('/tunnels');
    const { status, text } = await own.post('/tunnels', wish);
    expect(status).toBe(409);
    expect(text).toMatch(/name="anywhere"[^>]*aria-invalid="true"/);
    expect(text).toContain('held is little');
    expect(text).toContain('value="a1b2c3d4e5"');
    expect(text).not.toMatch(/name="anywhere" value="yes" checked/);
  });

  it('and meshes that were seen are told in words, on both pages', async () => {
    const [tunnel] = aStatus().tunnels;
    if (tunnel === undefined) throw new Error('no tunnel');
    peer.status = aStatus({
      tunnels: [{ ...tunnel, limits: 'Peers may be anywhere: held is <little>.' }],
      meshes: [
        {
          ...{ mesh: 'nebula', name: 'Nebula', how: 'a handshake of its own', trusted: false },
          ...{ seen: '2026-06-01T12:00:00.000Z', words: 'No list of servers holds <them>.' },
        },
      ],
    });
    expect((await own.ask('/tunnels')).text).toContain('held is &lt;little&gt;.');
    const { text } = await own.ask('/');
    for (const said of ['held is &lt;little&gt;.', 'Nebula', 'No list of servers holds &lt;them&gt;.'])
      expect(text).toContain(said);
  });
});

describe('a configuration', () => {
  it('is read by the guard, shown, and in force only after a yes; the key stays nowhere', async () => {
    const shown = await upload('/tunnels/import', CONF);
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('udp:203.0.113.9:51820');
    expect(shown.text).toContain('line 3: <bdi>&#34;Color&#34; is not a setting');
    expect(shown.text).not.toContain(KEY);
    expect(peer.asked.at(-1)?.body).toEqual({ bytes: Buffer.from(CONF).toString('base64'), name: 'hotel' });
    expect(changes()).toEqual(['POST /v1/tunnels/import']);
    const { status, headers } = await own.post('/tunnels', {
      name: 'hotel',
      protocol: 'wireguard',
      endpoints: 'udp:203.0.113.9:51820',
    });
    expect([status, headers.location]).toEqual([303, '/tunnels']);
    expect(peer.asked.at(-1)).toEqual({
      ...{ method: 'POST', path: '/v1/tunnels' },
      body: { name: 'hotel', protocol: 'wireguard', endpoints: ['udp:203.0.113.9:51820'] },
    });
    for (const file of readdirSync(page.stateDir))
      expect(readFileSync(join(page.stateDir, file), 'utf8')).not.toContain(KEY);
  });

  it('may be its text in a field; nothing at all is told', async () => {
    await own.ask('/tunnels');
    expect((await own.post('/tunnels/import', { text: CONF })).status).toBe(200);
    await own.ask('/tunnels');
    const { status, text } = await own.post('/tunnels/import', { text: ' ' });
    expect([status, text.includes('Choose a file')]).toEqual([422, true]);
  });

  it('that the guard cannot read is refused without being shown again', async () => {
    const faults = [{ path: 'line 1', message: 'this Endpoint is none', remedy: 'It was left out.' }];
    peer.refusal = {
      status: 422,
      body: { error: { code: 'no-endpoint', message: 'no endpoint was found', faults } },
    };
    const { status, text } = await upload('/tunnels/import', CONF);
    expect(status).toBe(422);
    expect(text).toContain('No endpoint was found.');
    expect(text).toContain('line 1: this Endpoint is none');
    expect(text).not.toContain(KEY);
  });

  it('of 10 MB, without a token, or in a broken form is refused', async () => {
    expect((await upload('/tunnels/import', 'x'.repeat(700_000))).status).toBe(413);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const wish = { method: 'POST', headers } as const;
    expect((await own.ask('/tunnels/import', { ...wish, body: 'broken' })).status).toBe(400);
    const stolen = '--x\r\nContent-Disposition: form-data; name="config"\r\n\r\na\r\n--x--\r\n';
    expect((await own.ask('/tunnels/import', { ...wish, body: stolen })).status).toBe(403);
    expect(changes()).toEqual([]);
  });
});

describe('a name that exists', () => {
  const trusted = { protocol: 'wireguard', endpoints: ['udp:198.51.100.7:51820', 'udp:198.51.100.8:51820'] };
  const proposal = { name: 'hotel', protocol: 'wireguard', endpoints: ['udp:203.0.113.9:51820'] };
  const refusal = {
    status: 409,
    body: {
      error: {
        code: 'exists',
        message: 'there is already a tunnel "hotel"',
        faults: [{ path: 'existing', message: 'there is already a tunnel "hotel"', remedy: 'Say it.' }],
      },
    },
  };

  it.each([
    ['wireguard', true],
    ['openvpn', false],
  ])('is shown with what it trusts before a yes (a tunnel of %s)', async (protocol, mayAdd) => {
    peer.answers.set('POST /v1/tunnels/import', {
      ...{ proposal, unused: [], added: false },
      existing: { ...trusted, protocol },
    });
    const { text } = await upload('/tunnels/import', CONF);
    for (const said of trusted.endpoints) expect(text).toContain(said);
    expect(text).toMatch(/type="radio"[^>]*name="existing" value="replace"/);
    expect(/type="radio"[^>]*name="existing" value="add"/.test(text)).toBe(mayAdd);
    expect(text).not.toMatch(/name="existing"[^>]*checked/);
  });

  it.each(['add', 'replace'])('is changed as was said: %s', async (existing) => {
    await own.ask('/tunnels');
    const wish = { name: 'hotel', protocol: 'wireguard', endpoints: 'udp:203.0.113.9:51820', existing };
    expect((await own.post('/tunnels', wish)).status).toBe(303);
    expect(peer.asked.at(-1)?.body).toMatchObject({ existing });
  });

  it('is asked about where it was not known before', async () => {
    peer.refusal = refusal;
    await own.ask('/tunnels');
    const { status, text } = await own.post('/tunnels', {
      name: 'hotel',
      protocol: 'wireguard',
      endpoints: 'x',
    });
    expect(status).toBe(409);
    expect(text).toMatch(/type="radio"[^>]*name="existing" value="add"/);
    expect(text).toContain('There is already a tunnel');
  });
});

describe('a handshake on the wire', () => {
  const path = '/tunnels/learn?endpoint=udp%3A203.0.113.9%3A51820';

  it('is shown with protocol, server and confidence, and trusted after a yes', async () => {
    const { text } = await own.ask(path);
    for (const said of ['WireGuard', 'udp:203.0.113.9:51820', 'high (95 %)', 'a handshake that was answered'])
      expect(text).toContain(said);
    expect(changes()).toEqual([]);
    const { headers } = await own.post('/tunnels/learn', {
      endpoint: 'udp:203.0.113.9:51820',
      name: ' hotel ',
    });
    expect(headers.location).toBe('/tunnels');
    expect(peer.asked.at(-1)?.body).toEqual({ endpoint: 'udp:203.0.113.9:51820', name: 'hotel' });
  });

  it('that was not seen is 404', async () => {
    expect((await own.ask('/tunnels/learn?endpoint=udp%3A1.2.3.4%3A5')).status).toBe(404);
  });

  it('is as sure as it is', () => {
    expect([1, 0.9, 0.6, 0.59].map(sureness)).toEqual(['high', 'high', 'fair', 'low']);
  });
});

describe('a tunnel by hand', () => {
  it('has its faults at its fields, and what was filled in', async () => {
    const faults = [
      { path: 'endpoints[1]', message: 'is no endpoint', remedy: 'Write one.' },
      { path: 'tunnels[3].name', message: 'is taken', remedy: 'Give another.' },
      { path: 'profile', message: 'is odd', remedy: '' },
    ];
    peer.refusal = {
      status: 400,
      body: { error: { code: 'invalid', message: 'that is no tunnel', faults } },
    };
    const { status, text } = await own.post('/tunnels', {
      name: 'a<b',
      protocol: 'openvpn',
      endpoints: 'udp:1.2.3.4:5\nx',
    });
    expect(status).toBe(409);
    expect(text).toContain('That is no tunnel. Nothing was changed.');
    expect(text).toMatch(/id="tunnel-endpoints-fault"><li><bdi>Line 2: is no endpoint\. Write one\./);
    expect(text).toMatch(/id="tunnel-name-fault"><li><bdi>Is taken\. Give another\./);
    expect(text).toContain('value="a&lt;b"');
    expect(text).toMatch(/value="openvpn" selected/);
    expect(text).toMatch(/id="notice"[^]*<li>profile: is odd/);
  });
});

describe('what was the own traffic of a tunnel', () => {
  it('is offered to be acknowledged at once, and only where there is some', async () => {
    const [tunnel] = aStatus().tunnels;
    if (tunnel === undefined) throw new Error('no tunnel');
    const offer = 'It was my VPN: acknowledge all of it (3)';
    expect((await own.ask('/tunnels')).text).not.toContain('It was my VPN');
    peer.status = aStatus({ tunnels: [{ ...tunnel, explained: 3 }] });
    expect((await own.ask('/tunnels')).text).toContain(offer);
    expect((await own.ask('/')).text).toContain('Was your VPN: 3 incidents');
    await own.ask('/tunnels');
    expect((await own.post('/tunnels/ack', { name: 'home' })).headers.location).toBe('/tunnels');
    expect(peer.asked.at(-1)).toMatchObject({ method: 'POST', path: '/v1/tunnels/home/ack' });
  });
});

describe('the removal', () => {
  it('asks first, warns when the tunnel is in use, and then does it', async () => {
    const { text } = await own.ask('/tunnels/remove?name=home');
    expect(text).toContain('This tunnel is in use now.');
    expect(text).toContain('It is the last one');
    expect(changes()).toEqual([]);
    expect((await own.post('/tunnels/remove', { name: 'home' })).headers.location).toBe('/tunnels');
    expect(peer.asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/tunnels/home' });
  });

  it('of one server is asked for on its own, and leaves the others', async () => {
    const [tunnel] = aStatus().tunnels;
    if (tunnel === undefined) throw new Error('no tunnel');
    const [used, other] = ['udp:198.51.100.7:51820', 'udp:198.51.100.8:51820'];
    const servers = [
      { endpoint: used, server: '198.51.100.7', lastSeen: '2026-03-01T10:00:00.000Z' },
      { endpoint: other, server: null, lastSeen: null },
    ];
    peer.answers.set('GET /v1/tunnels', { tunnels: [{ ...tunnel, endpoints: 2, servers }] });
    peer.status = aStatus({ tunnels: [{ ...tunnel, endpoints: 2, servers }] });
    for (const path of ['/tunnels', '/']) {
      const { text } = await own.ask(path);
      for (const said of [used, other, 'datetime="2026-03-01T10:00:00.000Z"', 'never seen'])
        expect(text).toContain(said);
    }
    const path = `/tunnels/remove?${new URLSearchParams({ name: 'home', endpoint: other }).toString()}`;
    expect((await own.ask('/tunnels')).text).toContain(`href="${path.replaceAll('&', '&amp;')}"`);
    const { text } = await own.ask(path);
    expect(text).toContain('The other servers of “home” stay trusted.');
    expect(text).not.toContain('in use now');
    expect((await own.ask(path.replace('100.8', '100.7'))).text).toContain('in use now');
    expect((await own.post('/tunnels/remove', { name: 'home', endpoint: other })).headers.location).toBe(
      '/tunnels',
    );
    expect(peer.asked.at(-1)).toMatchObject({
      method: 'DELETE',
      path: `/v1/tunnels/home/endpoints/${encodeURIComponent(other)}`,
    });
    peer.answers.delete('GET /v1/tunnels');
  });

  it('of what is none leads back', async () => {
    expect((await own.ask('/tunnels/remove?name=none')).headers.location).toBe('/tunnels');
  });
});

it('a file gives the tunnel its name, if that is one', () => {
  expect(
    ['home-nl.conf', '/a/b/Mullvad SE.ovpn', 'C:\\x\\wg0.conf', '../../.conf', '"<b>.conf', ''].map(nameFrom),
  ).toEqual([...['home-nl', 'Mullvad SE', 'wg0', 'tunnel', 'b', 'tunnel']]);
});
