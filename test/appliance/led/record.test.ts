// Checks that whoever turns the light red knows which one may still be green.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { readLedRecord, writeLedRecord } from '../../../appliance/led/record.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leakguard-lamp-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('says which LED was lit', () => {
  const config = { driver: 'file', path: join(folder, 'lamp') } as const;
  writeLedRecord(folder, config);
  expect(readLedRecord(folder)).toEqual(config);
});

it('is none when nobody wrote it, or what is there is something else', () => {
  expect(readLedRecord(folder)).toBeUndefined();
  for (const text of ['', '{}', 'null', '{"driver":"laser"}']) {
    writeFileSync(join(folder, 'lamp.json'), text);
    expect(readLedRecord(folder)).toBeUndefined();
  }
});
