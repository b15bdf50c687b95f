// Reads a form whose last field is a file, without holding the file in memory (RFC 7578; RFC 2046, section 5.1.1). The token comes before
// the file in the form, so that it can be checked first.

import type { Context } from 'koa';

import { boundaryOf, fileStart, readMultipart } from './multipart.ts';

/** Most bytes before the content of the file: all fields before it, and its header. */
const FIELDS_LIMIT = 4096;

/** A form that has been read up to its file. */
export interface FileForm {
  /** The fields before the file. */
  readonly fields: URLSearchParams;
  /** The content of the file in chunks, to be read once; throws 400 if the form ends early. */
  readonly file: AsyncIterable<Buffer>;
}

/**
 * Reads up to the file of a multipart form (RFC 7578). Throws 415 for another content type, 400 for a malformed form, 413 if more than
 * FIELDS_LIMIT bytes precede the file.
 */
export async function readFileForm(ctx: Context): Promise<FileForm> {
  const boundary = boundaryOf(ctx.get('Content-Type')) ?? ctx.throw(415);
  // A form that is refused need not be read to its end: the connection is closed after the answer.
  ctx.set('Connection', 'close');
  const chunks = (ctx.req as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let read = Buffer.alloc(0);
  for (;;) {
    const start = fileStart(read, boundary);
    if (start !== undefined) {
      if (start.part > FIELDS_LIMIT) ctx.throw(413);
      const ending = Buffer.from(`\r\n--${boundary}--`);
      const before = Buffer.concat([read.subarray(0, start.part), ending]);
      const fields = readMultipart(before, boundary) ?? ctx.throw(400);
      return { fields, file: contentOf(ctx, read.subarray(start.content), chunks, boundary) };
    }
    if (read.length > FIELDS_LIMIT) ctx.throw(413);
    const next = await chunks.next();
    if (next.done === true) ctx.throw(400);
    read = Buffer.concat([read, next.value]);
  }
}

async function* contentOf(
  ctx: Context,
  first: Buffer,
  chunks: AsyncIterator<Buffer>,
  boundary: string,
): AsyncGenerator<Buffer, void> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let held = first;
  for (;;) {
    const end = held.indexOf(delimiter);
    if (end >= 0) {
      yield held.subarray(0, end);
      return;
    }
    // The delimiter may begin at the end of this chunk and continue in the next.
    const sure = Math.max(0, held.length - delimiter.length + 1);
    yield held.subarray(0, sure);
    const next = await chunks.next();
    if (next.done === true) ctx.throw(400);
    held = Buffer.concat([held.subarray(sure), next.value]);
  }
}
