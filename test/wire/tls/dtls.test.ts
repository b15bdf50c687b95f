// DTLS hellos by RFC 6347 section 4, use_srtp by RFC 5764 section 4.1.1, protocol names by RFC 7301 and 8833.
import { describe, expect, it } from 'vitest';
import { dtlsHello } from '../../../src/wire/tls/dtls.ts';
import { expectBounded } from '../bounded.ts';
import { ascii, hex } from '../hex.ts';

const n2 = (value: number) => [value >> 8, value & 255];
const n3 = (value: number) => [value >> 16, ...n2(value & 0xffff)];

function record(version: string, type: number, body: Uint8Array, keep = body.length): Uint8Array {
  const part = body.slice(0, keep);
  const handshake = hex([type], n3(body.length), '0000', n3(0), n3(part.length), part);
  return hex('16', version, '0000 000000000000', n2(handshake.length), handshake);
}

interface Hello {
  version?: string;
  session?: string;
  cookie?: string;
  suites?: string;
  extensions?: Uint8Array;
}

function clientHello({
  version = 'fefd',
  session = '',
  cookie = '',
  suites = 'c02b c02f c030',
  extensions,
}: Hello) {
  const lengths = [hex(session), hex(cookie), hex(suites)] as const;
  const [id, value, list] = lengths;
  const tail = extensions === undefined ? [] : [...n2(extensions.length), ...extensions];
  return hex(version, '5a*32', [id.length], id, [value.length], value, n2(list.length), list, '01 00', tail);
}

const srtp = hex('000e 0005 0002 0001 00');
const groups = hex('000a 0004 0002 001d');
const alpn = (name: string) =>
  hex('0010', n2(name.length + 3), n2(name.length + 1), [name.length], ascii(name));
const plain = record('feff', 1, clientHello({ extensions: groups }));
const media = record('feff', 1, clientHello({ extensions: hex(groups, srtp) }));
const read = (bytes: Uint8Array) => dtlsHello(bytes, 0, bytes.length);

describe('dtlsHello', () => {
  it('reads a client hello', () => {
    expect(read(plain)).toEqual({
      message: 'client-hello',
      version: 0xfefd,
      tls13: false,
      sessionIdLength: 0,
      cookieLength: 0,
      cipherSuites: 3,
      media: false,
    });
  });

  it('sees that the keys of a call are agreed', () => {
    expect(read(media)?.media).toBe(true);
    expect(read(record('feff', 1, clientHello({ extensions: alpn('webrtc') })))?.media).toBe(true);
    expect(read(record('feff', 1, clientHello({ extensions: alpn('c-webrtc') })))?.media).toBe(true);
    expect(read(record('feff', 1, clientHello({ extensions: alpn('coapcoap') })))?.media).toBe(false);
    const server = record('fefd', 2, hex('fefd', '5a*32', '00 c02b 00', n2(srtp.length), srtp));
    expect(read(server)).toMatchObject({ message: 'server-hello', media: true });
  });

  it('does not know what a cut off hello would say', () => {
    const body = clientHello({ extensions: hex(groups, srtp) });
    const cut = read(record('feff', 1, body, body.length - 4));
    expect(cut).toMatchObject({ message: 'client-hello', media: undefined });
    expect(read(record('feff', 1, body, 42))?.media).toBeUndefined();
  });

  it('reads version 1.3, the cookie exchange, and the old version of AnyConnect', () => {
    const versions = hex('002b 0005 04 fefc fefd');
    expect(read(record('fefd', 1, clientHello({ extensions: versions })))?.tls13).toBe(true);
    expect(read(record('feff', 3, hex('feff 03 010203')))).toMatchObject({
      message: 'hello-verify',
      cookieLength: 3,
    });
    const old = record('0100', 1, clientHello({ version: '0100', session: 'ab*32', suites: '0039' }));
    expect(read(old)).toMatchObject({ version: 0x0100, sessionIdLength: 32, cipherSuites: 1, media: false });
  });

  it.each([
    ['TLS', hex('16 0301', plain.slice(3))],
    ['an encrypted record', plain.slice().fill(1, 4, 5)],
    ['a record longer than the packet', plain.slice(0, -1)],
    ['another handshake message', plain.slice().fill(11, 13, 14)],
    ['a later fragment', plain.slice().fill(1, 21, 22)],
    ['an odd list of cipher suites', record('feff', 1, clientHello({ suites: 'c02b c0' }))],
  ])('refuses %s', (_what, bytes) => {
    expect(read(bytes)).toBeUndefined();
  });

  it('is bounded', () => {
    expectBounded(dtlsHello, [plain, media]);
  });
});
