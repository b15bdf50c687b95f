// Knows: a field of a form with its value and what is wrong with it; which fault belongs to which field. Must not know: HTML, HTTP.
// Faults come from the guard with a path such as `tunnels[0].endpoints[1]` or `allow[2].port`.

import { printable } from '../src/api/shown.ts';
import type { Fault } from '../src/api/refusal.ts';
import { filled } from './pages/dossier/eve-words.ts';
import { SETTINGS_TEXTS } from './pages/settings/texts-settings.ts';
import { sentence } from './pages/status/view-model.ts';

export interface Field {
  /** Its name in the form. */
  readonly name: string;
  readonly label: string;
  readonly kind: 'text' | 'number' | 'lines' | 'choice' | 'radios' | 'check';
  /** A `check` says yes or no. */
  readonly value: string;
  readonly note?: string;
  readonly options?: readonly (readonly [value: string, text: string, note?: string])[];
  readonly most?: number;
  readonly required?: boolean;
  readonly faults: readonly string[];
}

/** A field by the path of the setting behind it. */
export type FieldPath = Omit<Field, 'faults'> & { readonly path: string };

/** The fault in words; with the line of a list it is about. */
function faultWords(fault: Fault, path: string): string {
  const line = /^\[(\d+)\]/.exec(fault.path.slice(path.length))?.[1];
  const where = line === undefined ? '' : filled(SETTINGS_TEXTS.faultAt, { line: String(Number(line) + 1) });
  const message = line === undefined ? sentence(fault.message) : `${fault.message}.`;
  return `${where}${message} ${fault.remedy}`.trim();
}

/** Fields with their faults, and the faults that belong to none of them. */
export function withFaults(
  fields: readonly FieldPath[],
  faults: readonly Fault[],
): { readonly fields: readonly Field[]; readonly rest: readonly Fault[] } {
  const ownerOf = (fault: Fault): FieldPath | undefined =>
    fields.filter(({ path }) => isBelow(fault.path, path)).sort((a, b) => b.path.length - a.path.length)[0];
  return {
    fields: fields.map(({ path, ...field }) => ({
      ...field,
      // Values go back as they came: what a form says again must be what was said. Words about them are for the eye.
      faults: faults
        .filter((fault) => ownerOf(fault)?.path === path)
        .map((fault) => printable(faultWords(fault, path))),
    })),
    rest: faults.filter((fault) => ownerOf(fault) === undefined),
  };
}

function isBelow(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}[`) || path.startsWith(`${field}.`);
}

/** The lines of a text area that say something, in order. */
export function linesOf(text: string): readonly string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
