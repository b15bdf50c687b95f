// What the pages about devices, health and the dossier say, and what they must not say when it is not known.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { bytesText, machineChecks, portRow } from '../../../../web/pages/box/box-pages.ts';
import { chosenFrom, dossierQuery } from '../../../../web/pages/dossier/dossier-routes.ts';
import { eveWords, filled } from '../../../../web/pages/dossier/eve-words.ts';
import type { HealthView } from '../../../../src/api/status.ts';
import { aClient, aDossier, someHealth } from '../../../box-answers.ts';
import { aStatus, someAllowed } from '../../../guard-peer.ts';
import type { GuardPeer } from '../../../guard-peer.ts';
import { closeOwnedPage, freshBox, openOwnedPage } from '../../listening-page.ts';
import type { Browser, PageUnderTest } from '../../listening-page.ts';

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

const HOSTILE = '<script>alert(1)</script>\u202e';
const asked = (): URLSearchParams => new URL(peer.asked.at(-1)?.path ?? '', 'http://api').searchParams;

describe('the dossier', () => {
  it('is told in her words, with every name escaped', async () => {
    const [site] = aDossier().sites;
    const sites = site === undefined ? [] : [{ ...site, site: HOSTILE }];
    peer.answers.set('GET /v1/dossier', aDossier({ sites, devices: [aClient({ hostName: HOSTILE })] }));
    const { text } = await own.ask('/dossier');
    for (const said of [
      'I have 1\u202f204 frames',
      'You hide behind a VPN',
      'registered in NL',
      'asked 4 times, visited 12 times',
      '\\u{202e}',
      '&lt;script&gt;',
    ])
      expect(text).toContain(said);
    expect(text).not.toContain('<script>alert');
  });

  it('has what the profile lets go direct, and does not say then that she has nothing', async () => {
    const [visit] = someAllowed().rows;
    const rows = visit === undefined ? [] : [{ ...visit, name: HOSTILE }];
    const quiet = { escaped: 0, sites: [], destinations: [] };
    peer.answers.set('GET /v1/dossier', aDossier({ ...quiet, allowed: someAllowed({ rows, more: 2 }) }));
    const { text } = await own.ask('/dossier');
    for (const said of [
      'Your profile lets other traffic pass me outside the tunnel: I have 20\u202f417 frames',
      'Allowed by profile',
      '203.0.113.5, tcp 443',
      'And 2 more',
      '&lt;script&gt;',
    ])
      expect(text).toContain(said);
    expect(text).not.toContain('I have nothing on you');
    expect(text).not.toContain('<script>alert');
  });

  it('asks for the time, device and rule that were chosen, by default for the last day', () => {
    const now = Date.parse('2026-03-02T10:00:00Z');
    const query = (words: string): Readonly<Record<string, string>> =>
      Object.fromEntries(dossierQuery(chosenFrom(new URLSearchParams(words)), now));
    expect(query('')).toEqual({ since: String(now - 86_400_000) });
    expect(query('period=all&client=02%3A0&rule=A')).toEqual({ since: '0', client: '02:0', rule: 'A' });
    expect(query('since=2026-03-01T10:00&until=2026-03-01T11:30')).toEqual({
      since: '2026-03-01T10:00Z',
      until: '2026-03-01T11:30Z',
    });
    expect(query('period=constructor&since=yesterday')).toEqual({ since: 'yesterday' });
  });

  it('comes as a file in every form, with the same question', async () => {
    for (const [format, name] of [
      ['text', 'leakguard-report.txt'],
      ['json', 'leakguard-report.json'],
      ['csv', 'leakguard-incidents.csv'],
      ['html', 'leakguard-report.html'],
      ['eve', 'leakguard-eve.json'],
    ]) {
      const { status, headers, text } = await own.ask(
        `/dossier/file?format=${String(format)}&rule=A&period=week`,
      );
      expect([status, text]).toEqual([200, 'a report']);
      expect(headers['content-disposition']).toBe(`attachment; filename="${String(name)}"`);
      expect([asked().get('format'), asked().get('rule')]).toEqual([format, 'A']);
      expect(Number(asked().get('since'))).toBeGreaterThan(0);
    }
    expect((await own.ask('/dossier/file?format=exe')).status).toBe(404);
  });

  it('says what the guard refuses, and that nothing is known when it is gone', async () => {
    peer.answers.set('GET /v1/dossier', { from: null });
    const { status, text } = await own.ask('/dossier');
    expect(status).toBe(502);
    expect(text).toContain('The dossier cannot be read right now.');
    expect(text).not.toContain('I have nothing on you');
  });

  it('does not let her say more than was kept', () => {
    const now = '2026-03-01T12:00:00.000Z';
    expect(eveWords(aDossier({ privacy: 'minimal' }), now).join(' ')).not.toContain('bank');
    const nothing = { escaped: 0, sites: [], destinations: [], devices: [] };
    expect(eveWords(aDossier(nothing), now)[0]).toContain('nothing on you but a tunnel');
    expect(eveWords(aDossier(), now)).toContain('I saw one of them visited, and I know when.');
    expect(filled('{a} {b} {constructor}', { a: '{b}', b: 'x' })).toBe('{b} x {constructor}');
  });
});

describe('the devices', () => {
  it('are shown with what each tells every network, escaped', async () => {
    const hostile = aClient({ hostName: HOSTILE, vendorClass: HOSTILE, id: '"><b>' });
    peer.answers.set('GET /v1/clients', {
      clients: [hostile, aClient({ vendor: 'Xensource', randomised: false, hostName: null })],
    });
    const { text } = await own.ask('/clients');
    for (const said of ['&lt;script&gt;', 'Xensource', 'Unnamed device', 'the device made this address up'])
      expect(text).toContain(said);
    expect(text).not.toContain('<script>alert');
    expect(text).toContain(`href="/incidents?client=${encodeURIComponent('"><b>')}"`);
  });

  it('that cannot be told are not none', async () => {
    peer.answers.set('GET /v1/clients', { clients: [{ id: 'x' }] });
    const { status, text } = await own.ask('/clients');
    expect([status, text.includes('No device has been seen')]).toEqual([502, false]);
  });
});

describe('health', () => {
  it('says how guard, ports and machine are', async () => {
    const { text } = await own.ask('/health');
    for (const said of [
      'Frame totals',
      '1\u202f000 Mbit/s',
      '52 °C',
      '3 d 4 h',
      'read back and verified',
      '640.0\u202fMB of 1.0\u202fGB',
    ])
      expect(text).toContain(said);
  });

  it.each([
    ['nothing', {}, undefined],
    ['a high load', { machine: { ...someHealth().machine, load: [9, 9, 9] } }, 'Load'],
    [
      'a full disk',
      { machine: { ...someHealth().machine, disk: { total: 1e9, available: 1e6 } } },
      'Free disk space',
    ],
    [
      'no cable',
      { ports: someHealth().ports.map((port) => ({ ...port, carrier: false })) },
      'lan0, wan0, br0',
    ],
  ])('says that all is good beside nothing that is marked: %s', async (_what, changes, marked) => {
    const proof = { at: new Date().toISOString(), detail: 'a forged leak was seen, counted and held' };
    const guard = { ...aStatus().health, proof };
    peer.answers.set('GET /v1/health', someHealth({ guard, ...changes }));
    const { text } = await own.ask('/health');
    expect(text.includes('All good')).toBe(marked === undefined);
    expect(text.includes('data-ok="no"')).toBe(marked !== undefined);
    if (marked !== undefined) expect(text).toContain(`see below: ${marked}.`);
  });

  it('says when it was last proven that a leak is caught, or that it was not', async () => {
    const proven = (proof: HealthView['proof']) => ({ ...aStatus().health, proof });
    const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
    const detail = 'a forged leak was seen, counted and held';
    for (const [proof, said, isRecent] of [
      [{ at: ago(1), detail }, /last caught [1-4] s ago/, true],
      [{ at: ago(300), detail: 'the tap on lan did not see it' }, /last caught 5 min ago/, false],
      [{ at: null, detail: 'no forged leak could be sent' }, /not caught yet/, false],
      [undefined, /not tested: this box sends no test leaks/, false],
    ] as const) {
      peer.status = aStatus({ health: proven(proof) });
      peer.answers.set('GET /v1/health', someHealth({ guard: proven(proof) }));
      for (const path of ['/', '/health']) {
        const { text } = await own.ask(path);
        const row = /<li data-ok="(\w+)"><span>(?:<bdi>)?Test leak \(forged by the box\).*/.exec(text);
        expect(row?.[0], path).toMatch(said);
        expect(row?.[0], path).toContain(proof?.detail ?? '');
        expect(row?.[1], path).toBe(isRecent ? 'yes' : 'no');
      }
    }
    peer.status = aStatus();
  });

  it('shows what is not well as not well, and what is not known as not known', () => {
    const { machine, ports } = someHealth();
    const well = (checks: ReturnType<typeof machineChecks>): Readonly<Record<string, string>> =>
      Object.fromEntries(checks.map(({ what, well: state }) => [what, state]));
    expect(
      well(machineChecks({ ...machine, temperature: null, disk: null, throttling: null }, 'owner')),
    ).toMatchObject({
      ...{
        Temperature: 'unknown',
        'Free disk space': 'unknown',
        Throttled: 'unknown',
        'Free memory': 'yes',
        Clock: 'unknown',
      },
    });
    const bad = {
      load: [9, 9, 9],
      memory: { total: 100, available: 4 },
      temperature: 85,
      throttling: { now: [], before: ['warm'] },
    };
    expect(well(machineChecks({ ...machine, ...bad }, 'network'))).toMatchObject({
      ...{ Load: 'no', 'Free memory': 'no', Temperature: 'no', Throttled: 'no' },
    });
    const [lan] = ports;
    if (lan === undefined) throw new Error('no port');
    expect(portRow({ ...lan, carrier: false })).toMatchObject({ well: 'no', cable: 'not connected' });
    expect(portRow({ ...lan, present: false })).toMatchObject({ well: 'no', cable: 'missing' });
    expect(portRow({ ...lan, carrier: null, offloads: null })).toMatchObject({
      well: 'unknown',
      offloadsWell: 'unknown',
    });
    expect(portRow({ ...lan, offloads: ['rx-gro-hw'] })).toMatchObject({
      offloadsWell: 'no',
      offloads: 'rx-gro-hw',
    });
  });

  it('offers the browser’s clock where the owner sets the box’s, to a browser that runs the script', async () => {
    expect((await own.ask('/health')).text).toMatch(
      /<form[^>]* id="clock-offer"[^>]* action="\/health\/clock" data-now="20[^"]+Z" hidden>/,
    );
    for (const [timeSource, said] of [
      ['network', 'A time service on this machine sets it.'],
      ['machine', 'cannot be set here'],
    ] as const) {
      peer.answers.set('GET /v1/health', someHealth({ timeSource }));
      const { text } = await own.ask('/health');
      expect(text).toContain(said);
      expect(text).not.toContain('clock-offer');
    }
  });

  it('hands the browser’s time to the guard, once, and says what became of it', async () => {
    await own.ask('/health');
    peer.asked.length = 0;
    const wall = Date.parse('2027-11-22T10:00:00Z');
    const done = await own.post('/health/clock', { wall: String(wall) });
    expect([done.status, done.headers.location]).toEqual([303, '/health?done=clock#machine-title']);
    expect(peer.asked).toMatchObject([{ method: 'POST', path: '/v1/clock', body: { wall } }]);
    expect((await own.ask('/health?done=clock')).text).toContain('The clock was set.');
    const error = { code: 'kept', message: 'chrony keeps this clock', faults: [] };
    peer.refusal = { status: 409, body: { error } };
    const refused = await own.post('/health/clock', { wall: 'x' });
    expect([refused.status, refused.text.includes('Chrony keeps this clock.')]).toEqual([409, true]);
    expect((await own.post('/health/clock', { token: 'x', wall: '1' })).status).toBe(403);
  });

  it('is not well when nobody says how it is', async () => {
    peer.answers.delete('GET /v1/health');
    const { status, text } = await own.ask('/health');
    expect(status).toBe(502);
    expect(text).not.toContain('All good');
  });

  it.each([
    [0, '0\u202fB'],
    [999, '999\u202fB'],
    [1_234_567, '1.2\u202fMB'],
    [31e12, '31.0\u202fTB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});
