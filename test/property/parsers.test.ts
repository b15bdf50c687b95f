// Checks that no text makes a parser begin again and again. Each parser of text from outside gets 200 kB of each of the bytes that mean
// something to one of them, and of every pair of a table. What bounds it is the end of its process: a parser whose time grows with the
// square of the text needs minutes for what the others do in a fraction of a second, and the deadline leaves a busy machine many times
// that.

import { join } from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { JOB_LIMITS, JobProcess } from '../../appliance/jobs/job-process.ts';
import { UNITS, YAML_UNITS, many } from '../bench/nasty.mjs';

interface Job {
  readonly given: unknown;
  readonly result: unknown;
}

const PROGRAM = join(import.meta.dirname, '..', 'bench', 'parsers.mjs');
const LIMITS = { ...JOB_LIMITS, deadlineMs: 40_000, startMs: 60_000, heapMb: 512 };
/** Blanks, ends of lines (RFC 5234's and Unicode's), marks, one digit, one letter; lengths and pointers of DNS names; all bits set. */
const BYTES = Array.from('\0\u0001\t\n\v\f\r !"#&\'()*,-./0:;=?@A[\\]_a{|}~\u0085\u00a0\u00c0\u00ff');
/** A policy costs most, in proportion to its text: behind its first line it gets all that YAML knows, elsewhere what means more there. */
const OF_POLICIES: Readonly<Record<string, readonly string[]>> = {
  policy: ['\n', '#\n', '%a\n', '---\n', '...\n', '\0\n', '! ', '&a '],
  'policy, behind its first line': YAML_UNITS,
  'policy, in a value': [', \n', '[', '{', '[,', '{[', '[{', '"', "'", '""', 'a:', ': ', '#\n', ' \n'],
  'policy, in a text': ['a.', '.', '-', '1.', '::', ' ', '\\', '"'],
};

const parsing = new JobProcess<Readonly<Record<string, Job>>>(PROGRAM, LIMITS);
afterAll(() => {
  parsing.close();
});

const names = (await parsing.run('names', undefined)) as readonly string[];

it.each(names)('comes back from whatever it is given: %s', { timeout: 600_000 }, async (name) => {
  for (const unit of OF_POLICIES[name] ?? [...BYTES, ...UNITS])
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
