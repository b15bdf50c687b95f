// A core of what `npm run prove` proves, and that the model it rests on is the kernel's. Holds README.md, guarantees 2 and 5. Needs root,
// nft, z3 and tcpdump; without one of them it says which.

import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFilter } from '../../src/policy/compile/bpf.ts';
import { PROVEN_SHAPES, PROVEN_WITH } from '../../src/policy/compile/proven-shapes.ts';
import { LEARNED, BARE } from '../policy/policies.ts';
import { agreement } from './agreement.ts';
import { boundaries } from './boundaries.ts';
import { Bridge } from './bridge.ts';
import { parseBytecode } from './bytecode.ts';
import { compiled } from './capture-filter.ts';
import { forget } from './expr.ts';
import { faults } from './faults.ts';
import { Prover } from './prove.ts';
import type { Claims } from './prove.ts';
import { Shapes } from './shapes.ts';
import { Solver } from './solver.ts';
import { refuteFilter } from './theorems.ts';
import { SHIPPED, random } from './tried.ts';
import { ground } from './written-shapes.ts';

/** Those without a proven shape, which `npm run prove` proves: each takes five to ten seconds. */
const SLOW = new Set(['changed WireGuard', 'peers anywhere', 'Tailscale', 'Nebula', 'ZeroTier', 'groups']);

const missing = ['z3', 'nft', 'tcpdump'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const why = [
  ...missing.map((program) => `no ${program}`),
  ...(process.getuid?.() === 0 ? [] : ['not root']),
].join(', ');

it('what is not known stops with its name', () => {
  const listing = (instruction: string): string =>
    `bridge t c 1\n  [ ${instruction} ]\n\ntable bridge t {\n\tchain c {\n\t\tdrop\n\t}\n}\n`;
  expect(() => parseBytecode(listing('fib daddr type => reg 1'))).toThrow(
    'unknown instruction: fib daddr type => reg 1',
  );
  expect(() => parseBytecode(listing('meta load cgroup => reg 1'))).toThrow('meta cgroup');
  expect(parseBytecode(listing('immediate reg 0 drop')).chains.get('c')?.rules[0]?.instructions).toEqual([
    { of: 'verdict', verdict: { of: 'drop' } },
  ]);
});

describe.skipIf(why !== '')(`the kernel's own bytecode${why === '' ? '' : ` (skipped: ${why})`}`, () => {
  let prover: Prover;
  const solver = new Solver();
  const proven = Shapes.of(PROVEN_SHAPES);
  const claims: Claims = {
    claim: (part) => Promise.resolve(!proven.covers(part)),
    release: () => Promise.resolve(),
  };

  beforeAll(async () => {
    prover = await Prover.open(`test-${process.pid}`, tmpdir(), claims);
  });

  afterAll(async () => {
    solver.close();
    await prover.close();
  });

  it('lets nothing cross where there is no policy', async () => {
    expect(await prover.closed()).toEqual([]);
  });

  it('was proven with this specification and this model', () => {
    expect(PROVEN_WITH, 'proven-shapes.ts is of another specification or model: run `npm run prove`').toBe(
      ground(),
    );
  });

  it('lets exactly those frames cross that the specification lets, whatever was proven of shapes', async () => {
    const [bare] = SHIPPED;
    if (bare === undefined) throw new Error('no policy');
    const { refutations, parts } = await prover.prove(bare, 'whole');
    expect(refutations).toEqual([]);
    expect(parts).toBe(4 * 12);
  });

  it('lets exactly those frames cross for each of 25 policies in every state', async () => {
    const shipped = SHIPPED.filter(({ name }) => !SLOW.has(name));
    const policies = [
      ...shipped,
      ...Array.from({ length: 25 - shipped.length }, (_, seed) => random(2 + seed)),
    ];
    for (const one of policies) expect((await prover.prove(one)).refutations).toEqual([]);
  });

  it('lets a frame cross that should not where a compiler has a fault, in each family of rules', async () => {
    expect(await faults()).toBe(true);
  });

  it.each(['lan', 'wan'] as const)(
    'is hidden from the tap of %s where it is a tunnel alone',
    async (port) => {
      forget();
      const program = await compiled(compileFilter(BARE, port, LEARNED));
      expect(await refuteFilter(solver, program, BARE, LEARNED, port)).toEqual([]);
    },
  );

  it('the judge says of frames at every boundary what the specification says', async () => {
    forget();
    const { frames, wrong } = await boundaries(solver, BARE, LEARNED, [1, 16, 128]);
    expect(wrong).toEqual([]);
    expect(frames).toBeGreaterThan(10_000);
  });

  it('the model of each instruction matches what the kernel matches, of random rules and frames', async () => {
    const bridge = await Bridge.raise(`test-${process.pid}`);
    try {
      const { compared, undecided, wrong } = await agreement(bridge, { seed: 3, rules: 60, frames: 80 });
      expect(wrong).toEqual([]);
      expect(compared - undecided).toBeGreaterThan(4_000);
    } finally {
      await bridge.close();
    }
  });
});
