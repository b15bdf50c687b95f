// Parses files of sections with `key = value` lines. Follows wg(8), systemd.syntax(7) and GLib's key files, which differ only in comments
// and continued lines.

import { trimmedLines } from './imported.ts';

interface IniEntry {
  readonly line: number;
  readonly key: string;
  readonly value: string;
}

/** A section with its settings; `line` is that of its heading, counted from 1. */
export interface IniSection {
  /** As written, without brackets; '' for lines before the first section. */
  readonly name: string;
  readonly line: number;
  readonly entries: readonly IniEntry[];
  /** Numbers of lines that are not settings. */
  readonly odd: readonly number[];
}

/** In what such files differ. */
export interface IniStyle {
  /** Whether a comment may begin anywhere in a line, or only at its start. */
  readonly comments: 'anywhere' | 'lines';
  /** Whether a backslash at the end continues the line. */
  readonly joined?: boolean;
}

/**
 * All sections in order, including repeated names; the first is what stands before any heading, perhaps empty. Never throws; reads every
 * character at most twice.
 */
export function iniSections(text: string, { comments, joined = false }: IniStyle): readonly IniSection[] {
  let here = { name: '', line: 1, entries: [] as IniEntry[], odd: [] as number[] };
  const sections = [here];
  const lines = trimmedLines(text);
  for (let at = 0; at < lines.length; at += 1) {
    const line = at + 1;
    let rest = withoutComment(lines[at] ?? '', comments);
    const parts = [rest];
    while (joined && rest.endsWith('\\') && at + 1 < lines.length) {
      parts.splice(-1, 1, rest.slice(0, -1));
      at += 1;
      rest = lines[at] ?? '';
      parts.push(rest);
    }
    const whole = parts.length === 1 ? rest : parts.join(' ').trim();
    if (whole === '') continue;
    if (whole.startsWith('[') && whole.endsWith(']')) {
      here = { name: whole.slice(1, -1), line, entries: [], odd: [] };
      sections.push(here);
      continue;
    }
    const equals = whole.indexOf('=');
    const key = equals < 0 ? '' : whole.slice(0, equals).trim();
    if (key === '') here.odd.push(line);
    else here.entries.push({ line, key, value: whole.slice(equals + 1).trim() });
  }
  return sections;
}

/**
 * The last value of a key (lower case), compared without regard to case; undefined without the key or the section, `''` for an empty value.
 */
export function iniValue(section: IniSection | undefined, key: string): string | undefined {
  return section?.entries.findLast((entry) => entry.key.toLowerCase() === key)?.value;
}

/** By indexOf: a regular expression that searches the end of the line at each `#` would take quadratic time. */
function withoutComment(line: string, comments: IniStyle['comments']): string {
  if (comments === 'lines') return line.startsWith('#') || line.startsWith(';') ? '' : line;
  const at = line.indexOf('#');
  return at < 0 ? line : line.slice(0, at).trim();
}
