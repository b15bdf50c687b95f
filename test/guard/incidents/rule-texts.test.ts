// Checks that README says of each rule what the page and the reports say. Holds src/guard/incidents/rule-texts.ts.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { RULE_TEXTS, SYSTEMS } from '../../../src/guard/incidents/rule-texts.ts';
import { RULES } from '../../../src/policy/verdict.ts';

/** Without what the formatter may change: line breaks, and how emphasis and quotes are written. */
const words = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The section of README.md. */
function ruleSection(): string {
  const rules = RULES.map((rule) => {
    const { title, meaning, remedy, systems } = RULE_TEXTS[rule];
    const list = SYSTEMS.map((system) => `- ${system}: ${systems[system]}`).join('\n');
    return `### Rule ${rule}: ${title}\n\n${meaning}\n\n**What to do:** ${remedy}\n\n${list}\n`;
  });
  return `## Rules and remedies\n\n${rules.join('\n')}`;
}

describe('rule texts', () => {
  it('stand in README, whole', () => {
    const readme = words(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8'));
    expect(readme).toContain(words(ruleSection()));
  });

  it('have a remedy for every rule on every system, each of its own', () => {
    const texts = RULES.flatMap((rule) => SYSTEMS.map((system) => RULE_TEXTS[rule].systems[system]));
    expect(texts.filter((text) => text.length < 20)).toEqual([]);
    expect(new Set(texts).size).toBe(RULES.length * SYSTEMS.length);
  });
});
