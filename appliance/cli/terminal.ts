// Knows: colours and bars of a terminal. Must not know: what is shown. Colour only where people look and want it.
// Follows ECMA-48 (SGR) and no-color.org (decided by the caller).

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

/** How to write to this stdout: without a screen nothing is coloured and nothing is cut to a width. */
export function styleOf(io: Pick<CommandIo, 'screen'>): Style {
  const { screen } = io;
  const paint = (tone: Tone, text: string): string =>
    screen?.color === true && tone !== 'plain' && text !== '' ? `\u001b[${SGR[tone]}m${text}\u001b[0m` : text;
  return { columns: screen?.columns ?? 100, paint };
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of at most `width` characters; anything above nothing shows at least a sliver. */
export function bar(value: number, largest: number, width: number): string {
  if (value <= 0 || largest <= 0) return '';
  const eighths = Math.max(1, Math.round((Math.min(value, largest) / largest) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** At most `width` characters, the cut marked. */
export function cut(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** `14:03:22` of this machine's zone, with the day when it is another than that of `now`. Other text stays as it is. */
export function clockTime(iso: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
