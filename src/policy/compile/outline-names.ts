// Reads a name back out of the matches of bits that nftables has of it (src/policy/servers/names.ts), so that a shape contains its length
// and place, and not its letters.

/** A rule may go on in chains of its own (`inPieces`): they hold one rule each, and what does not match returns. */
const GOES_ON = / (?:jump|goto) ((?:up|down)_(?:name|must|cut_name|cut_two)_\d+(?:_\d+)*)$/;

/** The rule whole, its names as `<name …>`; each name is added to `constants`. */
export function splicedName(
  rule: string,
  rulesOf: (chain: string) => readonly string[],
  constants: string[],
): string {
  let text = rule;
  for (let next = GOES_ON.exec(text); next !== null; next = GOES_ON.exec(text)) {
    const [only, ...others] = rulesOf(next[1] ?? '');
    if (only === undefined || others.length > 0) break;
    text = `${text.slice(0, next.index)} ${only}`;
  }
  return namesRead(text, constants);
}

interface Match {
  readonly base: string;
  readonly from: number;
  readonly bits: number;
  readonly value: bigint;
}

function namesRead(text: string, constants: string[]): string {
  if (!/@(?:th|ih),\d+,\d+ \d/.test(text)) return text;
  const words = text.split(' ');
  const read: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const name = nameAt(words, at);
    if (name === undefined) {
      read.push(words[at] ?? '');
      continue;
    }
    constants.push(name.text);
    read.push(`@${name.base},${name.from} <name${name.length} ${name.text}>`);
    at = name.end - 1;
  }
  return read.join(' ');
}

function matchAt(words: readonly string[], at: number): Match | undefined {
  const place = /^@(th|ih),(\d+),(\d+)$/.exec(words[at] ?? '');
  const value = words[at + 1] ?? '';
  if (place === null || !/^(?:\d+|0x[0-9a-f]+)$/.test(value)) return undefined;
  return { base: place[1] ?? '', from: Number(place[2]), bits: Number(place[3]), value: BigInt(value) };
}

/** A whole name that begins with this word, as its bytes say, letters in lower case; `end`: the word behind it. */
function nameAt(
  words: readonly string[],
  start: number,
):
  | {
      readonly text: string;
      readonly base: string;
      readonly from: number;
      readonly length: number;
      readonly end: number;
    }
  | undefined {
  const first = matchAt(words, start);
  if (first === undefined || first.from % 8 !== 0) return undefined;
  let bits = '';
  let at = start;
  for (let match: Match | undefined = first; match !== undefined; match = matchAt(words, at)) {
    const gap: number = match.from - (first.from + bits.length);
    // Between two runs of bits only the one is left out in which the cases of a letter differ.
    if (match.base !== first.base || gap < 0 || gap > 1 || (gap === 1 && bits.length % 8 !== 2))
      return undefined;
    bits += (gap === 1 ? '?' : '') + match.value.toString(2).padStart(match.bits, '0');
    at += 2;
    const text = nameOf(bits);
    if (text === 'none') return undefined;
    if (text !== undefined)
      return { text, base: first.base, from: first.from, length: bits.length / 8, end: at };
  }
  return undefined;
}

/** Undefined while there is more to come. */
function nameOf(bits: string): string | undefined {
  let [text, left] = ['', 0];
  for (let at = 0; at + 8 <= bits.length; at += 8) {
    const byte = bits.slice(at, at + 8);
    const isLetter = byte[2] === '?';
    const value = parseInt(isLetter ? byte.replace('?', '1') : byte, 2);
    if (left === 0) {
      if (isLetter || value > 63 || (value === 0 && at === 0)) return 'none';
      if (value === 0) return at + 8 === bits.length ? text.slice(1) : 'none';
      text += '.';
      left = value;
      continue;
    }
    // A letter has both its cases, and nothing else has: or it is no name as the compilers write one.
    if (isLetter !== (value >= 0x61 && value <= 0x7a) || value <= 0x20 || (value >= 0x41 && value <= 0x5a))
      return 'none';
    text += value < 0x7f ? String.fromCharCode(value) : `\\${value}`;
    left -= 1;
  }
  return undefined;
}
