// Renders captured frames: what was read in them, and a hex dump with those bytes marked. Values come from the wire: `printable` first, then
// EJS escapes them.

import { VIAS } from '../../../src/api/words.ts';
import { printable } from '../../../src/api/shown.ts';
import type { DnsReading, FrameAnswer, FramesAnswer, Reading } from '../../../src/api/past.ts';
import { filled } from '../dossier/eve-words.ts';
import type { Renderer } from '../../render.ts';
import { FRAME_TEXTS } from '../../texts-past.ts';
import { clockTime, grouped } from '../status/view-model.ts';

/** Bytes per row: few enough for a phone; wide pages put the rows in columns. */
const ROW = 8;
/** Readings that every frame has: marked less strongly than the others. */
const PLAIN: ReadonlySet<string> = new Set<Reading['what']>([
  ...(['source-mac', 'destination-mac', 'source', 'destination', 'source-port', 'destination-port'] as const),
]);

/**
 * The part of an incident's page that shows its frames or says why there are none, as HTML. `received` is undefined if the daemon gave no
 * answer.
 */
export function framesRegion(renderer: Renderer, received: FramesAnswer | undefined): string {
  const answer = printable(received);
  return renderer.draw('frames', {
    frames: (answer?.frames ?? []).map(frameView),
    x: FRAME_TEXTS,
    none: whyNone(answer),
    clockTime: (iso: string) => clockTime(iso, new Date().toISOString()),
  });
}

function frameView(frame: FrameAnswer) {
  const { readings, more, dns, hex, port } = frame;
  return {
    ...frame,
    port: FRAME_TEXTS.ports[port],
    kept: hex.length / 2,
    readings: readings.map(({ what, value, marks }) => ({
      what: FRAME_TEXTS.readings[what],
      value,
      places: placesOf(what, marks),
    })),
    moreRead: more === 0 ? '' : filled(FRAME_TEXTS.moreRead, { count: grouped(more) }),
    dns: dns === null ? null : { ...dns, left: leftOf(dns) },
    rows: hexRows(hex, readings),
  };
}

/** Offsets of the marked bytes. A name may have none: encrypted with a key that everyone knows (QUIC Initial), or split across frames. */
function placesOf(what: Reading['what'], marks: Reading['marks']): string {
  if (marks.length === 0) return (VIAS as readonly string[]).includes(what) ? FRAME_TEXTS.notMarked : '';
  return marks.map(({ start, end }) => `${offset(start)}–${offset(Math.max(start, end - 1))}`).join(', ');
}

function leftOf({ more, behind }: DnsReading): readonly string[] {
  return [
    ...(more === 0 ? [] : [filled(FRAME_TEXTS.moreRead, { count: grouped(more) })]),
    ...(behind === 0 ? [] : [filled(FRAME_TEXTS.behind, { count: grouped(behind) })]),
  ];
}

function whyNone(answer: FramesAnswer | undefined): string {
  const privacy = answer?.privacy ?? 'unknown';
  return FRAME_TEXTS.none[
    privacy === 'full' || privacy === 'redacted' || privacy === 'minimal' ? privacy : 'unknown'
  ];
}

/** Text of the bytes of one reading; `reading` is -1 for bytes that belong to none. */
interface Cell {
  readonly text: string;
  readonly reading: number;
  readonly isSpecific: boolean;
}

interface HexRow {
  readonly offset: string;
  readonly hex: readonly Cell[];
  readonly letters: readonly Cell[];
}

/**
 * Rows such as `0010 00 2c 1f 40 00 00 40 11 .,.@..@.`, split into cells by reading. `hex`: two digits per byte, from the start of the
 * frame; the offset has four hexadecimal digits. Marks are offsets into the frame, without their end; those beyond the bytes are ignored. A
 * byte of two readings belongs to the first.
 */
export function hexRows(hex: string, readings: readonly Reading[]): readonly HexRow[] {
  const bytes = hex.match(/../g) ?? [];
  const owners = ownersOf(bytes.length, readings);
  const isSpecific = (reading: number): boolean => !PLAIN.has(readings[reading]?.what ?? '');
  const cells = (from: number, texts: readonly string[], between: string): Cell[] => {
    const rowCells: Cell[] = [];
    for (const [index, text] of texts.entries()) {
      const reading = owners[from + index] ?? -1;
      const last = rowCells.at(-1);
      if (last?.reading === reading)
        rowCells[rowCells.length - 1] = { ...last, text: last.text + between + text };
      else {
        if (last !== undefined && between !== '')
          rowCells.push({ text: between, reading: -1, isSpecific: false });
        rowCells.push({ text, reading, isSpecific: isSpecific(reading) });
      }
    }
    return rowCells;
  };
  return Array.from({ length: Math.ceil(bytes.length / ROW) }, (_, row) => {
    const rowBytes = bytes.slice(row * ROW, (row + 1) * ROW);
    const letters = rowBytes.map((byte) => letterOf(parseInt(byte, 16)));
    const gap = { text: ' '.repeat((ROW - rowBytes.length) * 3 + 2), reading: -1, isSpecific: false };
    return {
      offset: offset(row * ROW),
      letters: cells(row * ROW, letters, ''),
      hex: [...cells(row * ROW, rowBytes, ' '), gap],
    };
  });
}

/** The index of the reading that each byte belongs to; -1 for none. */
function ownersOf(length: number, readings: readonly Reading[]): Int16Array {
  const owners = new Int16Array(length).fill(-1);
  for (const [index, { marks }] of readings.entries())
    for (const { start, end } of marks)
      for (let at = start; at < Math.min(end, length); at += 1) if (owners[at] === -1) owners[at] = index;
  return owners;
}

function offset(at: number): string {
  return at.toString(16).padStart(4, '0');
}

function letterOf(octet: number): string {
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.';
}
