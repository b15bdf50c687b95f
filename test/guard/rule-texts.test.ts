// Knows: that README says of each rule what the page and the reports say. Holds src/guard/rule-texts.ts.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { RULES, RULE_TEXTS, ruleSection, SYSTEMS } from '../../src/guard/rule-texts.ts';

/** Without what the formatter may change: line breaks, and how emphasis and quotes are written. */
const words = (text: string): string => text.replace(/\s+/g, ' ').trim();

describe('rule texts', () => {
  it('stand in README, whole', () => {
    const readme = words(readFileSync(new URL('../../README.md', import.meta.url), 'utf8'));
    expect(readme).toContain(words(ruleSection()));
  });

  it('have a remedy for every rule on every system, each of its own', () => {
    const texts = RULES.flatMap((rule) => SYSTEMS.map((system) => RULE_TEXTS[rule].systems[system]));
    expect(texts.filter((text) => text.length < 20)).toEqual([]);
    expect(new Set(texts).size).toBe(RULES.length * SYSTEMS.length);
  });
});
