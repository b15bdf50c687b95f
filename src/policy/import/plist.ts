// Parses Apple's property lists in XML. Follows Apple's PropertyList-1.0 DTD. A signed profile (CMS) contains the list as plain text; what
// surrounds it is skipped.

/** A `<dict>`; `line` is that of its tag, counted from 1. */
export interface PlistDict {
  readonly line: number;
  readonly values: ReadonlyMap<string, Plist>;
}
/** A value: text for strings, numbers, dates, data (base64) and booleans (`true`, `false`), an array or a dictionary. */
export type Plist = string | readonly Plist[] | PlistDict;

const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;

interface Open {
  readonly line: number;
  readonly items: Plist[];
  readonly values: Map<string, Plist> | undefined;
  key: string;
}

/**
 * The first list in a text; undefined when there is none, or it is incomplete, nested more than 32 deep or has more than 20,000 values.
 * Never throws; takes linear time.
 */
export function readPlist(text: string): Plist | undefined {
  let at = text.indexOf('<plist');
  let line = 1;
  let counted = 0;
  let count = 0;
  const open: Open[] = [];
  const put = (value: Plist): Plist | undefined => {
    const here = open.at(-1);
    count += 1;
    if (here === undefined) return value;
    if (here.values === undefined) here.items.push(value);
    else here.values.set(here.key, value);
    return undefined;
  };
  const lineAt = (place: number): number => {
    for (
      let next = text.indexOf('\n', counted);
      next >= 0 && next < place;
      next = text.indexOf('\n', counted)
    ) {
      line += 1;
      counted = next + 1;
    }
    return line;
  };
  while (at >= 0) {
    const end = text.indexOf('>', at);
    if (end < 0) return undefined;
    const name = /^<\/?([A-Za-z]{1,16})/.exec(text.slice(at, Math.min(end, at + 20)))?.[1] ?? '';
    const isEnd = text[at + 1] === '/';
    const isEmpty = text[end - 1] === '/';
    let done: Plist | undefined;
    let next = end + 1;
    if (name === 'dict' || name === 'array') {
      if (isEnd) {
        const closed = open.pop();
        if (closed === undefined) return undefined;
        done = put(closed.values === undefined ? closed.items : { line: closed.line, values: closed.values });
      } else if (isEmpty) {
        done = put(name === 'array' ? [] : { line: lineAt(at), values: new Map() });
      } else {
        open.push({ line: lineAt(at), items: [], values: name === 'dict' ? new Map() : undefined, key: '' });
      }
    } else if (name === 'true' || name === 'false') {
      done = put(name);
    } else if (LEAVES.has(name) && !isEnd) {
      const close = isEmpty ? end : text.indexOf('<', end);
      if (close < 0) return undefined;
      const value = isEmpty ? '' : unescaped(text.slice(end + 1, close));
      const here = open.at(-1);
      if (name === 'key' && here !== undefined) here.key = value;
      else done = put(value);
      next = isEmpty ? end + 1 : close;
    }
    if (done !== undefined) return done;
    if (open.length > MAX_DEPTH || count > MAX_VALUES) return undefined;
    at = text.indexOf('<', next);
  }
  return undefined;
}

const LEAVES = new Set(['key', 'string', 'integer', 'real', 'date', 'data']);
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g,
    (whole, ten, hex, name) => {
      if (typeof name === 'string') return ENTITIES[name] ?? whole;
      const code = typeof ten === 'string' ? Number(ten) : parseInt(String(hex), 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Whether the value is a dictionary; false for undefined. */
export function isDict(value: Plist | undefined): value is PlistDict {
  return typeof value === 'object' && 'line' in value;
}

/** The value at a path of nested keys; undefined if there is none. */
export function plistAt(value: Plist | undefined, ...keys: readonly string[]): Plist | undefined {
  return keys.reduce<Plist | undefined>(
    (here, key) => (isDict(here) ? here.values.get(key) : undefined),
    value,
  );
}

/** The value at a path, if it is text; trimmed. Undefined for anything else. */
export function plistText(value: Plist | undefined, ...keys: readonly string[]): string | undefined {
  const found = plistAt(value, ...keys);
  return typeof found === 'string' ? found.trim() : undefined;
}

/** The value at a path, if it is an array; empty for anything else. */
export function plistList(value: Plist | undefined, ...keys: readonly string[]): readonly Plist[] {
  const found = plistAt(value, ...keys);
  return typeof found === 'object' && !isDict(found) ? found : [];
}
