// Knows: IGMP messages by RFC 2236 section 2 and RFC 9776 section 4. Must not know: the decoder.
import { describe, expect, it } from 'vitest';
import { igmpMessage } from '../../src/wire/igmp.ts';
import { expectBounded } from './bounded.ts';
import { hex } from './hex.ts';

const read = (bytes: Uint8Array) => igmpMessage(bytes, 0, bytes.length);
const report3 = hex('22 00 0000 0000 0002', '04 00 0000 e00000fb', '03 01 0001 effffffa c0000201 00000000');

describe('igmpMessage', () => {
  it.each([
    ['1100 0000 00000000', 'query', 1, 0],
    ['1164 0000 00000000', 'query', 2, 0],
    ['1164 0000 e00000fb 02 7d 0000', 'query', 3, 0xe00000fb],
    ['1200 0000 e00000fb', 'report', 1, 0xe00000fb],
    ['1600 0000 effffffa', 'report', 2, 0xeffffffa],
    ['1700 0000 effffffa', 'leave', 2, 0xeffffffa],
  ])('reads %s', (text, type, version, group) => {
    expect(read(hex(text))).toEqual({ type, version, groups: [group] });
  });
  it('reads the groups of a version 3 report past sources and auxiliary data', () => {
    expect(read(report3)).toEqual({ type: 'report', version: 3, groups: [0xe00000fb, 0xeffffffa] });
  });
  it('refuses records beyond the end, other types and 7 octets', () => {
    expect(read(report3.slice(0, -1))).toBeUndefined();
    expect(read(hex('4200 0000 00000000'))).toBeUndefined();
    expect(read(hex('1600 0000 efffff'))).toBeUndefined();
    expectBounded(igmpMessage, [report3]);
  });
});
