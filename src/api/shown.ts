// Knows: how what the local API tells is put into text that is fit to show. Must not know: who shows it.
// Without zod: the guard loads this file.

import type { AllowedRow, TunnelView } from './status.ts';

/**
 * The value with every text in it made fit to show: what moves, hides or reorders other text (controls, terminal escapes,
 * bidirectional overrides, unassigned code points) becomes `\u{…}`. Names come from the wire; a name may lie about itself.
 */
export function printable<T>(value: T): T;
export function printable(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(
      /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
      (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`,
    );
  if (Array.isArray(value)) return value.map((one) => printable<unknown>(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, printable<unknown>(one)]));
}

/** Whom the tunnel leads to, in words: what was seen, or what it can be. */
export function serverText({
  endpoint,
  server = null,
  endpoints = 1,
}: Pick<TunnelView, 'endpoint' | 'server' | 'endpoints'>): string {
  if (server !== null) return endpoint.includes(server) ? endpoint : `${endpoint} (${server})`;
  return endpoints > 1 ? `${endpoint} or one of ${String(endpoints - 1)} more` : endpoint;
}

/** `203.0.113.5, tcp 443`. */
export function placeText({ destination, transport, port }: AllowedRow): string {
  const over = port === null ? transport : `${transport} ${String(port)}`;
  return destination === '' ? over : `${destination}, ${over}`;
}
