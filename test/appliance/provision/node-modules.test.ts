// Knows: when node_modules is what the lock file says. Must not know: npm.

import { describe, expect, it } from 'vitest';

import { firstStale } from '../../../appliance/provision/node-modules.mjs';

const locked = {
  '': { version: '0.1.0' },
  'node_modules/koa': { version: '3.3.0' },
  'node_modules/fsevents': { version: '2.3.3', optional: true },
};

describe('firstStale', () => {
  it('finds nothing when all that this machine needs is installed', () => {
    expect(firstStale(locked, { 'node_modules/koa': { version: '3.3.0' } })).toBeUndefined();
  });

  it('names a package that is missing', () => {
    expect(firstStale(locked, {})).toBe('node_modules/koa');
  });

  it('names a package of another version, optional ones too', () => {
    expect(firstStale(locked, { 'node_modules/koa': { version: '3.2.9' } })).toBe('node_modules/koa');
    const other = { 'node_modules/koa': { version: '3.3.0' }, 'node_modules/fsevents': { version: '2.3.2' } };
    expect(firstStale(locked, other)).toBe('node_modules/fsevents');
  });
});
