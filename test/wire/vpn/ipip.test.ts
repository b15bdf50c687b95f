// IP in IP by RFC 2003 and RFC 4213 section 3.
import { describe, expect, it } from 'vitest';
import { innerIp } from '../../../src/wire/vpn/inner.ts';
import { ipInIp } from '../../../src/wire/vpn/ipip.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const four = hex('45', '00*19');
const six = hex('60', '00*39');

describe('ipInIp', () => {
  it('reads the version that the protocol promises', () => {
    expect(ipInIp(4, four, 0, 20)).toEqual({ etherType: 0x0800, offset: 0, end: 20 });
    expect(ipInIp(41, six, 0, 40)).toEqual({ etherType: 0x86dd, offset: 0, end: 40 });
  });
  it('refuses the other version, other protocols and short headers', () => {
    expect(ipInIp(4, six, 0, 40)).toBeUndefined();
    expect(ipInIp(41, four, 0, 20)).toBeUndefined();
    expect(ipInIp(17, four, 0, 20)).toBeUndefined();
    expect(ipInIp(4, four, 0, 19)).toBeUndefined();
    expect(innerIp(hex('44', '00*19'), 0, 20)).toBeUndefined();
    expectBounded(innerIp, [four, six]);
    expectBounded((bytes, start, end) => ipInIp(4, bytes, start, end), [four, six]);
  });
});
