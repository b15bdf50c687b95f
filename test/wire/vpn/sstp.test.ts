// SSTP's request by MS-SSTP section 3.2.4.1.
import { describe, expect, it } from 'vitest';
import { isSstpRequest } from '../../../src/wire/vpn/sstp.ts';
import { expectBounded } from '../bounded.ts';
import { ascii } from '../hex.ts';

const request = ascii(
  'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\nHost: vpn.example\r\n\r\n',
);

describe('isSstpRequest', () => {
  it('takes the method with its fixed address only', () => {
    expect(isSstpRequest(request, 0, request.length)).toBe(true);
    expect(isSstpRequest(request, 0, 40)).toBe(false);
    const post = ascii('POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1');
    expect(isSstpRequest(post, 0, post.length)).toBe(false);
    expectBounded(isSstpRequest, [request]);
  });
});
