// Knows: the closed lists of words that the local API speaks in. Must not know: schemas, HTTP.
// Without zod: the guard and the keeper of the light load this file.

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

/** Names of the lamp's patterns; what each looks like is the driver's business. */
export const LAMPS = ['green', 'green-blip', 'amber', 'red', 'red-flash', 'alternating'] as const;
export type Lamp = (typeof LAMPS)[number];

/** How long the lamp is tried out, with its announcement before and after. */
export const LAMP_TEST_SECONDS = 7;

/** Who sets the box's clock: its owner, a time service, or the machine, whose clock is not the box's to set. */
export const CLOCK_KEEPERS = ['owner', 'network', 'machine'] as const;
export type ClockKeeper = (typeof CLOCK_KEEPERS)[number];

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

/** Forms in which GET /v1/report gives the past. */
export const REPORT_FORMATS = ['text', 'json', 'csv', 'html', 'eve'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The most incidents that one list has. */
export const INCIDENTS_MOST = 2_000;
/** The longest that a captive-portal pass is opened for, seconds. */
export const PASS_SECONDS_MOST = 3_600;
/** A part of an update and its wrapping fit the API's body limit. Bytes of the file. */
export const UPDATE_PART_MOST = 512 * 1024;
