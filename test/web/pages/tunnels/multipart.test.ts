// How forms with files are read, as a browser sends them (FormData of Node's own fetch) and as nobody should.

import { describe, expect, it } from 'vitest';

import { boundaryOf, readMultipart } from '../../../../web/pages/tunnels/multipart.ts';

/** What a browser would send: written by the platform, not by us. */
async function sent(form: FormData): Promise<{ readonly type: string; readonly body: Buffer }> {
  const request = new Request('http://page/', { method: 'POST', body: form });
  return {
    type: request.headers.get('content-type') ?? '',
    body: Buffer.from(await request.arrayBuffer()),
  };
}

describe('a form with a file', () => {
  it('is read as it was filled in: fields, files, names, line breaks and dashes', async () => {
    const form = new FormData();
    form.append('token', 'abc');
    const text = '[Interface]\r\nPrivateKey = x\n--not a boundary\r\n\r\n--\r\n';
    form.append('config', new File([text], 'höme "1".conf'));
    form.append('empty', '');
    const { type, body } = await sent(form);
    const read = readMultipart(body, boundaryOf(type) ?? '');
    expect(read?.get('token')).toBe('abc');
    expect(read?.get('config')).toBe(text);
    expect(read?.get('config.filename')).toContain('höme');
    expect(read?.get('empty')).toBe('');
  });

  it.each([
    ['', 'x'],
    ['--x\r\n', 'x'],
    ['--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nnever ends', 'x'],
    ['--x\r\nContent-Type: text/plain\r\n\r\nno name\r\n--x--\r\n', 'x'],
    ['--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nno name\r\n--x--\r\n', 'x'],
    ['--y\r\nContent-Disposition: form-data; name="a"\r\n\r\nother\r\n--y--\r\n', 'x'],
  ])('that is none is not read: %j', (body, boundary) => {
    expect(readMultipart(Buffer.from(body), boundary)).toBeUndefined();
  });

  it('with more fields than any form has is not read', () => {
    const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n';
    expect(readMultipart(Buffer.from(`${part.repeat(60)}--x--\r\n`), 'x')?.getAll('a')).toHaveLength(60);
    expect(readMultipart(Buffer.from(`${part.repeat(70)}--x--\r\n`), 'x')).toBeUndefined();
  });

  it('names its boundary', () => {
    expect(boundaryOf('multipart/form-data; boundary=----abc')).toBe('----abc');
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b"')).toBe('a b');
    expect(boundaryOf('application/x-www-form-urlencoded; boundary=x')).toBeUndefined();
    expect(boundaryOf('multipart/form-data')).toBeUndefined();
  });
});
