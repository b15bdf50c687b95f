// All named frames as they are, behind a priority tag, a VLAN tag and two: the bar of 400 forms up and 100 down.

import { u16 } from './frames.ts';
import type { Shape } from './shape.ts';
import { NEIGHBOURS } from './shapes-neighbours.ts';
import { BEHIND_PREFIXES } from './shapes-ranges.ts';
import { SHAPES } from './shapes.ts';

const TAGS: readonly (readonly [string, readonly number[]])[] = [
  ['behind a priority tag', [0x81, 0x00, ...u16(0x6000)]],
  ['behind a VLAN tag', [0x81, 0x00, ...u16(10)]],
  ['behind a service tag', [0x88, 0xa8, ...u16(5)]],
  ['behind two tags', [0x88, 0xa8, ...u16(5), 0x81, 0x00, ...u16(10)]],
];

/** Each with a name of its own. */
export const NAMED: readonly Shape[] = [...SHAPES, ...NEIGHBOURS, ...BEHIND_PREFIXES];

export const FORMS: readonly Shape[] = [
  ...NAMED,
  ...TAGS.flatMap(([how, tag]) =>
    NAMED.map(({ name, direction, bytes }) => ({
      name: `${name}, ${how}`,
      direction,
      bytes: Uint8Array.from([...bytes.subarray(0, 12), ...tag, ...bytes.subarray(12)]),
    })),
  ),
];
