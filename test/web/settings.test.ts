// What the settings page sends to the guard, where it shows each fault, and what comes down and goes up as a file.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { settingsIn, valuesFrom, valuesOf } from '../../web/pages/settings/settings-fields.ts';
import { someSettings } from '../box-answers.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { closeOwnedPage, freshBox, openOwnedPage } from './listening-page.ts';
import type { Browser, PageUnderTest } from './listening-page.ts';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeAll(async () => {
  ({ peer, page, own } = await openOwnedPage());
});

beforeEach(async () => {
  freshBox(peer);
  await own.ask('/settings');
  peer.asked.length = 0;
});

afterAll(() => closeOwnedPage({ page, peer }));

const told = (): unknown[] =>
  peer.asked.filter(({ method }) => method !== 'GET').map(({ path, body }) => [path, body]);

describe('a form of the page', () => {
  it('sends its own settings and no others', async () => {
    const { status, headers } = await own.post('/settings/record', {
      privacy: 'redacted',
      retentionDays: '7',
      profile: 'split',
    });
    expect([status, headers.location]).toEqual([303, '/settings?done=record#record']);
    expect(told()).toEqual([['/v1/settings', { privacy: 'redacted', privacyKey: 'disk', retentionDays: 7 }]]);
    expect((await own.ask('/settings?done=record')).text).toContain('Saved and in force.');
  });

  it('sends lists by their lines, and exceptions by their rows', async () => {
    await own.post('/settings/rules', {
      ...{ profile: 'split', localChatter: 'red', mustTunnel: ' bank.example \r\n\r\n*.clinic.example\r\n' },
      ...{ direct: 'answered', resolvers: '', proxies: '' },
      ...{
        'allow.0.to': '',
        'allow.0.why': 'removed',
        'allow.1.to': '192.0.2.9',
        'allow.1.transport': 'tcp',
      },
      ...{
        'allow.1.port': '631',
        'allow.1.client': '',
        'allow.1.why': 'scanner',
        'allow.2.to': 'x',
        'allow.2.port': 'a',
      },
    });
    expect(told()).toEqual([
      [
        '/v1/settings',
        {
          ...{ profile: 'split', localChatter: 'red', mustTunnel: ['bank.example', '*.clinic.example'] },
          ...{ direct: 'answered', resolvers: [], proxies: [] },
          allow: [
            { to: '192.0.2.9', transport: 'tcp', port: 631, why: 'scanner' },
            { to: 'x', port: 'a', why: '' },
          ],
        },
      ],
    ]);
  });

  it('shows every fault at its field, with what was filled in, and the rest above', async () => {
    const faults = [
      { path: 'mustTunnel[1]', message: '"a b" is no domain name', remedy: 'Write one.', line: 9 },
      { path: 'allow[0].port', message: 'ICMP has no ports', remedy: 'Remove it.' },
      { path: 'allow[0]', message: 'is odd', remedy: '' },
      { path: 'tunnels[0].endpoints', message: 'are none', remedy: 'Name one.' },
    ];
    peer.refusal = { status: 422, body: { error: { code: 'policy', message: 'it is invalid', faults } } };
    const { status, text } = await own.post('/settings/rules', {
      ...{
        profile: 'split',
        mustTunnel: 'bank.example\na b',
        'allow.0.to': '192.0.2.1',
        'allow.0.port': '5',
      },
    });
    expect(status).toBe(409);
    expect(text).toMatch(
      /id="rules-mustTunnel-fault"><li><bdi>Line 2: &#34;a b&#34; is no domain name\. Write one\./,
    );
    expect(text).toMatch(/id="rules-allow-0-port-fault"><li><bdi>ICMP has no ports\./);
    expect(text).toMatch(/id="rules-allow-0-to-fault"><li><bdi>Is odd\./);
    expect(text).toMatch(
      /id="rules-mustTunnel"[^>]*aria-invalid="true"[^>]*>\s*bank\.example\na b<\/textarea>/,
    );
    expect(text).toMatch(/value="split" checked/);
    const notice = /id="notice"[^]*?<\/div>/.exec(text)?.[0] ?? '';
    expect(notice).toContain('Nothing was changed. The problems are marked at the fields below.');
    expect(notice).toContain('tunnels[0].endpoints: are none');
    expect(notice).not.toContain('ICMP');
  });

  it('that is older than what is in force undoes nothing: it is shown again, with what is in force, and may be sent anew', async () => {
    const basisIn = (text: string, part: string): string =>
      new RegExp(`action="/settings/${part}"[^]*?name="basis" value="([^"]+)"`).exec(text)?.[1] ?? '';
    const filledIn = { privacy: 'full', privacyKey: 'disk', retentionDays: '7' };
    const old = basisIn((await own.ask('/settings')).text, 'record');
    peer.answers.set('GET /v1/settings', someSettings({ privacy: 'minimal', digest: 'now' }));
    const { status, text } = await own.post('/settings/record', { ...filledIn, basis: old });
    expect([status, told()]).toEqual([409, []]);
    expect(text).toContain('These settings were changed in the meantime');
    expect(text).toMatch(/id="record-privacy-fault"><li><bdi>In force now: minimal\./);
    expect(text).toMatch(/id="record-retentionDays-fault"><li><bdi>In force now: 30\./);
    expect(text).toMatch(/name="privacy" value="full" checked/);
    const fresh = basisIn(text, 'record');
    // What other forms change is none of its business.
    peer.answers.set(
      'GET /v1/settings',
      someSettings({ privacy: 'minimal', profile: 'split', digest: 'later' }),
    );
    expect((await own.post('/settings/record', { ...filledIn, basis: fresh })).status).toBe(303);
    expect(told()).toEqual([
      ['/v1/settings', { privacy: 'full', privacyKey: 'disk', retentionDays: 7, basis: 'later' }],
    ]);
  });

  it('does not take the page itself away by accident', async () => {
    const words = { address: 'none', hostname: 'box' };
    const refused = await own.post('/settings/address', words);
    expect(refused.text).toMatch(
      /id="address-address-fault"><li><bdi>With “none”, this page can no longer be opened/,
    );
    expect(told()).toEqual([]);
    expect((await own.post('/settings/address', { ...words, none: 'known' })).status).toBe(303);
    expect(told()).toEqual([
      ['/v1/settings', { management: { address: 'none', hostname: 'box', ssh: false } }],
    ]);
  });

  it('opens the door for ssh by a mark, and shuts it by none', async () => {
    const words = { address: 'dhcp', hostname: 'box' };
    const sent = (ssh: unknown) => ['/v1/settings', { management: { ...words, ssh } }];
    const marked = /type="checkbox" id="address-ssh" name="ssh" value="yes" checked/;
    const { text } = await own.ask('/settings');
    expect(text).not.toMatch(marked);
    // A browser sends the mark's field first and the hidden one behind it, or the hidden one alone.
    expect(text).toMatch(/name="ssh" value="yes"[^]*<input type="hidden" name="ssh" value="no">/);
    await own.post('/settings/address', { ...words, ssh: 'yes' });
    const management = { ...words, ssh: true };
    peer.answers.set('GET /v1/settings', someSettings({ management }));
    expect((await own.ask('/settings')).text).toMatch(marked);
    await own.post('/settings/address', { ...words, ssh: 'no' });
    await own.post('/settings/address', { ...words, ssh: 'maybe' });
    expect(told()).toEqual([sent(true), sent(false), sent('maybe')]);
  });

  it.each(['rules', 'record', 'address', 'past', 'lamp', 'restore'])(
    'is nothing without its token: %s',
    async (part) => {
      expect((await own.post(`/settings/${part}`, { token: 'x', pattern: 'red' })).status).toBe(403);
      expect(told()).toEqual([]);
    },
  );
});

describe('the past', () => {
  it('can be written anew when it tells more than the privacy in force', async () => {
    expect((await own.ask('/settings')).text).not.toContain('/settings/past');
    peer.answers.set('GET /v1/history', { privacy: 'redacted', laxerPast: 1204 });
    expect((await own.ask('/settings')).text).toContain('1\u202f204 past incidents');
    expect((await own.post('/settings/past')).headers.location).toBe('/settings?done=past#record');
    expect(told()).toEqual([['/v1/history/rewrite', {}]]);
  });
});

describe('the LED', () => {
  it('is tried out, and that is said', async () => {
    expect((await own.post('/settings/lamp', { pattern: 'green' })).headers.location).toBe(
      '/settings?done=lamp-green#lamp',
    );
    expect(told()).toEqual([['/v1/lamp/test', { pattern: 'green' }]]);
    expect((await own.ask('/settings?done=lamp-green')).text).toContain(
      'Meanwhile the LED says nothing about the wire.',
    );
    expect((await own.post('/settings/lamp', { pattern: 'blue' })).status).toBe(400);
  });

  it('that is not there is not tried out', async () => {
    peer.answers.set('GET /v1/settings', someSettings({ lamp: 'none' }));
    expect((await own.ask('/settings')).text).toContain('This box has no LED.');
  });
});

describe('the backup', () => {
  it('comes as a file, byte for byte, and goes back whole', async () => {
    const { headers, text } = await own.ask('/settings/policy.yaml');
    expect(headers['content-disposition']).toBe('attachment; filename="policy.yaml"');
    expect(text).toBe('# mine\nversion: 1\n');
    expect((await own.post('/settings/restore', { policy: text })).status).toBe(303);
    expect(told()).toEqual([['/v1/policy', { text }]]);
  });

  it('with a fault is refused, each fault by its line', async () => {
    const faults = [{ path: 'profile', message: 'is none', remedy: 'Write one.', line: 3 }];
    peer.refusal = { status: 422, body: { error: { code: 'policy', message: 'it is invalid', faults } } };
    const { text } = await own.post('/settings/restore', { policy: 'x' });
    expect(text).toContain('line 3, profile: is none: Write one.');
    peer.refusal = undefined;
    expect((await own.post('/settings/restore', { policy: '' })).text).toContain('Choose a file first.');
  });

  it('can be restored where the policy is so broken that nothing can be edited', async () => {
    peer.answers.delete('GET /v1/settings');
    const { status, text } = await own.ask('/settings');
    expect(status).toBe(502);
    expect(text).not.toContain('action="/settings/rules"');
    expect(text).toContain('action="/settings/restore"');
  });
});

it('what is not on a form stays as it was', () => {
  const before = valuesOf(someSettings({ mustTunnel: ['a.example'] }));
  const values = valuesFrom(new URLSearchParams({ profile: 'split' }), before);
  expect(values.allow).toEqual(before.allow);
  expect(settingsIn('rules', values)['mustTunnel']).toEqual(['a.example']);
  expect(
    settingsIn('record', valuesFrom(new URLSearchParams({ retentionDays: '1e3' }), before))['retentionDays'],
  ).toBe('1e3');
});
