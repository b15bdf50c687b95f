// Knows: how a large report is written as JSON without holding the whole text. Must not know: what the report says.
// Follows RFC 8259. One object, its long lists in pieces.

/** Elements of a list that are written at a time. */
const PIECE = 2_000;

/** The JSON text of an object, in pieces; joined they are what JSON.stringify gives. Iterables are lists. Fields must not be undefined. */
export function* jsonPieces(value: object): Generator<string> {
  let before = '{';
  for (const [key, field] of Object.entries(value) as [string, unknown][]) {
    yield `${before}${JSON.stringify(key)}:`;
    before = ',';
    if (isIterable(field)) yield* listPieces(field);
    else yield JSON.stringify(field);
  }
  yield before === '{' ? '{}' : '}';
}

function isIterable(field: unknown): field is Iterable<unknown> {
  return typeof field === 'object' && field !== null && Symbol.iterator in field;
}

function* listPieces(list: Iterable<unknown>): Generator<string> {
  let before = '[';
  let piece: unknown[] = [];
  for (const element of list) {
    if (piece.push(element) < PIECE) continue;
    yield `${before}${JSON.stringify(piece).slice(1, -1)}`;
    before = ',';
    piece = [];
  }
  if (piece.length > 0) yield `${before}${JSON.stringify(piece).slice(1, -1)}]`;
  else yield before === '[' ? '[]' : ']';
}
