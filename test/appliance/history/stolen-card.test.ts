// Who has a copy of the state directory of a box with privacy "redacted", and a list of names: what they find. Long (LEAKGUARD_LONG=1): a
// million names. The thief is written apart: RFC 2104 by node's own HMAC, over every file.

import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HistoryStore } from '../../../appliance/history/history.ts';
import { PrivacyKey } from '../../../appliance/history/privacy-key.ts';
import { rewritten } from '../../../src/guard/history/past.ts';
import { Redaction } from '../../../src/guard/history/privacy.ts';
import { anIncident } from '../../guard-peer.ts';

const NAMES = process.env['LEAKGUARD_LONG'] === '1' ? 1_000_000 : 5_000;
const name = (n: number): string => `site-${String(n)}.example`;
/** Of the names, those that were asked for. */
const ASKED = [7, 1_234, NAMES - 1];

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'leakguard-card-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Names of the list whose hash, by any 32 bytes that the card holds as hexadecimal text or none, is in a file. */
function found(): string[] {
  const files = readdirSync(dir).map((file) => readFileSync(join(dir, file), 'latin1'));
  const keys = files
    .flatMap((text) => text.match(/\b[0-9a-f]{64}\b/g) ?? [])
    .map((hex) => Buffer.from(hex, 'hex'));
  const hashes = new Set(files.flatMap((text) => text.match(/h-[0-9a-f]{12,20}/g) ?? []));
  const all = Array.from({ length: NAMES }, (_, n) => name(n));
  return all.filter((one) =>
    [...keys, Buffer.alloc(0), Buffer.alloc(32)].some((key) => {
      const digits = createHmac('sha256', key).update(one).digest('hex');
      return hashes.has(`h-${digits.slice(0, 20)}`) || hashes.has(`h-${digits.slice(0, 12)}`);
    }),
  );
}

function write(key: PrivacyKey): void {
  const redaction = new Redaction('redacted', key.hash);
  const incidents = rewritten(
    ASKED.map((n) => ({ incident: anIncident({ id: `i${String(n)}`, exposure: name(n) }), privacy: 'full' })),
    redaction,
  );
  const store = new HistoryStore(dir);
  store.write({ ...{ evidence: [], clients: [], tallies: [], changes: [], gaps: [] }, incidents }, redaction);
  store.close();
}

it('all of them, where the key lies beside the history: what the README says', () => {
  const key = new PrivacyKey(dir);
  key.place('disk');
  write(key);
  expect(found()).toEqual(ASKED.map(name));
});

it('nothing, where the key is in memory only, also when one lay there before', () => {
  new PrivacyKey(dir).place('disk');
  const key = new PrivacyKey(dir);
  key.place('memory');
  write(key);
  expect(readdirSync(dir)).not.toContain('privacy.key');
  expect(found()).toEqual([]);
});

it('nothing of what was before the key was forgotten', () => {
  const key = new PrivacyKey(dir);
  key.place('disk');
  write(key);
  key.forget();
  expect(found()).toEqual([]);
});
