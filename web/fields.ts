// Form fields with their values and faults, and which fault belongs to which field. Faults come from the daemon with a path such as
// `tunnels[0].endpoints[1]` or `allow[2].port`.

import { printable } from '../src/api/shown.ts';
import type { Fault } from '../src/api/refusal.ts';
import { filled } from './pages/dossier/eve-words.ts';
import { SETTINGS_TEXTS } from './pages/settings/texts-settings.ts';
import { sentence } from './pages/status/view-model.ts';

/** A form field as it is drawn. */
export interface Field {
  /** Name of the form field. */
  readonly name: string;
  readonly label: string;
  readonly kind: 'text' | 'number' | 'lines' | 'choice' | 'radios' | 'check';
  /** `yes` or `no` for a `check`. */
  readonly value: string;
  readonly note?: string;
  readonly options?: readonly (readonly [value: string, text: string, note?: string])[];
  readonly maxLength?: number;
  readonly required?: boolean;
  /** What is wrong with its value, one text each. */
  readonly faults: readonly string[];
}

/** A field together with the path of its setting in the policy. */
export type FieldPath = Omit<Field, 'faults'> & { readonly path: string };

/** The fault as text, with the line number if it concerns one line of a list. */
function faultWords(fault: Fault, path: string): string {
  const line = /^\[(\d+)\]/.exec(fault.path.slice(path.length))?.[1];
  const where = line === undefined ? '' : filled(SETTINGS_TEXTS.faultAt, { line: String(Number(line) + 1) });
  const message = line === undefined ? sentence(fault.message) : `${fault.message}.`;
  return `${where}${message} ${fault.remedy}`.trim();
}

/**
 * Adds to each field its faults as text; a fault belongs to the field with the longest path that contains its own. `rest` holds those that
 * belong to no field. The order of both lists stays.
 */
export function withFaults(
  fields: readonly FieldPath[],
  faults: readonly Fault[],
): { readonly fields: readonly Field[]; readonly rest: readonly Fault[] } {
  const ownerOf = (fault: Fault): FieldPath | undefined =>
    fields.filter(({ path }) => isBelow(fault.path, path)).sort((a, b) => b.path.length - a.path.length)[0];
  return {
    fields: fields.map(({ path, ...field }) => ({
      ...field,
      // Values are returned unchanged, so that sending the form again sends the same; only the messages are made printable.
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

/** The lines of a text area, separated by CR LF (as a form sends them, WHATWG HTML), LF or CR; trimmed, without empty ones, in order. */
export function linesOf(text: string): readonly string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
