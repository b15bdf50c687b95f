// Knows: how a text becomes a YAML document within bounds, or the reasons why not, with their lines. Must not know: what a policy is.
// Follows YAML 1.2. A policy is flat and short: what is deeper, or is made of more pieces, is refused before it is composed, because
// the composer recurses by depth and V8 ends the whole process when the stack is gone while it compiles an expression.

import { CST, Composer, LineCounter, Lexer, Parser, isMap, isScalar, visit } from 'yaml';
import type { Document } from 'yaml';
import type { Fault } from '../fault.ts';

/** More than ten thousand endpoints with their lines, and far less than what would exhaust a small box. */
const MAX_TEXT = 4_000_000;
/** Collections within collections; a policy has four, and each takes two places of the parser's stack at most. */
const DEPTH_MOST = 32;
/** Lexical tokens: an endpoint on its own line has six, so thirty thousand of them are read. */
const TOKENS_MOST = 200_000;
/** What stands beside the document itself: comments and empty lines before it count, errors and second documents end it. */
const BROKEN_MOST = 100;

export interface YamlReading {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  /** What is no YAML, each with its line; none for a sound document. */
  readonly faults: readonly Fault[];
}

/** The document of a text, or why it is not looked at. Never throws; takes time in proportion to the text. */
export function readYaml(text: string): YamlReading | { readonly refused: Fault } {
  if (text.length > MAX_TEXT) return refused('the policy is too long', 'At most 4 MB.');
  const lines = new LineCounter();
  const tokens: CST.Token[] = [];
  const tooMuch = tokensOf(text, lines, tokens);
  if (tooMuch !== undefined) return { refused: tooMuch };
  // Merge keys and aliases would let one line mean many. Keys are compared below: the library compares each with each.
  const options = { lineCounter: lines, merge: false, uniqueKeys: false, strict: true, prettyErrors: false };
  const documents = [...new Composer(options).compose(tokens, true, text.length)];
  const [document, second] = documents;
  if (document === undefined) return refused('this is no YAML', 'Write the policy as YAML.');
  const faults = [...document.errors, ...document.warnings].slice(0, BROKEN_MOST).map((error): Fault => {
    const { line } = lines.linePos(error.pos[0]);
    return { path: '', message: yamlWords(error.message), remedy: 'Mend the YAML of this line.', line };
  });
  if (second !== undefined) {
    const { line } = lines.linePos(second.range[0]);
    const remedy = 'Write one document: no second "---".';
    faults.push({ path: '', message: 'a second document begins here', remedy, line });
  }
  return { document, lines, faults: [...faults, ...repeatedKeys(document, lines)] };
}

/** Fills `tokens`; what is too deep, too much or too broken to go on with. */
function tokensOf(text: string, lines: LineCounter, tokens: CST.Token[]): Fault | undefined {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const oddities = new Oddities();
  let count = 0;
  const take = (found: Iterable<CST.Token>): void => {
    for (const token of found) {
      tokens.push(token);
      oddities.atTop(token);
    }
  };
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    oddities.lexeme(lexeme);
    take(parser.next(lexeme));
    if (parser.stack.length <= 2 * DEPTH_MOST && count <= TOKENS_MOST && oddities.count <= BROKEN_MOST)
      continue;
    const here = { path: '', line: lines.linePos(parser.offset).line };
    if (parser.stack.length > 2 * DEPTH_MOST)
      return { ...here, message: 'this is nested too deep', remedy: 'A policy has four levels.' };
    if (count > TOKENS_MOST)
      return { ...here, message: 'there are too many values', remedy: 'Write fewer: some 30,000 are read.' };
    return { ...here, message: 'this is no policy', remedy: 'Mend the YAML from the first line on.' };
  }
  take(parser.end());
  return undefined;
}

/** What a policy has nothing of: the composer makes an error, with its own words, of each. */
class Oddities {
  count = 0;
  #afterScalar = false;

  lexeme(source: string): void {
    const type = CST.tokenType(source);
    const isScalar = type === 'scalar' || type === 'double-quoted-scalar' || type === 'single-quoted-scalar';
    const isMark = type === 'anchor' || type === 'tag' || type === 'alias' || type === 'directive-line';
    if (isMark || (isScalar && this.#afterScalar)) this.count += 1;
    if (type !== 'space') this.#afterScalar = isScalar;
  }

  /** Beside the document there may be comments and empty lines before it. */
  atTop({ type }: CST.Token): void {
    if (type !== 'comment' && type !== 'newline' && type !== 'space') this.count += 1;
  }
}

/** Keys that stand twice in one mapping. */
function repeatedKeys(document: Document.Parsed, lines: LineCounter): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value) && faults.length < BROKEN_MOST) {
          const start = key.range?.[0];
          const line = start === undefined ? {} : { line: lines.linePos(start).line };
          const remedy = 'Mend the YAML of this line.';
          faults.push({ path: '', message: 'Map keys must be unique', remedy, ...line });
        }
        seen.add(key.value);
      }
    },
  });
  return faults;
}

/** The document of a policy that is one already; throws RangeError for any other text. */
export function policyDocument(text: string): Document.Parsed {
  const read = readYaml(text);
  if ('refused' in read || read.faults.length > 0 || !isMap(read.document.contents))
    throw new RangeError('only a valid policy can be edited');
  return read.document;
}

function refused(message: string, remedy: string): { readonly refused: Fault } {
  return { refused: { path: '', message, remedy } };
}

/** Without the position, which has a field of its own, and the excerpt. */
function yamlWords(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300);
}
