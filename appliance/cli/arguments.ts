// Parses command-line arguments. Usage errors exit with code 2 and suggest the nearest valid word.

import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

import { CommandError } from './command.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Read<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>
>;

/** Options of every command that talks to the daemon. The dispatcher handles `--help`. */
export const API_OPTIONS = {
  api: { type: 'string', default: '/run/leakguard/api.sock' },
  json: { type: 'boolean', default: false },
} as const;

/**
 * Parses `options` (parseArgs of Node) and at most `maxPositionals` other words. `command`: its name, for the error. Throws CommandError 2
 * that names the error and the nearest valid option.
 */
export function readArguments<const O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
  maxPositionals = 0,
): Pick<Read<O>, 'values' | 'positionals'> {
  const help = `See "leakguard ${command} --help".`;
  let read;
  try {
    read = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const unknown = /^Unknown option '(-[^']*)'/.exec(message)?.[1];
    if (unknown === undefined) throw new CommandError(2, 'usage', message, help, error);
    const known = Object.keys(options).map((name) => `--${name}`);
    const hint = didYouMean(unknown, [...known, '--help']);
    throw new CommandError(
      2,
      'usage',
      `"leakguard ${command}" has no option ${unknown}.${hint}`,
      help,
      error,
    );
  }
  const extra = read.positionals[maxPositionals];
  if (extra !== undefined) throw new CommandError(2, 'usage', `Unexpected argument "${extra}".`, help);
  return read;
}

/**
 * ` Did you mean X?`, with the space before it, for the nearest of `words`; '' when none is near enough (a Levenshtein distance of at most
 * a third of the word's length, or 1).
 */
export function didYouMean(word: string, words: readonly string[]): string {
  const [nearest] = words
    .map((known) => ({ known, distance: editDistance(word, known) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest === undefined || nearest.distance > Math.max(1, word.length / 3)) return '';
  return ` Did you mean ${nearest.known}?`;
}

/** Levenshtein distance: insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const UNITS = { s: 1, m: 60, h: 3_600 } as const;

/**
 * Converts `15s`, `5m` or `1h` to seconds; `option` is named in the error. Throws CommandError 2 unless it is 1 s to `most` seconds.
 * A unit is required: whoever writes 5 may mean minutes.
 */
export function readDuration(text: string, option: string, most: number): number {
  const remedy = `Use a form such as 15s, 5m or 1h; at most ${durationText(most)}.`;
  const refused = (message: string): CommandError => new CommandError(2, 'usage', message, remedy);
  if (/^\d+$/.test(text))
    throw refused(`${option} ${text} has no unit: ${text}s is seconds, ${text}m minutes, ${text}h hours.`);
  const [, digits, unit] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
  const seconds = Number(digits) * UNITS[unit as keyof typeof UNITS];
  if (Number.isNaN(seconds)) throw refused(`${option} ${text} is not a valid duration.`);
  if (seconds < 1) throw refused(`${option} ${text} is too short.`);
  if (seconds > most) throw refused(`${option} ${text} is too long.`);
  return seconds;
}

/** Seconds in the form that `readDuration` takes, in the largest unit that fits: 3600 → `1h`. */
export function durationText(seconds: number): string {
  const unit = (['h', 'm', 's'] as const).find((each) => seconds % UNITS[each] === 0) ?? 's';
  return `${String(seconds / UNITS[unit])}${unit}`;
}
