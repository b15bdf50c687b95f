// Knows: what an imported tunnel configuration comes to. Must not know: any format, files.
// Keys and passwords are never part of it: a line that cannot be used is named by its number and keyword alone.

import type { Endpoint, TunnelProtocol } from './policy.ts';

export interface ImportedTunnel {
  readonly protocol: TunnelProtocol;
  readonly endpoints: readonly Endpoint[];
}

/** A line that says something about the tunnel and cannot be used; `line` counts from 1. */
export interface UnusedLine {
  readonly line: number;
  readonly why: string;
}

export interface Import {
  readonly tunnels: readonly ImportedTunnel[];
  readonly unused: readonly UnusedLine[];
}

/** Longer files are no tunnel configuration; characters. */
export const IMPORT_MOST = 512_000;

/** Lines that one answer names; a file of other lines is no tunnel configuration, and need not be told back. */
const UNUSED_MOST = 200;

/** The lines of a text, each without the spaces around it. */
export function trimmedLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).map((line) => line.trim());
}

/** What is left out, in order of the lines; of very much, the first. */
export function boundedUnused(unused: readonly UnusedLine[]): readonly UnusedLine[] {
  const sorted = [...unused].sort((a, b) => a.line - b.line);
  const next = sorted[UNUSED_MOST];
  if (next === undefined) return sorted;
  const more = sorted.length - UNUSED_MOST;
  return [
    ...sorted.slice(0, UNUSED_MOST),
    { line: next.line, why: `this line and ${more - 1} more are unused` },
  ];
}

/** A keyword as it may be shown: whatever is no plain word may be part of a key. */
export function shownKeyword(word: string): string {
  return /^[A-Za-z][A-Za-z0-9-]{0,30}$/.test(word) ? `"${word}"` : 'something';
}

/** Each endpoint once, in order. */
export function distinctEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  const seen = new Map(endpoints.map((e) => [`${e.transport} ${e.host} ${String(e.port)}`, e]));
  return [...seen.values()];
}
