// Makes values of the local API safe to show. Without zod, because the guard loads this file.

import type { AllowedRow, IncidentView, TunnelView } from './status.ts';
import type { Outcome } from './words.ts';

/**
 * The value with every text in it made safe to show: characters that move, hide or reorder other text (controls, terminal
 * escapes, bidirectional overrides, unassigned code points) become `\u{…}`. Names come from the wire and may contain any of these.
 */
export function printable<T>(value: T): T;
export function printable(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(
      /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  if (Array.isArray(value)) return value.map((item) => printable<unknown>(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, printable<unknown>(field)]));
}

/** What is said of a tunnel's state, on every surface. */
export const TUNNEL_STATE_WORDS: Readonly<Record<TunnelView['state'], string>> = {
  up: 'up',
  quiet: 'connected, quiet',
  trying: 'no answer',
  down: 'not seen',
};

/** The tunnel's server in words: the address that was seen (`udp:vpn.example.com:51820 (198.51.100.7)`), or the possible endpoints. */
export function serverText({
  endpoint,
  server = null,
  endpoints = 1,
}: Pick<TunnelView, 'endpoint' | 'server' | 'endpoints'>): string {
  if (server !== null) return endpoint.includes(server) ? endpoint : `${endpoint} (${server})`;
  return endpoints > 1 ? `${endpoint} or one of ${String(endpoints - 1)} more` : endpoint;
}

/** The destination of direct traffic: `203.0.113.5, tcp 443`; what privacy hides is left out. */
export function placeText({ destination, transport, port }: AllowedRow): string {
  const over = port === null ? transport : `${transport} ${String(port)}`;
  return destination === '' ? over : `${destination}, ${over}`;
}

/** What became of an incident: the one notion that state, page and command line count by. */
export function outcomeOf({
  breach,
  severity,
  escaped,
  blocked,
  rule,
  networkAttack,
}: Pick<IncidentView, 'breach' | 'severity' | 'escaped' | 'blocked' | 'rule' | 'networkAttack'>): Outcome {
  if (breach) return 'breach';
  if (escaped > 0) return severity === 'red' ? 'escaped' : 'minor';
  if (rule === 'T') return 'warning';
  if (networkAttack !== undefined) return 'shown';
  return blocked > 0 ? 'blocked' : 'seen';
}
