// Knows: files of sections with `key = value` lines. Must not know: what any key means.
// Follows wg(8), systemd.syntax(7) and GLib's key files, which agree but for comments and joined lines.

import { trimmedLines } from './imported.ts';

interface IniEntry {
  readonly line: number;
  readonly key: string;
  readonly value: string;
}

export interface IniSection {
  /** As it is written, without the brackets; '' for what stands before the first. */
  readonly name: string;
  readonly line: number;
  readonly entries: readonly IniEntry[];
  /** Lines that are no setting. */
  readonly odd: readonly number[];
}

export interface IniStyle {
  /** A comment may begin anywhere in a line, not only at its start. */
  readonly comments: 'anywhere' | 'lines';
  /** A line that ends in a backslash goes on in the next. */
  readonly joined?: boolean;
}

/** All sections in order, the same name as often as it stands there. Never throws; reads every character once or twice. */
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

/** The last value of a key, in any case of letters. */
export function iniValue(section: IniSection | undefined, key: string): string | undefined {
  return section?.entries.findLast((entry) => entry.key.toLowerCase() === key)?.value;
}

/** Searched for, not matched: an expression that looks for the end of a line at each `#` would look again and again. */
function withoutComment(line: string, comments: IniStyle['comments']): string {
  if (comments === 'lines') return line.startsWith('#') || line.startsWith(';') ? '' : line;
  const at = line.indexOf('#');
  return at < 0 ? line : line.slice(0, at).trim();
}
