// Domain names on the wire and as text. Follows RFC 1035 section 4.1.4, whose own example is the first table; dns-packet is the independent
// judge.

import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isHostLike, readName, skipName } from '../../../src/wire/names/dns-name.ts';
import { hostText, nameText } from '../../../src/wire/names/name-text.ts';
import { expectBounded } from '../bounded.ts';

const text = (value: string): number[] => [...new TextEncoder().encode(value)];

/** The message of RFC 1035 section 4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
function rfc1035(): Uint8Array {
  const message = new Uint8Array(93);
  message.set([1, ...text('F'), 3, ...text('ISI'), 4, ...text('ARPA'), 0], 20);
  message.set([3, ...text('FOO'), 0xc0, 20], 40);
  message.set([0xc0, 26], 64);
  return message;
}

describe('readName', () => {
  test.each([
    [20, 'f.isi.arpa', 32],
    [40, 'foo.f.isi.arpa', 46],
    [64, 'arpa', 66],
    [92, '', 93],
  ])('RFC 1035 section 4.1.4, offset %i', (at, name, next) => {
    const message = rfc1035();
    expect(readName(message, 0, message.length, at)).toBe(name);
    expect(skipName(message, at, message.length)).toBe(next);
  });

  test.each([
    ['a pointer to itself', [0xc0, 0]],
    ['two pointers in a ring', [0xc0, 2, 0xc0, 0]],
    ['a label before a ring', [1, 0x61, 0xc0, 0]],
    ['a pointer behind the end', [0xc0, 9]],
    ['half a pointer', [0xc0]],
    ['a label cut off', [3, 0x61]],
    ['no end', [1, 0x61]],
    ['the label type that RFC 6891 took back', [0x41, 0, 0]],
  ])('%s is malformed', (_, octets) => {
    expect(readName(Uint8Array.from(octets), 0, octets.length, 0)).toBeUndefined();
  });

  it('takes 255 octets and no more', () => {
    const label = [63, ...new Array<number>(63).fill(0x61)];
    const fits = Uint8Array.from([...label, ...label, ...label, 61, ...new Array<number>(61).fill(0x62), 0]);
    expect(fits.length).toBe(255);
    expect(readName(fits, 0, fits.length, 0)?.length).toBe(253);
    const over = Uint8Array.from([...label, ...label, ...label, 62, ...new Array<number>(62).fill(0x62), 0]);
    expect(readName(over, 0, over.length, 0)).toBeUndefined();
  });

  it('reads what dns-packet writes', () => {
    const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 6 }), (labels) => {
        const name = labels.join('.');
        const bytes = dnsPacket.encode({ type: 'query', questions: [{ name, type: 'A' }] });
        expect(readName(bytes, 0, bytes.length, 12)).toBe(name.toLowerCase());
      }),
    );
  });

  it('is bounded', () => {
    expectBounded((bytes, start, end) => readName(bytes, start, end, start), [rfc1035().subarray(20)]);
    expectBounded((bytes, start, end) => isHostLike(bytes, start, end), [rfc1035().subarray(20)]);
  });
});

describe('nameText', () => {
  test.each([
    ['LEAK.Example', 'leak.example'],
    ['小佛專機', '小佛專機'],
    ['CAFÉ', 'cafÉ'],
    ['martin rosenau', 'martin rosenau'],
    ['a\u0000b\u007f', 'a\\000b\\127'],
    ['a\u00a0b', 'a\\194\\160b'],
    ['\u202egpj', '\\226\\128\\174gpj'],
    ['😀', '😀'],
  ])('%j is written %j', (value, written) => {
    const bytes = Uint8Array.from(text(value));
    expect(nameText(bytes, 0, bytes.length)).toBe(written);
  });

  test.each([
    ['over-long', [0xc0, 0xaf], '\\192\\175'],
    ['a surrogate', [0xed, 0xa0, 0x80], '\\237\\160\\128'],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\\244\\144\\128\\128'],
    ['cut off', [0x61, 0xe5, 0xb0], 'a\\229\\176'],
    ['a lone continuation', [0x80, 0x41], '\\128a'],
  ])('%s UTF-8 is shown as octets', (_, octets, written) => {
    expect(nameText(Uint8Array.from(octets), 0, octets.length)).toBe(written);
  });

  it('agrees with the platform on what is UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (value) => {
        const bytes = Uint8Array.from(text(value));
        const plain = !/[\p{C}\p{Z}]/u.test(value.replaceAll(' ', ''));
        const lower = value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        if (plain) expect(nameText(bytes, 0, bytes.length)).toBe(lower);
      }),
    );
  });

  it('drops one trailing dot of a host', () => {
    const bytes = Uint8Array.from(text('Bank.Example..'));
    expect(hostText(bytes, 0, bytes.length)).toBe('bank.example.');
    expect(hostText(bytes, 0, bytes.length - 1)).toBe('bank.example');
  });
});
