// Writes a large report as JSON (RFC 8259) without holding the whole text in memory.

/** List elements written at a time. */
const PIECE = 2_000;

/**
 * The JSON text (RFC 8259) of an object in pieces; joined, they equal the output of JSON.stringify, without a line feed. Iterables become
 * arrays and are read once. No field may be undefined: its text would be `undefined`.
 */
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
