// Compares two statuses of the guard and decides whether the change is what a step expects. Pure functions: the player reads the statuses.
// Amber incidents are ignored: they are the laptop's ordinary link-local discovery and raise no alarm.

import type { IncidentView, Status } from '../../src/api/status.ts';
import type { Leak } from './scenario.ts';

/** An incident, and the growth of its counters in frames. */
export interface Change {
  readonly incident: IncidentView;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
}

/** Frames that lan saw, that left by wan, and that were blocked. */
export type Counts = Pick<Change, 'attempted' | 'escaped' | 'blocked'>;

/**
 * The red incidents that are new in `after` or have grown since `before`, in the order of `after`; empty when nothing happened. Only
 * incidents that the status lists are compared.
 */
export function changes(before: Status, after: Status): readonly Change[] {
  const earlier = new Map(before.incidents.map((incident) => [incident.id, incident]));
  return after.incidents
    .filter(({ severity }) => severity === 'red')
    .map((incident) => {
      const was = earlier.get(incident.id);
      return {
        incident,
        attempted: incident.attempted - (was?.attempted ?? 0),
        escaped: incident.escaped - (was?.escaped ?? 0),
        blocked: incident.blocked - (was?.blocked ?? 0),
      };
    })
    .filter(({ attempted, escaped, blocked }) => attempted > 0 || escaped > 0 || blocked > 0);
}

/** The sums of the changes' counters; all 0 for none. */
export function totals(list: readonly Change[]): Counts {
  const sum = (pick: (change: Change) => number): number =>
    list.reduce((total, change) => total + pick(change), 0);
  return {
    attempted: sum((change) => change.attempted),
    escaped: sum((change) => change.escaped),
    blocked: sum((change) => change.blocked),
  };
}

/**
 * What is wrong with the guard's report of a leak, one clause each; empty when it is correct. `uplinkFrames` is the number of frames that
 * tcpdump counted in the uplink: the guard must report as many as escaped.
 */
export function faultsOfLeak(
  leak: Leak,
  before: Status,
  after: Status,
  uplinkFrames: number,
): readonly string[] {
  const faults: string[] = [];
  const raised = changes(before, after);
  const [first] = raised;
  if (raised.length !== 1)
    faults.push(
      `${raised.length} incidents, not 1: ${raised.map(({ incident }) => describe(incident)).join('; ')}`,
    );
  if (first !== undefined) {
    const { rule, kind, exposure } = first.incident;
    if (rule !== leak.rule || !leak.kinds.includes(kind))
      faults.push(`rule ${rule} kind ${kind}, not ${leak.rule} ${leak.kinds.join(' or ')}`);
    if (leak.exposure !== undefined && exposure !== leak.exposure)
      faults.push(`exposure "${exposure}", not "${leak.exposure}"`);
  }
  const { attempted, escaped, blocked } = totals(raised);
  if (attempted === 0) faults.push('no attempt seen');
  if (leak.frames !== undefined && attempted !== leak.frames)
    faults.push(`attempted ${attempted}, not ${leak.frames}`);
  if (escaped !== uplinkFrames) faults.push(`escaped ${escaped}, but the uplink saw ${uplinkFrames}`);
  const [expected, other] = leak.way === 'escapes' ? [escaped, blocked] : [blocked, escaped];
  if (expected !== attempted || other !== 0)
    faults.push(`of ${attempted} attempted, ${escaped} escaped and ${blocked} were blocked`);
  const lamp = leak.way === 'escapes' ? 'red' : 'green-blip';
  if (after.lamp !== lamp) faults.push(`LED ${after.lamp}, not ${lamp}`);
  return faults;
}

/** An incident in one line without a full stop: rule, kind, exposure and destination. */
export function describe({ rule, kind, exposure, destination }: IncidentView): string {
  return `rule ${rule} ${kind} ${exposure} to ${destination}`;
}
