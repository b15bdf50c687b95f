// Knows: that no text makes a parser begin again and again. Must not know: what any of them should find.
// Each parser of text from outside gets 200 kB of every single byte and of every pair of a table. What bounds it is the end of its
// process: a parser whose time grows with the square of the text needs minutes for what the others do in a fraction of a second.

import { join } from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { JOB_LIMITS, JobProcess } from '../../appliance/jobs/job-process.ts';
import { UNITS, many } from '../bench/nasty.mjs';

interface Job {
  readonly given: unknown;
  readonly result: unknown;
}

const PROGRAM = join(import.meta.dirname, '..', 'bench', 'parsers.mjs');
const LIMITS = { ...JOB_LIMITS, deadlineMs: 20_000, startMs: 60_000, heapMb: 512 };
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

const parsing = new JobProcess<Readonly<Record<string, Job>>>(PROGRAM, LIMITS);
afterAll(() => {
  parsing.close();
});

const names = (await parsing.run('names', undefined)) as readonly string[];

it.each(names)('comes back from whatever it is given: %s', { timeout: 600_000 }, async (name) => {
  // A policy behind or within something else is the same parser: the table is enough for it.
  const isVariant = name.startsWith('policy, ') || name === 'settings of a policy';
  for (const unit of isVariant ? UNITS : [...BYTES, ...UNITS])
    await expect(
      parsing.run('parse', [name, many(unit)]),
      `${name} of ${JSON.stringify(unit)}`,
    ).resolves.toBe(true);
});

it('is ended when it does not come back, and the next text is read all the same', async () => {
  const slow = new JobProcess<Readonly<Record<string, Job>>>(PROGRAM, { ...LIMITS, deadlineMs: 1 });
  const text = many('a: b\n');
  await expect(slow.run('parse', ['policy', text])).rejects.toMatchObject({ code: 'too-costly' });
  slow.close();
  await expect(parsing.run('parse', ['policy', text])).resolves.toBe(true);
});
