// What QUIC clients' first datagrams look like, whole and in pieces. Follows RFC 9001 appendix A and RFC 9369 appendix A, whose vectors are
// here, and RFC 9000 section 12.2.

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { nodeQuicCrypto } from '../../../appliance/os/quic-crypto.ts';
import { clientInitialKeys } from '../../../src/wire/quic/quic-crypto.ts';
import { isQuicInitialSize, isQuicLong, QuicClientFlow } from '../../../src/wire/quic/quic-flow.ts';
import { isQuicVersion, quicVersions } from '../../../src/wire/quic/quic-versions.ts';
import { expectBounded } from '../bounded.ts';
import {
  cryptoFrame,
  SEAL_DRAFT_29,
  SEAL_Q050,
  SEAL_V1,
  SEAL_V2,
  sealInitial,
  type Initial,
} from '../quic-seal.ts';

const ID = Buffer.from('8394c8f03e515708', 'hex');
const HELLO = Buffer.from(
  '010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0000000' +
    '10000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e00050005010000' +
    '0000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400' +
    '0d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07' +
    '048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff',
  'hex',
);

function initial(change: Partial<Initial> = {}): Uint8Array {
  const frames = cryptoFrame(0, HELLO);
  return sealInitial({
    how: SEAL_V1,
    version: 1,
    destinationId: ID,
    packetNumber: 2,
    frames,
    padTo: 1162,
    ...change,
  });
}

const flow = (): QuicClientFlow => new QuicClientFlow(nodeQuicCrypto);
const accept = (bytes: Uint8Array, to = flow()): unknown => to.accept(bytes, 0, bytes.length);
const EXAMPLE = { serverName: 'example.com', alpn: ['alpn'], complete: true };

describe('vectors', () => {
  test.each([
    [
      'RFC 9001 A.1',
      1,
      '1f369613dd76d5467730efcbe3b1a22d',
      'fa044b2f42a3fd3b46fb255c',
      '9f50449e04a0e810283a1e9933adedd2',
    ],
    [
      'RFC 9369 A.1',
      0x6b3343cf,
      '8b1a0bc121284290a29e0971b5cd045d',
      '91f73e2351d8fa91660e909f',
      '45b95e15235d6f45a6b19cbcb0294ba9',
    ],
  ])('%s: the keys of a client', (_, version, key, iv, headerProtection) => {
    const [first] = quicVersions(version);
    if (first === undefined) throw new Error('no version');
    const keys = clientInitialKeys(nodeQuicCrypto, first.schedule, ID);
    const hex = Object.values(keys).map((part: Uint8Array) => Buffer.from(part).toString('hex'));
    expect(hex).toEqual([key, iv, headerProtection]);
  });

  // The last sixteen octets are the tag: they can be right only if every octet before them is.
  test.each([
    [
      'RFC 9001 A.2',
      SEAL_V1,
      1,
      'c000000001088394c8f03e5157080000449e7b9aec34d1b1c98d',
      'e221af44860018ab0856972e194cd934',
      'v1',
    ],
    [
      'RFC 9369 A.2',
      SEAL_V2,
      0x6b3343cf,
      'd76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6a',
      'a18b2faa745b6fe189cf772a9f84cbfc',
      'v2',
    ],
  ])('%s: a client Initial', (_, how, version, begins, ends, versionName) => {
    const packet = initial({ how, version });
    const hex = Buffer.from(packet).toString('hex');
    expect([packet.length, hex.slice(0, begins.length), hex.slice(-32)]).toEqual([1200, begins, ends]);
    expect(accept(packet)).toEqual({ version, versionName, ...EXAMPLE });
  });

  it('RFC 9001 A.3: a server Initial opens with no key of the client', () => {
    const packet = Buffer.from(
      'cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f' +
        '5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795' +
        'd77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee',
      'hex',
    );
    const own = flow();
    expect(own.accept(packet, 0, packet.length)).toBe('not-client');
    expect(accept(initial(), own)).toMatchObject(EXAMPLE);
  });
});

describe('QuicClientFlow', () => {
  it('joins CRYPTO frames in any order, over any packets', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: HELLO.length - 1 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(cuts, fc.array(fc.nat(), { minLength: 7, maxLength: 7 }), (at, order) => {
        const ends = [0, ...at.sort((a, b) => a - b), HELLO.length];
        const pieces = ends
          .slice(1)
          .map((end, i) => cryptoFrame(ends[i] ?? 0, HELLO.subarray(ends[i] ?? 0, end)));
        const shuffled = pieces
          .map((frames, i) => ({ frames, key: order[i] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ frames }, packetNumber) => initial({ frames, packetNumber, padTo: 40 }));
        const own = flow();
        const outcomes = shuffled.map((packet) => accept(packet, own));
        expect(outcomes.slice(0, -1)).toEqual(outcomes.slice(0, -1).map(() => 'need-more'));
        expect(outcomes.at(-1)).toMatchObject(EXAMPLE);
      }),
      { numRuns: 60 },
    );
  });

  it('reads several frames in one packet, past PADDING, PING and ACK, with overlap', () => {
    const frames = Buffer.concat([
      Buffer.from([0, 0, 1, 2, 5, 0, 1, 0, 0, 0, 3, 5, 0, 0, 0, 1, 1, 1]),
      cryptoFrame(100, HELLO.subarray(100)),
      Buffer.from([1]),
      cryptoFrame(0, HELLO.subarray(0, 140)),
    ]);
    expect(accept(initial({ frames }))).toMatchObject(EXAMPLE);
  });

  it('reads packets coalesced behind others', () => {
    const first = initial({ frames: cryptoFrame(120, HELLO.subarray(120)), padTo: 0, packetNumber: 0 });
    const second = initial({ frames: cryptoFrame(0, HELLO.subarray(0, 120)), packetNumber: 1 });
    const zeroRtt = Uint8Array.from([0xd0, 0, 0, 0, 1, 8, ...ID, 0, 0x40, 24, ...Buffer.alloc(24, 7)]);
    expect(accept(Buffer.concat([first, zeroRtt, second]))).toMatchObject(EXAMPLE);
  });

  it('keeps its keys when the destination ID changes to the server’s', () => {
    const own = flow();
    const server = Buffer.from('f067a5502a4262b5', 'hex');
    expect(accept(initial({ frames: cryptoFrame(0, HELLO.subarray(0, 99)) }), own)).toBe('need-more');
    const rest = initial({ frames: cryptoFrame(99, HELLO.subarray(99)), destinationId: server, keyId: ID });
    expect(accept(rest, own)).toMatchObject(EXAMPLE);
  });

  it('begins again after a Retry, with its token', () => {
    const own = flow();
    expect(accept(initial({ frames: cryptoFrame(0, HELLO.subarray(0, 99)) }), own)).toBe('need-more');
    const destinationId = Buffer.from('0011223344556677', 'hex');
    expect(accept(initial({ destinationId, token: Buffer.alloc(40, 1) }), own)).toMatchObject(EXAMPLE);
  });

  it('opens what is sealed with any salt under a reserved version', () => {
    const version = 0x1a2a3a4a;
    expect(accept(initial({ version }))).toMatchObject({ version, versionName: 'v1?', ...EXAMPLE });
    expect(accept(initial({ version, how: SEAL_DRAFT_29 }))).toMatchObject({ versionName: 'draft-29?' });
  });

  it('reads Google’s CRYPTO frame, with TLS or its own message in it', () => {
    const frames = cryptoFrame(0, googleMessage('Mail.Example'), 8);
    const packet = initial({ how: SEAL_Q050, version: 0x51303530, frames });
    expect(accept(packet)).toMatchObject({ versionName: 'Q050', serverName: 'mail.example' });
    const tls = initial({ how: SEAL_Q050, version: 0x51303530, frames: cryptoFrame(0, HELLO, 8) });
    expect(accept(tls)).toMatchObject(EXAMPLE);
  });

  it('gives the part it has when no more comes', () => {
    const own = flow();
    accept(initial({ frames: cryptoFrame(0, HELLO.subarray(0, 150)) }), own);
    expect(own.partial()).toMatchObject({ serverName: 'example.com', complete: false });
    expect(flow().partial()).toBeUndefined();
  });

  it('is spent after sixteen refusals', () => {
    const own = flow();
    const wrong = initial();
    wrong[1199] = 0xff ^ (wrong[1199] ?? 0);
    const outcomes = Array.from({ length: 18 }, () => accept(wrong, own));
    expect(outcomes.indexOf('spent')).toBe(15);
  });

  it('keeps no more than 16 KiB', () => {
    const own = flow();
    const far = cryptoFrame(16383, HELLO);
    expect(accept(initial({ frames: far }), own)).toBe('need-more');
    expect(own.partial()).toBeUndefined();
  });

  it('is bounded', () => {
    const seeds = [initial({ padTo: 0 }), google(0x51303436), google(0x51303339)];
    expectBounded((bytes, start, end) => flow().accept(bytes, start, end), seeds);
    expectBounded(isQuicLong, seeds);
    expectBounded(isQuicInitialSize, seeds);
  });
});

function googleMessage(name: string): Buffer {
  const values = [Buffer.alloc(20, 0x2d), Buffer.from(name), Buffer.from('Chrome/1')];
  const head = Buffer.from('CHLO\u0003\0\0\0', 'latin1');
  let end = 0;
  const entries = ['PAD\0', 'SNI\0', 'UAID'].map((tag, i) => {
    end += values[i]?.length ?? 0;
    const entry = Buffer.from(`${tag}\0\0\0\0`, 'latin1');
    entry.writeUInt32LE(end, 4);
    return entry;
  });
  return Buffer.concat([head, ...entries, ...values]);
}

function google(version: number, name = 'Mail.Example.'): Uint8Array {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(version);
  const long = Buffer.concat([
    Buffer.from([0xc3]),
    number,
    Buffer.from([0x50]),
    ID,
    Buffer.from([0, 0, 0, 1]),
  ]);
  const open = Buffer.concat([Buffer.from([0x09]), ID, number, Buffer.from([1])]);
  const hash = Buffer.alloc(12, 0xee);
  const frame = Buffer.from([0xa0, 1, 1, 0]);
  const parts = [version === 0x51303436 ? long : open, hash, frame, googleMessage(name)];
  return Uint8Array.from(Buffer.concat(parts));
}

describe('Google’s versions in the clear', () => {
  test.each([
    [0x51303234, 'Q024'],
    [0x51303339, 'Q039'],
    [0x51303433, 'Q043'],
    [0x51303436, 'Q046'],
  ])('%i', (version, versionName) => {
    const packet = google(version);
    expect(isQuicLong(packet, 0, packet.length)).toBe(true);
    expect(accept(packet)).toEqual({
      version,
      versionName,
      serverName: 'mail.example',
      alpn: [],
      complete: true,
    });
  });

  it('refuses tags that end before they begin', () => {
    const packet = google(0x51303339);
    const at = Buffer.from(packet).indexOf('SNI\0') + 4;
    packet.set([1, 0, 0, 0], at);
    expect(accept(packet)).toBe('not-client');
  });
});

describe('isQuicLong', () => {
  test.each([
    ['version negotiation', [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], true],
    ['version negotiation without versions', [0x80, 0, 0, 0, 0, 0, 0], false],
    ['connection IDs too long', [0xc0, 0, 0, 0, 1, 21, ...Buffer.alloc(60)], false],
    ['a short header', [0x40, ...Buffer.alloc(40)], false],
    ['an unknown version', [0xc0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0], false],
    ['draft 29', [0xc0, 0xff, 0, 0, 29, 0, 0, 0], true],
  ])('%s', (_, octets, is) => {
    expect(isQuicLong(Uint8Array.from(octets), 0, octets.length)).toBe(is);
  });

  test.each([
    [0xff000016, 'draft-22'],
    [0xff00001c, 'draft-28'],
    [0xff000020, 'draft-32'],
    [0xff000022, 'draft-34'],
    [0xfaceb00e, 'mvfst-e'],
    [0x54303530, 'T050'],
  ])('%i is %s', (version, name) => {
    expect(isQuicVersion(version)).toBe(true);
    expect(quicVersions(version).map((known) => known.name)).toEqual([name]);
  });
});
