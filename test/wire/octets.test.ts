// Network order by hand-written examples.
import { describe, expect, it } from 'vitest';
import { allZero, printable, startsWith, u16, u24, u32, u32le } from '../../src/wire/octets.ts';
import { ascii, hex } from './hex.ts';

describe('numbers', () => {
  const bytes = hex('fe dc ba 98');
  it('are unsigned and big endian', () => {
    expect([u16(bytes, 0), u24(bytes, 1), u32(bytes, 0)]).toEqual([0xfedc, 0xdcba98, 0xfedcba98]);
  });
  it('can be little endian', () => {
    expect(u32le(bytes, 0)).toBe(0x98badcfe);
  });
  it('are padded with zeros behind the array', () => {
    expect([u16(bytes, 3), u24(bytes, 3), u32(bytes, 3), u32le(bytes, 3)]).toEqual([
      0x9800, 0x980000, 0x98000000, 0x98,
    ]);
  });
});

describe('text', () => {
  it('is compared inside its bounds only', () => {
    expect(startsWith(ascii('xSSH-'), 1, 5, 'SSH-')).toBe(true);
    expect(startsWith(ascii('xSSH-'), 1, 4, 'SSH-')).toBe(false);
    expect(startsWith(ascii('xssh-'), 1, 5, 'SSH-')).toBe(false);
  });
  it('shows what is not printable as decimal escapes', () => {
    expect(printable(hex('41 00 5c 7f ff 42'), 0, 6)).toBe('A\\000\\092\\127\\255B');
  });
});

describe('allZero', () => {
  it('looks at its range only', () => {
    expect(allZero(hex('01 00 00 01'), 1, 3)).toBe(true);
    expect(allZero(hex('01 00 00 01'), 1, 4)).toBe(false);
    expect(allZero(hex('01'), 1, 1)).toBe(true);
  });
});
