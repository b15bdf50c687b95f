// The closed lists of words of the local API. Without zod, because the guard and the LED watchdog load this file.

export { KINDS, TUNNEL_PROTOCOLS, VIAS } from '../flow/kinds.ts';
export type { TunnelProtocol } from '../flow/kinds.ts';
export { FIXED_ADDRESS } from '../policy/policy.ts';

export const STATES = [
  'clear',
  'leaking',
  'blocked',
  'breach',
  'pass',
  'idle',
  'setup',
  'blind',
  'starting',
] as const;
export type State = (typeof STATES)[number];

/** Whether the rules in the kernel are, but for addresses, some that were proven (test/proof). */
export const TABLE_SHAPES = ['proven', 'not a proven shape'] as const;

/** Names of the LED's patterns; the driver decides what each looks like. */
export const LED_PATTERNS = ['green', 'green-blip', 'amber', 'red', 'red-flash', 'alternating'] as const;
export type LedPattern = (typeof LED_PATTERNS)[number];

/** How long a test of the LED takes, including the announcement before and after, seconds. */
export const LED_TEST_SECONDS = 7;

/** Who sets the box's clock: its owner, a time service, or the machine (then the box must not set it). */
export const CLOCK_TIME_SOURCES = ['owner', 'network', 'machine'] as const;
export type TimeSource = (typeof CLOCK_TIME_SOURCES)[number];

export const UPDATE_STAGES = [
  'none',
  'installing',
  'rolling-back',
  'updated',
  'kept',
  'rolled-back',
  'refused',
  'failed',
] as const;
export type UpdateStage = (typeof UPDATE_STAGES)[number];

/** Formats of GET /v1/report. */
export const REPORT_FORMATS = ['text', 'json', 'csv', 'html', 'eve'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Most incidents in one list. */
export const MAX_INCIDENTS = 2_000;
/** Longest duration of a captive-portal exception (pass), seconds. */
export const MAX_PASS_SECONDS = 3_600;
/** Bytes of the file in one part of an update, so that part and JSON fit the API's body limit. */
export const MAX_UPDATE_PART_BYTES = 512 * 1024;
