// Sizes of segments as real connections had them.

import { describe, expect, test } from 'vitest';
import { DohShape } from '../../../src/flow/datagrams/doh-shape.ts';
import { RECOGNISED } from '../../../src/flow/datagrams/recognise.ts';

/** What comes behind the ClientHello, [octets up, octets down] by turns, so many times over. */
function confidenceOf(exchanges: readonly (readonly [number, number])[], times: number): number {
  const shape = new DohShape();
  for (let at = 0; at < 2; at += 1) shape.take(false, 80);
  for (let at = 0; at < 4; at += 1) shape.take(true, 1300);
  for (let time = 0; time < times; time += 1) {
    for (const [up, down] of exchanges) {
      shape.take(false, up);
      shape.take(true, down);
    }
  }
  return shape.confidence;
}

describe('the shape of DNS over HTTPS', () => {
  const browser = [
    [62, 204],
    [93, 31],
    [58, 331],
    [85, 195],
  ] as const;

  test('is small questions with small answers, surer with every one', () => {
    expect(confidenceOf(browser, 5)).toBe(0);
    expect(confidenceOf(browser, 6)).toBeGreaterThan(RECOGNISED);
    expect(confidenceOf(browser, 9)).toBeGreaterThan(confidenceOf(browser, 6));
    expect(confidenceOf(browser, 1000)).toBeCloseTo(0.7);
  });

  test.each([
    [
      'a page that is fetched',
      [
        [400, 1300],
        [90, 1300],
      ],
    ],
    ['a poll with a long question', [[1188, 198]]],
    ['a sender', [[200, 40]]],
    ['keys that are pressed', [[20, 60]]],
    ['a stream of little pieces', [[31, 690]]],
  ] as const)('is not %s', (_what, exchanges) => {
    expect(confidenceOf(exchanges, 100)).toBe(0);
  });
});
