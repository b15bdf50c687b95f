// Checks that processes of the box agree on the time whatever holds them up. Holds appliance/os/clock.ts.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { offsetBetween } from '../../../appliance/os/clock.ts';

it('is off by no more than the closest of its readings, wherever the process was held up', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 60 }), fc.nat(1e6), (holds, ahead) => {
      let [time, reads] = [0, 0];
      // Each reading takes a thousandth; the first ones are held up besides.
      const read = (): number => {
        time += 0.001 + (holds[reads] ?? 0);
        reads += 1;
        return time;
      };
      const offset = offsetBetween(() => read() + ahead, read);
      expect(Math.abs(offset - ahead)).toBeLessThan(0.01);
    }),
  );
});
