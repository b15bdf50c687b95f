// Checks that a checksum which a card was to finish is finished, and no other is touched. Holds src/wire/ip/udp-checksum.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { finishUdpChecksum } from '../../../src/wire/ip/udp-checksum.ts';

/** RFC 1071, word by word: with the right checksum among them the sum of all is 0xffff. */
function sumOf(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}
const u16 = (value: number): number[] => [value >>> 8, value & 0xff];

const datagrams = fc.constantFrom(4 as const, 16 as const).chain((octets) =>
  fc.record({
    octets: fc.constant(octets),
    addresses: fc.array(fc.nat(255), { minLength: 2 * octets, maxLength: 2 * octets }),
    payload: fc.array(fc.nat(255), { maxLength: 90 }),
    ports: fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
    behind: fc.array(fc.nat(255), { maxLength: 20 }),
  }),
);

it('is finished where the sum of the pseudo-header stands, and stays otherwise', () => {
  fc.assert(
    fc.property(datagrams, fc.nat(0xffff), ({ octets, addresses, payload, ports, behind }, other) => {
      const length = u16(8 + payload.length);
      const pseudo = [...addresses, 0, 17, ...length];
      const frame = (checksum: number): Uint8Array =>
        Uint8Array.from([9, 9, ...addresses, ...ports, ...length, ...u16(checksum), ...payload, ...behind]);
      const at = 2 + 2 * octets;
      const partial = sumOf(pseudo);
      const finished = frame(partial);
      finishUdpChecksum(finished, at, octets);
      const said = [...finished.subarray(at, at + 8 + payload.length)];
      expect(sumOf([...pseudo, ...said])).toBe(0xffff);
      expect(said.slice(6, 8)).not.toEqual([0, 0]);
      const whole = frame(other);
      finishUdpChecksum(whole, at, octets);
      if (other !== partial) expect(whole).toEqual(frame(other));
    }),
  );
});

it('is left alone where the datagram says that it is longer than what is there', () => {
  const cut = Uint8Array.from([...new Array<number>(8).fill(0), 0, 53, 0, 53, 0, 99, 0, 17 + 99]);
  const before = cut.slice();
  finishUdpChecksum(cut, 8, 4);
  expect(cut).toEqual(before);
});
