// The import table of ARCHITECTURE.md, row by row. A small tree that breaks every row once, and keeps it once, is checked with the real
// rules: they must see each breach and nothing else.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ROOT } from './tree.ts';

/** From → what it imports, ours by its path from the root; the rule it breaks, or undefined where the table allows it. */
const IMPORTS: readonly (readonly [from: string, to: string, breaks: string | undefined])[] = [
  ['src/wire/names/dns.ts', 'src/wire/bytes.ts', undefined],
  ['src/wire/names/dns.ts', 'node:net', 'wire'],
  ['src/wire/ip/ip.ts', 'src/flow/kinds.ts', 'wire'],
  ['src/flow/dissect.ts', 'src/wire/names/dns.ts', undefined],
  ['src/flow/flows.ts', 'src/policy/policy.ts', 'flow'],
  ['src/flow/dissect.ts', 'dns-packet', 'flow'],
  ['src/flow/reading/dns-whole.ts', 'dns-packet', undefined],
  ['src/flow/reading/dns-whole.ts', 'src/wire/names/dns.ts', 'flow-dns-whole'],
  ['src/policy/judge.ts', 'src/flow/parsed-packet.ts', undefined],
  ['src/policy/judge.ts', 'src/wire/ip/address.ts', undefined],
  ['src/policy/compile/nft.ts', 'src/wire/names/dns.ts', 'policy'],
  ['src/policy/shapes/shape.ts', 'src/wire/vpn/wireguard.ts', undefined],
  ['src/policy/compile/bpf.ts', 'zod', 'policy'],
  ['src/policy/schema/schema.ts', 'zod', undefined],
  ['src/policy/schema/schema-yaml.ts', 'yaml', undefined],
  ['src/policy/schema/schema.ts', 'node:fs', 'policy-schema'],
  ['src/guard/ledger.ts', 'src/policy/judge.ts', undefined],
  ['src/guard/ledger.ts', 'src/flow/dissect.ts', undefined],
  ['src/guard/history/dossier.ts', 'src/wire/names/dns.ts', 'guard'],
  ['src/guard/ports.ts', 'node:fs', 'guard'],
  ['src/guard/ledger.ts', 'dns-packet', 'guard'],
  ['src/guard/canary/canary-frames.ts', 'dns-packet', undefined],
  ['src/guard/canary/canary-frames.ts', 'src/flow/parsed-packet.ts', 'guard-canary'],
  ['src/analysis/analysis.ts', 'src/guard/ledger.ts', undefined],
  ['src/analysis/analysis.ts', 'node:fs', 'analysis'],
  ['src/guard/live.ts', 'src/analysis/analysis.ts', 'guard'],
  ['appliance/daemon.ts', 'src/guard/ledger.ts', undefined],
  ['appliance/daemon.ts', 'node:fs', undefined],
  ['appliance/tap.ts', 'cap', undefined],
  ['appliance/page.ts', 'web/app.ts', 'appliance'],
  ['appliance/http.ts', 'koa', 'appliance'],
  ['appliance/lab/lab.ts', 'appliance/http.ts', undefined],
  ['appliance/cli/lab-texts.ts', 'appliance/lab/lab.ts', undefined],
  ['appliance/setup.ts', 'appliance/lab/lab.ts', 'lab'],
  ['appliance/report/report.ts', 'appliance/cli/lab-texts.ts', 'cli'],
  ['appliance/led/main.ts', 'appliance/daemon/main.ts', 'daemon'],
  ['appliance/daemon/main.ts', 'appliance/lint.ts', undefined],
  ['web/app.ts', 'koa', undefined],
  ['web/app.ts', 'node:http', undefined],
  ['web/app.ts', 'src/api/client.ts', undefined],
  ['web/pages/incidents/rows.ts', 'src/guard/ledger.ts', 'web'],
  ['src/api/status.ts', 'zod', undefined],
  ['src/api/status.ts', 'src/flow/kinds.ts', undefined],
  ['src/api/box.ts', 'src/policy/compile/nft.ts', 'api'],
  ['src/api/box.ts', 'node:http', 'api'],
  ['src/api/client.ts', 'node:http', undefined],
  ['src/api/client.ts', 'eventsource-parser', undefined],
  ['src/api/client.ts', 'node:fs', 'api-client'],
  ['src/guard/state.ts', 'src/api/words.ts', undefined],
  ['src/guard/state.ts', 'src/api/status.ts', 'guard-no-schemas'],
  ['appliance/cli/commands/ack.ts', 'src/api/client.ts', undefined],
  ['appliance/cli/commands/ack.ts', 'src/policy/policy.ts', 'cli'],
  ['appliance/cli/commands/policy.ts', 'src/policy/compile/nft.ts', undefined],
  ['appliance/cli/commands/policy.ts', 'src/flow/parsed-packet.ts', 'cli-policy'],
  ['appliance/cli/commands/analyze.ts', 'src/flow/parsed-packet.ts', undefined],
  ['web/client.ts', 'src/policy/policy.ts', 'web'],
  ['web/store.ts', 'appliance/daemon.ts', 'web'],
  ['web/kept.ts', 'appliance/os/durable-file.ts', undefined],
  ['web/log.ts', 'pino', 'web'],
  ['appliance/lint.ts', 'eslint', 'no-dev-dependencies'],
  ['web/near.ts', 'web/far.ts', undefined],
  ['web/far.ts', 'web/near.ts', 'no-circular'],
  ['appliance/gone.ts', 'appliance/nowhere.ts', 'resolvable'],
];
const LEAVES = [
  'src/wire/bytes.ts',
  'src/wire/ip/address.ts',
  'src/flow/kinds.ts',
  'src/flow/parsed-packet.ts',
].concat([
  'src/wire/vpn/wireguard.ts',
  'appliance/os/durable-file.ts',
  'src/policy/policy.ts',
  'src/api/words.ts',
]);
const ORPHAN = 'src/flow/alone.ts';

describe('the import rules', () => {
  let tree = '';
  let broken: string[] = [];

  beforeAll(async () => {
    tree = mkdtempSync(join(tmpdir(), 'leakguard-imports-'));
    const texts = new Map<string, string>([...LEAVES, ORPHAN].map((path) => [path, 'export const a = 1;\n']));
    for (const [from, to] of IMPORTS) {
      const named = /^(src|appliance|web)\//.test(to) ? `./${relative(dirname(from), to)}` : to;
      texts.set(from, `${texts.get(from) ?? ''}import '${named}';\n`);
    }
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
