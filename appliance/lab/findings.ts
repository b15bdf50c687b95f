// Knows: how two looks at the guard compare, and whether what changed is what a step expects. Must not know: how to look.
// Pure: the player looks, this judges. Amber incidents are the laptop's ordinary link-local discovery and raise no alarm.

import type { IncidentView, Status } from '../../src/api/status.ts';
import type { Leak } from './scenario.ts';

export interface Change {
  readonly incident: IncidentView;
  readonly attempted: number;
  readonly escaped: number;
  readonly blocked: number;
}

export type Counts = Pick<Change, 'attempted' | 'escaped' | 'blocked'>;

/** Red incidents that are new in `after`, or have grown since `before`, with by how much. */
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

export function totals(of: readonly Change[]): Counts {
  const sum = (pick: (change: Change) => number): number =>
    of.reduce((total, change) => total + pick(change), 0);
  return {
    attempted: sum((change) => change.attempted),
    escaped: sum((change) => change.escaped),
    blocked: sum((change) => change.blocked),
  };
}

/**
 * What is wrong with what the guard shows of a leak, in words; empty when it is right. `uplinkFrames` is what the
 * independent witness counted: what the guard calls escaped must be that number.
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
  const [whole, none] = leak.way === 'escapes' ? [escaped, blocked] : [blocked, escaped];
  if (whole !== attempted || none !== 0)
    faults.push(`of ${attempted} attempted, ${escaped} escaped and ${blocked} were blocked`);
  const lamp = leak.way === 'escapes' ? 'red' : 'green-blip';
  if (after.lamp !== lamp) faults.push(`LED ${after.lamp}, not ${lamp}`);
  return faults;
}

export function describe({ rule, kind, exposure, destination }: IncidentView): string {
  return `rule ${rule} ${kind} ${exposure} to ${destination}`;
}
