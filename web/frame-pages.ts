// Knows: how kept frames become HTML: a tree of labelled bytes, and the bytes in rows. Must not know: HTTP, any protocol.
// Labels and values come from the wire by way of the guard: `printable` first, then EJS escapes them.

import { printable } from '../src/guard/status.ts';
import type { FrameLayer, FramesAnswer } from '../src/guard/past-answers.ts';
import type { Renderer } from './render.ts';
import { FRAME_TEXTS } from './texts-past.ts';
import { clockTime } from './view-model.ts';

/** Bytes in a row: so few that it fits a phone; wide pages put the rows in columns. */
const ROW = 8;

/** The part of an incident's page that shows its frames, or says why there is none. Undefined: nobody can say. */
export function framesRegion(renderer: Renderer, told: FramesAnswer | undefined): string {
  const answer = printable(told);
  const layersOf = (layers: readonly FrameLayer[], outer: boolean): string =>
    layers.length === 0 ? '' : renderer.draw('layers', { layers, outer, layersOf });
  const frames = (answer?.frames ?? []).map((frame) => ({
    ...{ ...frame, port: FRAME_TEXTS.ports[frame.port], kept: frame.hex.length / 2 },
    ...{ tree: layersOf(frame.layers, true), rows: hexRows(frame.hex) },
  }));
  return renderer.draw('frames', {
    ...{ frames, x: FRAME_TEXTS, none: whyNone(answer) },
    clockTime: (iso: string) => clockTime(iso, new Date().toISOString()),
  });
}

function whyNone(answer: FramesAnswer | undefined): string {
  const privacy = answer?.privacy ?? 'unknown';
  return FRAME_TEXTS.none[
    privacy === 'full' || privacy === 'redacted' || privacy === 'minimal' ? privacy : 'unknown'
  ];
}

/** `0010  00 2c 1f 40 00 00 40 11  .,.@..@.`, one row a line. */
export function hexRows(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  const rows = Array.from({ length: Math.ceil(bytes.length / ROW) }, (_, row) => {
    const some = bytes.slice(row * ROW, (row + 1) * ROW);
    const at = (row * ROW).toString(16).padStart(4, '0');
    const text = some.map((byte) => letterOf(parseInt(byte, 16))).join('');
    return `${at}  ${some.join(' ').padEnd(ROW * 3 - 1)}  ${text}`;
  });
  return rows.join('\n');
}

function letterOf(octet: number): string {
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.';
}
