// Which frames go along as evidence, and that they stay what they were. Holds src/guard/incidents/evidence.ts to its bounds.

import { describe, expect, it } from 'vitest';
import { EVIDENCE_BYTES, EvidenceBudget } from '../../../src/guard/incidents/evidence.ts';

describe('the evidence of a tap', () => {
  it('is none until it is wanted', () => {
    expect(new EvidenceBudget().of(new Uint8Array(60), 60, 0)).toBeUndefined();
  });

  it('is a copy of the beginning, also of a buffer that is used again', () => {
    const budget = new EvidenceBudget();
    budget.wanted = true;
    const buffer = Buffer.alloc(2_000, 1);
    const kept = budget.of(buffer, 1_500, 0);
    buffer.fill(2);
    expect(kept).toEqual(new Uint8Array(EVIDENCE_BYTES).fill(1));
    expect(budget.of(buffer, 60, 0)).toHaveLength(60);
  });

  it('is bounded under flood, and comes again a second later', () => {
    const budget = new EvidenceBudget();
    budget.wanted = true;
    const asked = (group: string): number =>
      Array.from({ length: 1_000 }, () => budget.of(new Uint8Array(60), 60, 5, group)).filter(
        (frame) => frame !== undefined,
      ).length;
    const given = Array.from({ length: 100 }, (_, group) => asked(`group ${String(group)}`));
    expect(given.reduce((sum, frames) => sum + frames, 0)).toBe(64);
    expect(budget.of(new Uint8Array(60), 60, 1_005)).toBeDefined();
  });

  it('is not used up by a flood of one group: the next has some, and the one after', () => {
    const budget = new EvidenceBudget();
    budget.wanted = true;
    for (const group of ['names', 'addresses', 'pings', 'visits', 'groups']) {
      expect(budget.of(new Uint8Array(60), 60, 5, group)).toBeDefined();
      for (let n = 0; n < 1_000; n += 1) budget.of(new Uint8Array(60), 60, 5, group);
    }
  });
});
