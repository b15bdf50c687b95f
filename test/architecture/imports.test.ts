// Knows: the import table of ARCHITECTURE.md, row by row. Must not know: the real tree (that is `npm run imports`).
// A small tree that breaks every row once, and keeps it once, is checked with the real rules: they must see each breach and nothing else.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ROOT } from './tree.ts';

/** From → what it imports; the rule it breaks, or undefined where the table allows it. */
const IMPORTS: readonly (readonly [from: string, to: string, breaks: string | undefined])[] = [
  ['src/wire/dns.ts', './bytes.ts', undefined],
  ['src/wire/dns.ts', 'node:net', 'wire'],
  ['src/wire/ip.ts', '../flow/kinds.ts', 'wire'],
  ['src/flow/dissect.ts', '../wire/dns.ts', undefined],
  ['src/flow/flows.ts', '../policy/policy.ts', 'flow'],
  ['src/policy/judge.ts', '../flow/facts.ts', undefined],
  ['src/policy/judge.ts', '../wire/address.ts', undefined],
  ['src/policy/nft.ts', '../wire/dns.ts', 'policy'],
  ['src/policy/bpf.ts', 'zod', 'policy'],
  ['src/policy/schema.ts', 'zod', undefined],
  ['src/policy/schema-yaml.ts', 'yaml', undefined],
  ['src/policy/schema.ts', 'node:fs', 'policy-schema'],
  ['src/guard/ledger.ts', '../policy/judge.ts', undefined],
  ['src/guard/ledger.ts', '../flow/dissect.ts', undefined],
  ['src/guard/dossier.ts', '../wire/dns.ts', 'guard'],
  ['src/guard/ports.ts', 'node:fs', 'guard'],
  ['src/guard/ledger.ts', 'dns-packet', 'guard'],
  ['src/guard/canary-frames.ts', 'dns-packet', undefined],
  ['src/guard/canary-frames.ts', '../flow/facts.ts', 'guard-canary'],
  ['appliance/daemon.ts', '../src/guard/ledger.ts', undefined],
  ['appliance/daemon.ts', 'node:fs', undefined],
  ['appliance/tap.ts', 'cap', undefined],
  ['appliance/page.ts', '../web/app.ts', 'appliance'],
  ['appliance/http.ts', 'koa', 'appliance'],
  ['web/app.ts', 'koa', undefined],
  ['web/app.ts', 'node:http', undefined],
  ['web/app.ts', '../src/guard/status.ts', undefined],
  ['web/app.ts', '../src/guard/commands.ts', undefined],
  ['web/client.ts', '../src/policy/policy.ts', 'web'],
  ['web/store.ts', '../appliance/daemon.ts', 'web'],
  ['web/log.ts', 'pino', 'web'],
  ['appliance/lint.ts', 'eslint', 'no-dev-dependencies'],
  ['web/near.ts', './far.ts', undefined],
  ['web/far.ts', './near.ts', 'no-circular'],
  ['appliance/gone.ts', './nowhere.ts', 'resolvable'],
];
const LEAVES = ['src/wire/bytes.ts', 'src/wire/address.ts', 'src/flow/kinds.ts', 'src/flow/facts.ts'].concat([
  'src/policy/policy.ts',
  'src/guard/status.ts',
  'src/guard/commands.ts',
]);
const ORPHAN = 'src/flow/alone.ts';

describe('the import rules', () => {
  let tree = '';
  let broken: string[] = [];

  beforeAll(async () => {
    tree = mkdtempSync(join(tmpdir(), 'leakguard-imports-'));
    const texts = new Map<string, string>([...LEAVES, ORPHAN].map((path) => [path, 'export const a = 1;\n']));
    for (const [from, to] of IMPORTS) texts.set(from, `${texts.get(from) ?? ''}import '${to}';\n`);
    for (const [path, text] of texts) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
    for (const name of ['package.json', 'tsconfig.json', 'node_modules', '.dependency-cruiser.cjs'])
      symlinkSync(join(ROOT, name), join(tree, name));
    broken = await breaches(tree);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it('see every breach of the table, and nothing that it allows', () => {
    const expected = IMPORTS.flatMap(([from, , rule]) => (rule === undefined ? [] : [`${rule}: ${from}`]));
    expect(new Set(broken)).toEqual(new Set([...expected, `no-orphans: ${ORPHAN}`]));
  });
});

async function breaches(folder: string): Promise<string[]> {
  const bin = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const args = [
    bin,
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
    'src',
    'appliance',
    'web',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 });
  const result = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string }[] };
  };
  return result.summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
}
