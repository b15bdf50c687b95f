// Reads a text as a YAML 1.2 document within bounds, or says why not, with the line. A policy is flat and short. A text that is deeper
// or has more tokens is refused before it is composed: the composer recurses by depth, and V8 ends the whole process when the stack runs
// out while it compiles an expression.

import { CST, Composer, LineCounter, Lexer, Parser, isMap, isScalar, visit } from 'yaml';
import type { Document } from 'yaml';
import type { Fault } from '../fault.ts';

/** Characters: more than ten thousand endpoints on their lines, and far less than would exhaust a small box. */
const MAX_TEXT = 4_000_000;
/** Nested collections; a policy has four levels, and each takes at most two entries of the parser's stack. */
const MAX_DEPTH = 32;
/** Lexical tokens: an endpoint on its own line has six, so thirty thousand of them can be read. */
const MAX_TOKENS = 200_000;
/** Things that no policy needs: tags, anchors, broken scalars, and tokens around the document. Each makes the composer produce an error. */
const MAX_ODDITIES = 100;

/** A text as YAML; an edit or the schema reads `document`. */
export interface YamlReading {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  /** Errors in the YAML, each with its line; empty for a valid document. */
  readonly faults: readonly Fault[];
}

/**
 * The document of a text (YAML 1.2), or why the text is refused without being composed: at most four million characters, 32 levels and
 * 200,000 tokens. Never throws; takes time in proportion to the text.
 */
export function readYaml(text: string): YamlReading | { readonly refused: Fault } {
  if (text.length > MAX_TEXT) return refused('the policy is too long', 'Write at most 4 MB.');
  const lines = new LineCounter();
  const tokens: CST.Token[] = [];
  const tooMuch = tokensOf(text, lines, tokens);
  if (tooMuch !== undefined) return { refused: tooMuch };
  // Merge keys and aliases would let one line stand for many. Repeated keys are found below: the library's own check takes quadratic time.
  const options = { lineCounter: lines, merge: false, uniqueKeys: false, strict: true, prettyErrors: false };
  const documents = [...new Composer(options).compose(tokens, true, text.length)];
  const [document, second] = documents;
  if (document === undefined) return refused('this is not YAML', 'Write the policy as YAML.');
  const faults = [...document.errors, ...document.warnings].slice(0, MAX_ODDITIES).map((error): Fault => {
    const { line } = lines.linePos(error.pos[0]);
    return { path: '', message: yamlWords(error.message), remedy: 'Correct the YAML on this line.', line };
  });
  if (second !== undefined) {
    const { line } = lines.linePos(second.range[0]);
    const remedy = 'Write a single document, without a second "---".';
    faults.push({ path: '', message: 'a second document begins here', remedy, line });
  }
  return { document, lines, faults: [...faults, ...repeatedKeys(document, lines)] };
}

/** Fills `tokens`; a fault when the text is too deep, too long or too broken to go on with. */
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
    if (parser.stack.length <= 2 * MAX_DEPTH && count <= MAX_TOKENS && oddities.count <= MAX_ODDITIES)
      continue;
    const here = { path: '', line: lines.linePos(parser.offset).line };
    if (parser.stack.length > 2 * MAX_DEPTH)
      return { ...here, message: 'this is nested too deeply', remedy: 'A policy has four levels.' };
    if (count > MAX_TOKENS)
      return { ...here, message: 'there are too many values', remedy: 'Write at most about 30,000 values.' };
    return { ...here, message: 'this is not a policy', remedy: 'Correct the YAML from the first line on.' };
  }
  take(parser.end());
  return undefined;
}

/** Counts what no policy contains (MAX_ODDITIES): the composer would allocate an error for each. */
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

  /** Counts tokens at the top level; comments and empty lines before the document are allowed. */
  atTop({ type }: CST.Token): void {
    if (type !== 'comment' && type !== 'newline' && type !== 'space') this.count += 1;
  }
}

/** Keys that are repeated in one mapping. */
function repeatedKeys(document: Document.Parsed, lines: LineCounter): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value) && faults.length < MAX_ODDITIES) {
          const start = key.range?.[0];
          const line = start === undefined ? {} : { line: lines.linePos(start).line };
          const remedy = 'Correct the YAML on this line.';
          faults.push({ path: '', message: 'this key is already used in the same mapping', remedy, ...line });
        }
        seen.add(key.value);
      }
    },
  });
  return faults;
}

/** The document of a valid policy's text; throws RangeError for any other text. */
export function policyDocument(text: string): Document.Parsed {
  const read = readYaml(text);
  if ('refused' in read || read.faults.length > 0 || !isMap(read.document.contents))
    throw new RangeError('only a valid policy can be edited');
  return read.document;
}

function refused(message: string, remedy: string): { readonly refused: Fault } {
  return { refused: { path: '', message, remedy } };
}

/** The library's message without position (a separate field) and excerpt, at most 300 characters. */
function yamlWords(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300);
}
