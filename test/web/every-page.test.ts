// What holds for every page and every file that is taken away: nothing inline, nothing said outside the texts, the headers.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { anIncident, aStatus } from '../guard-peer.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { Browser, closeOwnedPage, freshBox, openOwnedPage } from './listening-page.ts';
import type { PageUnderTest } from './listening-page.ts';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeAll(async () => {
  ({ peer, page, own } = await openOwnedPage());
  freshBox(peer);
  peer.status = aStatus({ incidents: [anIncident()] });
});
afterAll(() => closeOwnedPage({ page, peer }));

const PAGES = [
  ...['/', '/incidents', '/incidents/i1', '/dossier', '/tunnels', '/tunnels/remove?name=home', '/clients'],
  ...['/tunnels/learn?endpoint=udp%3A203.0.113.9%3A51820', '/health', '/settings', '/update', '/help'],
  ...['/account', '/none'],
];

describe('every page', () => {
  it.each(PAGES)('has nothing inline, and the headers that forbid it: %s', async (path) => {
    const { text, headers } = await own.ask(path);
    expect(text).toContain('<main');
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:/i);
    const policy: Readonly<Record<string, string>> = Object.fromEntries(
      String(headers['content-security-policy'])
        .split('; ')
        .map((rule) => [rule.replace(/ .*/, ''), rule.replace(/^\S+ /, '')]),
    );
    expect(policy).toEqual({
      ...{ 'default-src': "'none'", 'frame-ancestors': "'none'", 'base-uri': "'none'" },
      ...{ 'script-src': "'self'", 'style-src': "'self'", 'img-src': "'self'", 'connect-src': "'self'" },
      ...{ 'form-action': "'self'", 'frame-src': "'self'" },
    });
    expect(headers).toMatchObject({
      ...{ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'cache-control': 'no-store' },
      ...{ 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin' },
    });
    expect(headers['permissions-policy']).toContain('camera=()');
    expect(headers['access-control-allow-origin']).toBeUndefined();
    // Loaded anew under a person's hands, a page would close what is open and forget what is chosen.
    expect([text.includes('http-equiv="refresh"'), text.includes('<form')]).not.toEqual([true, true]);
  });

  it('stands in no frame, but for the light alone, in a frame of this page', async () => {
    const { text, headers } = await own.ask('/light/now');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'self'$/);
    expect(headers['x-frame-options']).toBe('SAMEORIGIN');
    expect(text).toContain('data-state="clear"');
    expect(text).not.toMatch(/<form|<button|<input|<a |<script|bank\.example/);
    const stranger = await new Browser(page.port).ask('/light/now');
    expect([stranger.status, stranger.text.includes('data-figure')]).toEqual([200, false]);
  });

  it('says nothing that is not among the texts: its templates hold no word', () => {
    const folder = join(import.meta.dirname, '..', '..', 'web');
    const templates = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ejs'),
    );
    expect(templates.length).toBeGreaterThan(20);
    for (const file of templates) {
      const drawn = readFileSync(join(folder, file), 'utf8').replace(/<%[^]*?%>/g, '');
      const words = drawn.replace(/<[^>]*>/g, ' ').replace(/&\w+;/g, ' ');
      expect(words.match(/\p{L}+/gu), file).toBeNull();
      expect(drawn.match(/\s(?:aria-label|alt|title|placeholder)="[^"]*\p{L}/gu), file).toBeNull();
    }
  });
});

describe('every file', () => {
  it.each([
    ...['/incidents/i1/evidence', '/settings/policy.yaml', '/dossier/file?format=html'],
    ...['/dossier/file?format=text', '/dossier/file?format=csv', '/dossier/file?format=json'],
  ])('is taken away and never shown, and is the owner’s alone: %s', async (path) => {
    const { status, headers } = await own.ask(path);
    expect([status, headers['x-content-type-options']]).toEqual([200, 'nosniff']);
    expect(headers['content-disposition']).toMatch(/^attachment; filename="/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    const stranger = await new Browser(page.port).ask(path);
    expect([stranger.status, stranger.headers['content-disposition']]).toEqual([303, undefined]);
  });
});
