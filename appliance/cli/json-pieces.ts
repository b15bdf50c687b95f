// Knows: how a large report is written as JSON without holding the whole text. Must not know: what the report says.
// Follows RFC 8259. One object, its long lists in pieces.

/** Elements of a list that are written at a time. */
const PIECE = 2_000;

/** The JSON text of an object, in pieces; joined they are what JSON.stringify gives. Fields must not be undefined. */
export function* jsonPieces(value: object): Generator<string> {
  let before = '{';
  for (const [key, field] of Object.entries(value) as [string, unknown][]) {
    yield `${before}${JSON.stringify(key)}:`;
    before = ',';
    if (Array.isArray(field) && field.length > PIECE) yield* listPieces(field);
    else yield JSON.stringify(field);
  }
  yield before === '{' ? '{}' : '}';
}

function* listPieces(list: readonly unknown[]): Generator<string> {
  for (let at = 0; at < list.length; at += PIECE) {
    const text = JSON.stringify(list.slice(at, at + PIECE));
    yield `${at === 0 ? '[' : ','}${text.slice(1, -1)}`;
  }
  yield ']';
}
