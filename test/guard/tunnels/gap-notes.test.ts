// Which silences are written down, and when. Holds src/guard/tunnels/gap-notes.ts.

import { expect, it } from 'vitest';
import { GapNotes } from '../../../src/guard/tunnels/gap-notes.ts';
import type { Gap } from '../../../src/guard/tunnels/gaps.ts';

const at = (monotonic: number): { wall: number; monotonic: number } => ({
  wall: 1_000_000 + monotonic,
  monotonic,
});
const LASTING: Gap = {
  ...{ tunnel: 'home', lastFrame: { after: 1, until: 2 }, firstEscape: undefined, handshake: undefined },
  ...{ back: undefined, length: undefined, unanswered: 12, escapes: [], more: 0 },
};
const ENDED: Gap = { ...LASTING, back: { after: 8, until: 9 }, length: { least: 6, most: 8 } };

it('writes what is new or has changed, once, and no more than once a second', () => {
  const notes = new GapNotes();
  expect(notes.take([LASTING], at(0))).toEqual([LASTING]);
  expect(notes.take([{ ...LASTING, unanswered: 13 }], at(999))).toEqual([]);
  expect(notes.take([{ ...LASTING, unanswered: 13 }], at(1_000))).toEqual([{ ...LASTING, unanswered: 13 }]);
  expect(notes.take([ENDED], at(2_000))).toEqual([ENDED]);
  expect(notes.take([ENDED], at(3_000))).toEqual([]);
  expect(notes.take([], at(4_000))).toEqual([]);
});

it('says of one that lasted, and that nobody watches any more, when the watch ended', () => {
  const notes = new GapNotes();
  notes.take([LASTING], at(0));
  expect(notes.take([], at(1_000))).toEqual([{ ...LASTING, unwatched: 1_001_000 }]);
  expect(notes.take([], at(2_000))).toEqual([]);
});
