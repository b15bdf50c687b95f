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

/**
 * Converts `90`, `15s`, `5m` or `1h` to milliseconds; a number alone is seconds. `option` is named in the error. Throws CommandError 2 for
 * another form, and outside 1 s to 24 h.
 */
export function readDuration(text: string, option: string): number {
  const parts = /^(\d{1,5})(s|m|h)?$/.exec(text);
  const unit = { s: 1000, m: 60_000, h: 3_600_000 }[parts?.[2] ?? 's'] ?? Number.NaN;
  const duration = Number(parts?.[1]) * unit;
  if (duration >= 1000 && duration <= 86_400_000) return duration;
  throw new CommandError(
    2,
    'usage',
    `${option} ${text} is not a valid duration.`,
    'Use a form such as 15s, 5m or 1h; at most 24h.',
  );
}
