// Knows: SSTP's request by MS-SSTP section 3.2.4.1, its packets by section 2.2.1. Must not know: the decoder.
import { describe, expect, it } from 'vitest';
import { isSstpControl, isSstpRequest } from '../../src/wire/sstp.ts';
import { expectBounded } from './bounded.ts';
import { ascii, hex } from './hex.ts';

const request = ascii(
  'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\nHost: vpn.example\r\n\r\n',
);
const control = hex('10 01 000e 0001 0001 00 01 0006 0001');

describe('isSstpRequest', () => {
  it('takes the method with its fixed address only', () => {
    expect(isSstpRequest(request, 0, request.length)).toBe(true);
    expect(isSstpRequest(request, 0, 40)).toBe(false);
    const post = ascii('POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1');
    expect(isSstpRequest(post, 0, post.length)).toBe(false);
    expectBounded(isSstpRequest, [request]);
  });
});

describe('isSstpControl', () => {
  it('takes version 1.0 with the control bit and its own length', () => {
    expect(isSstpControl(control, 0, 14)).toBe(true);
    expect(isSstpControl(control, 0, 13)).toBe(false);
    expect(isSstpControl(control.slice().fill(0, 1, 2), 0, 14)).toBe(false);
    expect(isSstpControl(control.slice().fill(10, 5, 6), 0, 14)).toBe(false);
    expectBounded(isSstpControl, [control]);
  });
});
