// WireGuard messages built field by field from the white paper, sections 5.4.2 to 5.4.6.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isTailscaleDisco, isWireguardShape, wireguardMessage } from '../../../src/wire/vpn/wireguard.ts';
import { expectBounded } from '../bounded.ts';

function initiation(reserved = [0, 0, 0], mac2 = 0): Uint8Array {
  const message = new Uint8Array(148);
  message.set([1, ...reserved, 0x78, 0x56, 0x34, 0x12]);
  message.fill(0xab, 8, 132);
  message.fill(mac2, 132);
  return message;
}

function data(length: number, counter: number[]): Uint8Array {
  const message = new Uint8Array(length).fill(0x5a);
  message.set([4, 0, 0, 0, 0xdd, 0xcc, 0xbb, 0xaa, ...counter]);
  return message;
}

describe('isWireguardShape', () => {
  it.each([
    [0x01000000, 148],
    [0x02000000, 92],
    [0x03000000, 64],
    [0x04000000, 32],
    [0x04000000, 1452],
    [0x04000000, 1456],
  ])('takes %i with %i octets', (head, length) => {
    expect(isWireguardShape(head, length)).toBe(true);
  });

  it.each([
    [0x01000000, 147],
    [0x01000000, 92],
    [0x01000001, 148],
    [0x02000000, 148],
    [0x03000000, 65],
    [0x04000000, 16],
    [0x04000000, 31],
    [0x04000100, 32],
    [0x05000000, 32],
    [0, 32],
    [0, 0],
  ])('refuses %i with %i octets', (head, length) => {
    expect(isWireguardShape(head, length)).toBe(false);
  });
});

describe('wireguardMessage', () => {
  it('reads an initiation', () => {
    expect(wireguardMessage(initiation(), 0, 148)).toEqual({
      type: 1,
      sender: 0x12345678,
      receiver: -1,
      reserved: 0,
      counter: -1,
      noCookie: true,
    });
    expect(wireguardMessage(initiation([0, 0, 0], 9), 0, 148)?.noCookie).toBe(false);
  });

  it('reads a response', () => {
    const message = new Uint8Array(92);
    message.set([2, 0, 0, 0, 1, 0, 0, 0, 0x78, 0x56, 0x34, 0x12]);
    message.fill(0xcd, 12, 76);
    expect(wireguardMessage(message, 0, 92)).toMatchObject({
      type: 2,
      sender: 1,
      receiver: 0x12345678,
      noCookie: true,
    });
  });

  it('reads the client identifier that WARP puts into the reserved octets', () => {
    expect(wireguardMessage(initiation([0xc0, 0xff, 0xee]), 0, 148)?.reserved).toBe(0xc0ffee);
  });

  it('reads data, its receiver and its counter', () => {
    const message = wireguardMessage(data(48, [1, 2, 0, 0, 1, 0, 0, 0]), 0, 48);
    expect(message).toMatchObject({ type: 4, receiver: 0xaabbccdd, counter: 0x100000201 });
    expect(wireguardMessage(data(48, [0, 0, 0, 0, 0, 0, 0, 9]), 0, 48)?.counter).toBe(-1);
  });

  it('refuses an ephemeral key of zeros', () => {
    expect(wireguardMessage(initiation().fill(0, 8, 40), 0, 148)).toBeUndefined();
  });

  it('is bounded', () => {
    expectBounded((bytes, start, end) => wireguardMessage(bytes, start, end), [initiation(), data(64, [1])]);
    expectBounded((bytes, start, end) => isTailscaleDisco(bytes, start, end), []);
  });

  it('never reads what the shape test refuses', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const message = wireguardMessage(bytes, 0, bytes.length);
        if (message === undefined || message.reserved !== 0) return;
        expect(isWireguardShape(message.type << 24, bytes.length)).toBe(true);
      }),
    );
  });
});

describe('isTailscaleDisco', () => {
  const magic = [0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac];
  it('takes the magic with a key, a nonce and a box', () => {
    const message = new Uint8Array(80).fill(7);
    message.set(magic);
    expect(isTailscaleDisco(message, 0, 80)).toBe(true);
    expect(isTailscaleDisco(message, 0, 79)).toBe(false);
    message[5] = 0xad;
    expect(isTailscaleDisco(message, 0, 80)).toBe(false);
  });
});
