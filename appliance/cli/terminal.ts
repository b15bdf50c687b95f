// Colours (ECMA-48, SGR) and times for a terminal. The caller decides whether to use colour (no-color.org).

import type { CommandIo } from './command.ts';

export { grouped, padded } from '../report/columns.ts';

export type Tone = 'red' | 'amber' | 'green' | 'dim' | 'bold' | 'plain';

const SGR: Readonly<Record<Tone, string>> = {
  red: '1;31',
  amber: '33',
  green: '32',
  dim: '2',
  bold: '1',
  plain: '',
};

export interface Style {
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
}

/** The style for this stdout: without a screen nothing is coloured, and the width is 100 columns. */
export function styleOf(io: Pick<CommandIo, 'screen'>): Style {
  const { screen } = io;
  const paint = (tone: Tone, text: string): string =>
    screen?.color === true && tone !== 'plain' && text !== '' ? `\u001b[${SGR[tone]}m${text}\u001b[0m` : text;
  return { columns: screen?.columns ?? 100, paint };
}

/** `text` cut to at most `width` characters; a cut is marked with an ellipsis. */
export function cut(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** `14:03:22` in local time, preceded by the date when that differs from `now`'s. Text that is not a date is returned unchanged. */
export function clockTime(iso: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
