// Parses multipart/form-data (RFC 7578; RFC 2046, section 5.1.1) from a body of bounded size. Texts are UTF-8.

/** Most parts; no form here has as many. */
const PARTS = 64;
/** Most bytes of the header of a part: a browser writes a field name, a file name and a type. */
const HEAD_MOST = 4_096;
const BREAK = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * The boundary in a Content-Type header (RFC 2046, section 5.1.1; at most 70 characters), without quotes; undefined for another type or if
 * there is none.
 */
export function boundaryOf(type: string): string | undefined {
  const parts = /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(type);
  return parts?.[1] ?? parts?.[2];
}

/**
 * Every field as text, in the order of the body. A file gives its content as text, its name as `FIELD.filename`, and its bytes in base64 as
 * `FIELD.bytes`, because its encoding is not known here. Undefined if the body is malformed, ends early, or has more than PARTS parts.
 * Never throws (RFC 7578).
 */
export function readMultipart(body: Buffer, boundary: string): URLSearchParams | undefined {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const whole = Buffer.concat([BREAK, body]);
  const fields = new URLSearchParams();
  let at = whole.indexOf(delimiter);
  for (let parts = 0; at >= 0 && parts <= PARTS; parts += 1) {
    const from = at + delimiter.length;
    if (whole.toString('latin1', from, from + 2) === '--') return fields;
    at = whole.indexOf(delimiter, from);
    const part = whole.subarray(from, at < 0 ? from : at);
    const split = part.indexOf(HEAD_END);
    if (split < 0 || split > HEAD_MOST) return undefined;
    const head = part.toString('utf8', 0, split);
    const name = named(head, 'name');
    if (name === undefined) return undefined;
    fields.append(name, part.toString('utf8', split + HEAD_END.length));
    const filename = named(head, 'filename');
    if (filename === undefined) continue;
    fields.append(`${name}.filename`, filename);
    fields.append(`${name}.bytes`, part.toString('base64', split + HEAD_END.length));
  }
  return undefined;
}

/**
 * The offsets in `body`, bytes, at which the first part with a file begins (`part`, including the line break before its delimiter) and at
 * which its content begins. `body` may be incomplete; undefined if the content is not in it yet. Never throws (RFC 2046, section 5.1.1).
 */
export function fileStart(
  body: Buffer,
  boundary: string,
): { readonly part: number; readonly content: number } | undefined {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const whole = Buffer.concat([BREAK, body]);
  for (let at = whole.indexOf(delimiter); at >= 0; at = whole.indexOf(delimiter, at + delimiter.length)) {
    const split = whole.indexOf(HEAD_END, at + delimiter.length);
    if (split < 0) return undefined;
    if (named(whole.toString('utf8', at + delimiter.length, split), 'filename') !== undefined)
      return { part: Math.max(0, at - BREAK.length), content: split + HEAD_END.length - BREAK.length };
  }
  return undefined;
}

function named(head: string, parameter: string): string | undefined {
  const disposition = /^content-disposition:\s*form-data\b(.*)$/im.exec(head)?.[1] ?? '';
  return new RegExp(`[;\\s]${parameter}="([^"]*)"`, 'i').exec(disposition)?.[1];
}
