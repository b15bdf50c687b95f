// Knows: how to read a form whose last field is a file, without ever holding the file. Must not know: which form, what the file is.
// Follows RFC 7578 and RFC 2046, section 5.1.1. What proves whose form it is must stand before the file: it is looked at first.

import type { Context } from 'koa';

import { boundaryOf, fileStart, readMultipart } from './multipart.ts';

/** Bytes before the file's content: its head, and every field before it. */
const FIELDS_LIMIT = 4096;

export interface FileForm {
  /** What came before the file. */
  readonly fields: URLSearchParams;
  /** The file in pieces as they come, to be read once; ends with 400 when the form breaks off. */
  readonly file: AsyncIterable<Buffer>;
}

/** Reads up to the file. Throws 415 for another type, 400 for what is no such form, 413 for more before the file than fields are. */
export async function readFileForm(ctx: Context): Promise<FileForm> {
  const boundary = boundaryOf(ctx.get('Content-Type')) ?? ctx.throw(415);
  // Who refuses a form need not read it: the connection ends with the answer.
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
    // The delimiter may have begun in what is here and go on in what comes.
    const sure = Math.max(0, held.length - delimiter.length + 1);
    yield held.subarray(0, sure);
    const next = await chunks.next();
    if (next.done === true) ctx.throw(400);
    held = Buffer.concat([held.subarray(sure), next.value]);
  }
}
