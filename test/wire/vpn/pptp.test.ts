// PPTP control messages by RFC 2637 section 2.1.
import { describe, expect, it } from 'vitest';
import { pptpControl } from '../../../src/wire/vpn/pptp.ts';
import { expectBounded } from '../bounded.ts';
import { hex } from '../hex.ts';

const request = hex('009c 0001 1a2b3c4d 0001 0000 0100 0000', '00*140');

describe('pptpControl', () => {
  it('reads the message type, also when the segment ends early', () => {
    expect(pptpControl(request, 0, request.length)).toBe(1);
    expect(pptpControl(request, 0, 12)).toBe(1);
  });
  it('refuses another cookie, another type and 11 octets', () => {
    expect(pptpControl(request.slice().fill(0x4e, 7, 8), 0, 156)).toBeUndefined();
    expect(pptpControl(request.slice().fill(2, 3, 4), 0, 156)).toBeUndefined();
    expect(pptpControl(request.slice().fill(16, 9, 10), 0, 156)).toBeUndefined();
    expect(pptpControl(request, 0, 11)).toBeUndefined();
    expectBounded(pptpControl, [request]);
  });
});
