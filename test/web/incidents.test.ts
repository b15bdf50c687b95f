// What the pages about incidents and the help page say and do.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemOf } from '../../web/pages/box/client-system.ts';
import { hexRows } from '../../web/pages/frames/frame-pages.ts';
import { chosenIn, queryOf } from '../../web/pages/incidents/filters.ts';
import { aClient } from '../box-answers.ts';
import { aStatus, anIncident, GuardPeer } from '../guard-peer.ts';
import { framesOf } from '../browser/samples.ts';
import { owner, showPage } from './listening-page.ts';
import type { Browser, PageUnderTest } from './listening-page.ts';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeEach(async () => {
  peer = await GuardPeer.start();
  const second = anIncident({ id: 'i2', rule: 'D', related: ['i1'], candidates: ['b.example'] });
  peer.status = aStatus({ incidents: [anIncident(), second] });
  page = await showPage({ socketPath: peer.socketPath, timeoutMs: 300 });
  own = await owner(page.port);
});

afterEach(async () => {
  await page.stop();
  await peer.stop();
  expect(page.faults).toEqual([]);
});

describe('an incident', () => {
  it.each([
    [['b.example'], 'The name whose lookup gave this address', 'cannot tell apart'],
    [['b.example', 'c.example'], 'Names Eve cannot tell apart', 'The name whose'],
  ])('says of the names %j what is so', async (candidates, said, unsaid) => {
    peer.status = aStatus({ incidents: [anIncident({ id: 'i3', rule: 'D', candidates })] });
    const { text } = await own.ask('/incidents/i3');
    expect(text).toContain(said);
    expect(text).not.toContain(unsaid);
  });

  it.each([
    ['wireguard', 'E', true],
    ['ipsec', 'E', true],
    ['tls', 'E', false],
    ['openvpn', 'F', false],
  ] as const)('of kind %s under rule %s may be the VPN: %s', async (kind, rule, isVpn) => {
    peer.status = aStatus({ incidents: [anIncident({ id: 'i4', rule, kind })] });
    const { text } = await own.ask('/incidents/i4');
    expect(text.includes('This is my VPN')).toBe(isVpn);
    if (isVpn) expect(text).not.toMatch(/readable on the wire/i);
  });
});

describe('the list', () => {
  it('asks the guard by its own filters, and keeps what was chosen', async () => {
    const { text } = await own.ask('/incidents?text=leak&rule=A&severity=&kind=dns&x=1');
    const asked = new URL(peer.filters[0] ?? '', 'http://api').searchParams;
    expect(Object.fromEntries(asked)).toEqual({ text: 'leak', rule: 'A', kind: 'dns', limit: '200' });
    expect(text).toContain('value="leak"');
    expect(text).toMatch(/<option value="A"\s+selected>/);
    expect(text).toContain('href="/incidents/i2"');
  });

  it('chooses nothing by empty fields and knows no period that is none', () => {
    const chosen = chosenIn(new URLSearchParams('text=+&period=constructor&client=02%3A0'));
    expect(chosen).toEqual({ period: 'constructor', client: '02:0' });
    expect(queryOf(chosen, 0).get('since')).toBeNull();
    expect(queryOf({ period: 'hour' }, 3_600_001).get('since')).toBe('1');
  });

  it('takes moments as UTC, whatever zone the reader is in, and shows them again', async () => {
    const query = '?since=2026-03-01T09:30&until=2026-03-01T10:00:00.000Z&period=hour';
    const { text } = await own.ask(`/incidents${query}`);
    const asked = new URL(peer.filters[0] ?? '', 'http://api').searchParams;
    expect([asked.get('since'), asked.get('until')]).toEqual([
      '2026-03-01T09:30Z',
      '2026-03-01T10:00:00.000Z',
    ]);
    expect(text).toContain('value="2026-03-01T09:30"');
    expect(text).toContain('value="2026-03-01T10:00"');
  });

  it('gives what its filter finds alone, for a page that is open', async () => {
    const { text } = await own.ask('/incidents/found?rule=A');
    expect(peer.filters.at(-1)).toContain('rule=A');
    expect(text).toMatch(/^<section[^>]+id="found"[^>]+data-known="yes"/);
    expect(text).toContain('href="/incidents/i2"');
    await peer.vanish();
    const { status, text: lost } = await own.ask('/incidents/found');
    expect([status, lost.includes('data-known="no"')]).toEqual([200, true]);
  });

  it('offers every kind that a frame can have, so that none is chosen unseen', async () => {
    const { text } = await own.ask('/incidents?kind=gre');
    expect(text).toMatch(/<option value="gre"\s+selected>/);
  });

  it('says that nothing is known, not that there is nothing, when guard or answer is broken', async () => {
    peer.status = { ...aStatus(), incidents: [anIncident(), { id: 'half' }] };
    const broken = await own.ask('/incidents');
    await peer.vanish();
    const gone = await own.ask('/incidents');
    for (const { status, text } of [broken, gone]) {
      expect(status).toBe(502);
      expect(text).toContain('The incidents cannot be read right now.');
      expect(text).not.toContain('Nothing is recorded');
    }
  });

  it('tells what the guard refuses, with every fault', async () => {
    const faults = [{ path: 'kind', message: 'is no kind', remedy: 'send one' }];
    peer.refusal = { status: 400, body: { error: { code: 'invalid', message: 'kind is no kind', faults } } };
    const { status, text } = await own.ask('/incidents?kind=%3Cb%3E');
    expect(status).toBe(400);
    expect(text).toContain('kind: is no kind: send one');
    expect(text).not.toContain('<b>');
  });

  it('acknowledges, and leads back to the same filter', async () => {
    await own.ask('/incidents?rule=A');
    const { status, headers } = await own.post('/incidents?rule=A', { id: 'i1' });
    expect([status, headers.location]).toEqual([303, '/incidents?rule=A']);
    expect(peer.asked).toEqual([{ method: 'POST', path: '/v1/ack', body: { id: 'i1' } }]);
  });
});

describe('an incident', () => {
  it('is told in words, with what to do and what belongs to it', async () => {
    const { text } = await own.ask('/incidents/i2');
    for (const said of ['Name and visit, both visible', 'b.example', 'href="/incidents/i1"', 'macOS'])
      expect(text).toContain(said);
    expect((await own.post('/incidents/i2', { id: 'i2' })).headers.location).toBe('/incidents/i2');
  });

  it('says first what helps on the system its device seems to run', async () => {
    const device = aClient({ vendorClass: 'android-dhcp-14' });
    peer.answers.set('GET /v1/clients', { clients: [aClient({ id: 'other' }), device] });
    const { text } = await own.ask('/incidents/i1');
    expect(text).toMatch(/This device seems to run Android<\/h3>\s*<p>Settings, Network, VPN/);
    expect(text).not.toContain('<dt>Android</dt>');
    expect(text).toContain('<dt>Windows</dt>');
    peer.answers.set('GET /v1/clients', { clients: [{ id: 'broken' }] });
    const all = (await own.ask('/incidents/i1')).text;
    expect([all.includes('seems to run'), all.includes('<dt>Android</dt>')]).toEqual([false, true]);
  });

  it.each([
    ['MSFT 5.0', null, 'Windows'],
    ['udhcp 1.36.1', null, 'Linux'],
    ['somebody', '1,121,3,6,15,119,252', undefined],
    [null, '1,121,3,6,15,108,114,119,252,95,44,46', 'macOS'],
    [null, '1,121,3,6,15,108,114,119,252', 'iOS'],
    [null, '1,3,6', undefined],
    [null, null, undefined],
  ] as const)('of a device that says %j and asks for %j is of %j', (vendorClass, fingerprint, system) => {
    expect(systemOf({ vendorClass, fingerprint })).toBe(system);
  });

  it('that is none is 404, also its evidence', async () => {
    for (const path of ['/incidents/none', '/incidents/none/evidence', '/incidents/..%2f..%2fstatus'])
      expect((await own.ask(path)).status, path).toBe(404);
  });

  it('gives its frames as a file, byte for byte', async () => {
    const answer = await fetch(`${page.url}/incidents/i1/evidence`, { headers: { cookie: own.cookie } });
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="leakguard-evidence.pcapng"',
    );
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(peer.evidence);
  });

  it('shows what Eve reads in its frames, marked in their bytes, hostile values as text', async () => {
    const told = framesOf('bank.example');
    const value = '<script>alert(1)</script>\u202e';
    const reading = { what: 'vendor', value, marks: [{ start: 0, end: 1e9 }] } as const;
    const entry = { section: 'answer', name: value, type: value, rest: value } as const;
    const dns = { state: 'whole', head: value, entries: [entry], more: 7, behind: 1 } as const;
    const sealed = { what: 'quic', value: 'sealed.example', marks: [] } as const;
    const frames = told.frames.map((frame, at) =>
      at === 0 ? frame : { ...frame, readings: [reading, sealed], dns },
    );
    peer.frames = { ...told, frames };
    const { text } = await own.ask('/incidents/i1');
    for (const said of [
      '<b>Name in DNS</b> <bdi>bank.example</bdi> <small>0036–0043</small>',
      '<b>Question</b> <bdi>bank.example</bdi> A <bdi>IN</bdi>',
      '<mark data-reading="7" class="specific">04 62</mark>  ',
      '<bdi>sealed.example</bdi> <small>not marked below</small>',
      'before the block',
      '7 more, not listed',
      'Bytes after the message: 1',
    ])
      expect(text).toContain(said);
    expect(text.split('&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}')).toHaveLength(6);
    expect(text).not.toContain('<script>alert');
  });

  it.each([
    ['cut', 'continues beyond the captured bytes'],
    ['malformed', 'Malformed: these bytes'],
  ] as const)('says of a DNS message that is %s why it shows none', async (state, words) => {
    const { frames, ...rest } = framesOf('bank.example');
    const dns = { state, head: '', entries: [], more: 0, behind: 0 };
    peer.frames = { ...rest, frames: frames.map((frame) => ({ ...frame, dns })) };
    expect((await own.ask('/incidents/i1')).text).toContain(words);
  });

  it.each([
    ['full', 'No frames were captured'],
    ['redacted', 'privacy is &#34;redacted&#34;'],
    ['minimal', 'privacy is &#34;minimal&#34;'],
    ['half', 'The frames cannot be read right now.'],
  ])('says why there is no frame when privacy is %s', async (privacy, words) => {
    peer.frames = { privacy, frames: [] };
    expect((await own.ask('/incidents/i1')).text).toContain(words);
  });

  it('is told also when its frames cannot be', async () => {
    peer.frames = { privacy: 'full', frames: [{}] } as unknown as typeof peer.frames;
    const { status, text } = await own.ask('/incidents/i1');
    expect([status, text.includes('The frames cannot be read right now.')]).toEqual([200, true]);
  });

  it('whose id is hostile stays one path', async () => {
    const id = '../"><script>?x#';
    peer.status = aStatus({ incidents: [anIncident({ id })] });
    const path = `/incidents/${encodeURIComponent(id)}`;
    expect((await own.ask('/incidents')).text).toContain(`href="${path}"`);
    expect((await own.ask(path)).text).not.toContain('<script>');
  });
});

it('bytes stand in rows of eight, with their letters, and those of a reading apart', () => {
  const rows = (hex: string, marks: readonly { start: number; end: number }[] = []): string[] => {
    const readings = marks.map((mark) => ({ what: 'sni', value: '', marks: [mark] }) as const);
    return hexRows(hex, readings).map(({ offset, hex: octets, letters }) =>
      [{ text: `${offset}  `, reading: -1 }, ...octets, ...letters]
        .map(({ text, reading }) => (reading < 0 ? text : `[${reading} ${text}]`))
        .join(''),
    );
  };
  expect(rows('')).toEqual([]);
  expect(rows('004142437f80fe2e20')).toEqual([
    '0000  00 41 42 43 7f 80 fe 2e  .ABC....',
    '0008  20                        ',
  ]);
  const marks = [
    { start: 1, end: 3 },
    { start: 2, end: 4 },
    { start: 7, end: 90 },
  ];
  expect(rows('004142437f80fe2e20', marks)).toEqual([
    '0000  00 [0 41 42] [1 43] 7f 80 fe [2 2e]  .[0 AB][1 C]...[2 .]',
    '0008  [2 20]                       [2  ]',
  ]);
});

it('help tells every rule, every pattern of the LED, every profile, and the limits', async () => {
  const { text } = await own.ask('/help');
  for (const said of [
    'A · Name asked in the clear',
    'T · Hostile network',
    'Red, fast flash',
    'Traffic analysis',
    'Encrypted DNS, nothing direct',
    'DNS over HTTPS to an unknown server',
    'What happens to the traffic of your laptop',
    'visits a protected site at an address it already knows',
    'Leak (B, E), stopped',
  ])
    expect(text).toContain(said);
});
