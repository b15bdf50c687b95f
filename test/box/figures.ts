// Where measured numbers are kept until run.mjs writes them down.

import { readFileSync, writeFileSync } from 'node:fs';

import { say } from './disks.ts';

type Figures = Record<string, number | string>;

function change(name: string, next: (before: number | string | undefined) => number | string): void {
  const file = process.env['LEAKGUARD_BOX_FIGURES'];
  if (file === undefined) return;
  let figures: Figures = {};
  try {
    figures = JSON.parse(readFileSync(file, 'utf8')) as Figures;
  } catch {
    // The first figure makes the file.
  }
  figures[name] = next(figures[name]);
  writeFileSync(file, `${JSON.stringify(figures, undefined, 2)}\n`);
}

/** A number, or words, in the place of what was measured before. */
export function figure(name: string, value: number | string): void {
  say(`${name}: ${value}`);
  change(name, () => value);
}

/** Adds to what earlier runs counted: a proof that takes long is made in pieces. */
export function tally(name: string, more: number): void {
  change(name, (before) => Number(before ?? 0) + more);
}
