// A tunnel that falls silent, and what escapes meanwhile, reading by reading. Holds src/guard/tunnels/gaps.ts.

import { describe, expect, it } from 'vitest';

import { gapText, GapWatch } from '../../../src/guard/tunnels/gaps.ts';
import type { Now } from '../../../src/guard/now.ts';

const at = (monotonic: number): Now => ({ wall: 1_700_000_000_000 + monotonic, monotonic });
const wall = (monotonic: number): number => at(monotonic).wall;
const LEAK = { incident: 't-1', rule: 'A', exposure: 'bank.example' } as const;

/** Read at 0 s, heard at 1 s and 2 s. */
function running(): GapWatch {
  const watch = new GapWatch('home');
  for (const second of [0, 1, 2]) watch.read(10 * second, 10 * second, at(1_000 * second));
  return watch;
}

describe('a gap', () => {
  it('has its last frame, first escape and return, each as exact as it can be known', () => {
    const watch = running();
    watch.read(20, 20, at(3_000));
    watch.escaped(LEAK, 1, wall(3_456));
    watch.escaped(LEAK, 2, wall(4_000));
    watch.read(20, 20, at(5_000));
    expect(watch.list(5_000)).toMatchObject([{ back: undefined, length: undefined }]);
    watch.answered(wall(5_432));
    watch.answered(wall(5_500));
    watch.read(21, 21, at(6_000));
    const [gap, ...more] = watch.list(6_000);
    expect(more).toEqual([]);
    expect(gap).toEqual({
      ...{ tunnel: 'home', lastFrame: { after: wall(1_000), until: wall(2_000) } },
      ...{ firstEscape: wall(3_456), back: { after: wall(5_000), until: wall(6_000) } },
      handshake: wall(5_432),
      ...{ length: { least: 3_000, most: 5_000 }, unanswered: 1, more: 0 },
      escapes: [{ ...LEAK, frames: 3 }],
    });
    expect(gap && gapText(gap)).toMatch(
      /for 3000 to 5000 ms.*First escape at .*3 frames: bank\.example \(rule A\)/,
    );
  });

  it('takes a handshake that is told after the counters, and none of an earlier silence', () => {
    const watch = running();
    watch.answered(wall(2_500));
    watch.read(20, 20, at(3_000));
    watch.read(21, 21, at(4_000));
    for (const [answered, read] of [
      [8_500, 9_000],
      [13_500, 14_000],
    ] as const) {
      watch.escaped(LEAK, 1, wall(6_000));
      watch.read(read, read, at(read));
      watch.answered(wall(answered));
    }
    expect(watch.list(14_000).map(({ handshake }) => handshake)).toEqual([wall(13_500), wall(8_500)]);
    expect(watch.list(14_000).map(gapText)[0]).toContain(
      `handshake answered at ${new Date(wall(13_500)).toISOString()}`,
    );
  });

  it('is no silence of an idle tunnel, nor an escape beside a living one', () => {
    const idle = running();
    idle.read(21, 20, at(100_000));
    idle.read(22, 21, at(101_000));
    const busy = running();
    busy.escaped(LEAK, 5, wall(2_500));
    busy.read(30, 30, at(3_000));
    expect([idle.list(101_000), busy.list(3_000)]).toEqual([[], []]);
  });

  it('is also an outage in which nothing escaped', () => {
    const watch = running();
    watch.read(40, 20, at(20_000));
    expect(watch.list(20_000)).toEqual([]);
    watch.read(40, 20, at(20_000), { unanswered: true });
    expect(watch.list(20_000)[0]).toMatchObject({ unanswered: 20, firstEscape: undefined, escapes: [] });
    const text = watch.list(20_000).map(gapText)[0];
    expect(text).toContain('No leak escaped.');
    expect(text).toMatch(/between two readings\)(; it is still silent|, for \d+ to \d+ ms)/);
  });

  it('begins with a frame that was heard: before the first there is no gap', () => {
    const watch = new GapWatch('home');
    watch.read(0, 0, at(0));
    watch.escaped(LEAK, 1, wall(500));
    watch.read(0, 0, at(9_000));
    expect(watch.list(9_000)).toEqual([]);
  });

  it('is bounded', () => {
    const watch = running();
    for (let n = 0; n < 100; n += 1) watch.escaped({ ...LEAK, incident: `t-${n}` }, 1, wall(3_000));
    expect(watch.list(9_000)[0]).toMatchObject({ more: 68 });
    for (let n = 0, s = 10; n < 200; n += 1, s += 10) {
      watch.escaped(LEAK, 1, wall(1_000 * s));
      watch.read(s, s, at(1_000 * s));
    }
    expect(watch.list(2_000_000)).toHaveLength(64);
  });
});
