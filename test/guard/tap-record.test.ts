// What is told of one tap. Holds src/guard/tap-record.ts to README.md, What it guarantees.

import { expect, it } from 'vitest';
import { TapRecord } from '../../src/guard/tap-record.ts';
import { report } from './samples.ts';

it('tells what a tap did not keep, and no more of it when it has begun anew', () => {
  const tap = new TapRecord('lan', 'lan0');
  tap.become('up', 'reading', 1);
  tap.take(report('lan', []), 2);
  expect(tap.view().detail).toBe('reading');
  tap.take(report('lan', [], { forgotten: 12 }), 3);
  expect(tap.view().detail).toBe('reading; 12 flows and questions were not kept: there were too many');
  tap.take(report('lan', []), 4);
  expect(tap.view().detail).toBe('reading');
});
