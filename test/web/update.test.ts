// How an update goes through the page: whole, in parts, and only when the form is the owner's own.

import { request } from 'node:http';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { MAX_UPDATE_PART_BYTES } from '../../src/api/words.ts';
import type { Body } from '../../src/api/endpoints.ts';
import { anUpdate } from '../box-answers.ts';
import type { GuardPeer } from '../guard-peer.ts';
import { closeOwnedPage, freshBox, openOwnedPage } from './listening-page.ts';
import type { Browser, PageUnderTest } from './listening-page.ts';

let peer: GuardPeer;
let page: PageUnderTest;
let own: Browser;

beforeAll(async () => {
  ({ peer, page, own } = await openOwnedPage());
});

beforeEach(async () => {
  freshBox(peer);
  await own.ask('/update');
  peer.asked.length = 0;
});

afterAll(() => closeOwnedPage({ page, peer }));

/** As a browser sends the form; written by the platform, not by us. */
async function bodyOf(file: Uint8Array, token = own.token): Promise<{ type: string; body: Buffer }> {
  const form = new FormData();
  form.append('token', token);
  form.append('update', new File([Buffer.from(file)], 'leakguard.update'));
  const built = new Request('http://page/', { method: 'POST', body: form });
  return {
    type: built.headers.get('content-type') ?? '',
    body: Buffer.from(await built.arrayBuffer()),
  };
}

interface Told {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

/** Sends the body in pieces of this many bytes. */
async function post(
  { type, body }: { type: string; body: Buffer },
  piece = 65_536,
  headers = {},
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        ...{ port: page.port, host: '127.0.0.1', path: '/update', method: 'POST', agent: false },
        headers: { cookie: own.cookie, 'content-type': type, ...headers },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, text });
        });
      },
    );
    asking.on('error', reject);
    for (let at = 0; at < body.length; at += piece) asking.write(body.subarray(at, at + piece));
    asking.end();
  });
}

const told = (): string[] => peer.asked.filter(({ method }) => method !== 'GET').map(({ path }) => path);

/** What the guard was given, put together. */
function arrived(): Buffer {
  const parts = peer.asked
    .filter(({ path }) => path === '/v1/update/part')
    .map(({ body }) => body as Body<'updatePart'>);
  const bytes = parts.map((part) => Buffer.from(part.bytes, 'base64'));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    expect(part.at).toBe(at);
    expect(bytes[index]?.length).toBeLessThanOrEqual(MAX_UPDATE_PART_BYTES);
    at += bytes[index]?.length ?? 0;
  }
  return Buffer.concat(bytes);
}

/** Every byte there is, line breaks and dashes in every order that a boundary could begin with. */
const FILE = Buffer.from(
  Array.from({ length: 1_300_000 }, (_, at) => (at % 7 === 0 ? 45 : at % 11 === 0 ? 13 : (at * 31) % 256)),
);

describe('an update', () => {
  it('reaches the guard byte for byte, in parts, and is handed on once it is whole', async () => {
    const { status, location } = await post(await bodyOf(FILE));
    expect([status, location]).toEqual([303, '/update?sent=yes']);
    expect(arrived().equals(FILE)).toBe(true);
    expect(told()).toEqual([...Array<string>(3).fill('/v1/update/part'), '/v1/update/install']);
  });

  it.each([1, 7, 61, 4096])('is the same however the wire cuts it: %i bytes at a time', async (piece) => {
    const part = Buffer.concat([FILE.subarray(0, 1500), Buffer.from('\r\n--'), FILE.subarray(0, 400)]);
    expect((await post(await bodyOf(part), piece)).status).toBe(303);
    expect(arrived().equals(part)).toBe(true);
  });

  it('is not taken from a form that is not the owner’s own, and not one byte of it is handed on', async () => {
    expect((await post(await bodyOf(FILE.subarray(0, 3000), 'stolen'))).status).toBe(403);
    const elsewhere = { origin: 'http://other.example' };
    expect((await post(await bodyOf(FILE.subarray(0, 3000)), 65_536, elsewhere)).status).toBe(403);
    const { type, body } = await bodyOf(FILE.subarray(0, 3000));
    const tokenLast = Buffer.from(
      `--x\r\nContent-Disposition: form-data; name="update"; filename="a"\r\n\r\nabc\r\n--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n${own.token}\r\n--x--\r\n`,
    );
    expect((await post({ type: 'multipart/form-data; boundary=x', body: tokenLast })).status).toBe(403);
    const stranger = await post({ type, body }, 65_536, { cookie: '' });
    expect([stranger.status, stranger.location]).not.toContain('/update?sent=yes');
    expect(told()).toEqual([]);
  });

  it('that is not whole, no form, or not there is refused, and nothing is installed', async () => {
    const { type, body } = await bodyOf(FILE.subarray(0, 3000));
    expect((await post({ type, body: body.subarray(0, body.length - 10) })).status).toBe(400);
    expect((await post({ type, body: Buffer.from('nonsense') })).status).toBe(400);
    expect((await post({ type, body: Buffer.alloc(6000, 45) })).status).toBe(413);
    expect((await post({ type: 'text/plain', body })).status).toBe(415);
    const empty = await post(await bodyOf(Buffer.alloc(0)));
    expect([empty.status, empty.text.includes('Choose a file first.')]).toEqual([422, true]);
    expect(told()).not.toContain('/v1/update/install');
  });

  it('that the guard refuses is told with its reason', async () => {
    const error = { code: 'not-signed', message: 'nobody whom this box trusts has signed it', faults: [] };
    peer.refusal = { status: 400, body: { error } };
    const { status, text } = await post(await bodyOf(FILE.subarray(0, 3000)));
    expect(status).toBe(422);
    expect(text).toContain('Nobody whom this box trusts has signed it.');
  });
});

describe('the page', () => {
  it('says what became of the last update', async () => {
    peer.answers.set(
      'GET /v1/update',
      anUpdate({ stage: 'rolled-back', version: '9.9', why: 'it is <blind>' }),
    );
    const { text } = await own.ask('/update');
    expect(text).toContain('Version 9.9 did not come up. The previous one was restored.');
    expect(text).toContain('it is &lt;blind&gt;');
    expect(text).toContain('type="file"');
  });

  it('asks for the file of this version where there is no way back, and for none while one is installed', async () => {
    peer.answers.set('GET /v1/update', anUpdate({ wayBack: false }));
    const { text } = await own.ask('/update');
    expect(text).toContain('Send the file of version 0.1.0 first');
    expect(text).toContain('type="file"');
    peer.answers.set('GET /v1/update', anUpdate({ stage: 'installing', version: '9.9' }));
    expect((await own.ask('/update')).text).not.toContain('type="file"');
  });

  it('asks again by itself while the guard is away', async () => {
    await peer.vanish();
    const { text } = await own.ask('/update?sent=yes');
    expect(text).toContain('its signature is valid');
    expect(text).toContain('http-equiv="refresh"');
    await peer.resume();
  });
});
