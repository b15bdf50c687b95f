// Colours (ECMA-48, SGR) and times for a terminal. The caller decides whether to use colour (no-color.org).

import type { CommandIo } from './command.ts';

export { grouped, padded } from '../report/columns.ts';

/** A colour or weight of the terminal (ECMA-48, SGR). */
export type Tone = 'red' | 'amber' | 'green' | 'dim' | 'bold' | 'plain';

const SGR: Readonly<Record<Tone, string>> = {
  red: '1;31',
  amber: '33',
  green: '32',
  dim: '2',
  bold: '1',
  plain: '',
};

/** How to write to stdout: its width in characters, and what colours a text. */
export interface Style {
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
}

/** The style for this stdout: without a screen nothing is coloured, and the width is 100 columns. `paint` leaves '' as it is, without codes. */
export function styleOf(io: Pick<CommandIo, 'screen'>): Style {
  const { screen } = io;
  const paint = (tone: Tone, text: string): string =>
    screen?.color === true && tone !== 'plain' && text !== '' ? `\u001b[${SGR[tone]}m${text}\u001b[0m` : text;
  return { columns: screen?.columns ?? 100, paint };
}

/** `text` cut to at most `width` characters (code points, not columns); a cut is marked with an ellipsis as its last one. */
export function cut(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/**
 * `14:03:22` in local time, preceded by the date (`2026-01-31 `) when that differs from `now`'s. `iso`: a time in ISO 8601; text that is
 * not a date is returned unchanged.
 */
export function clockTime(iso: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
