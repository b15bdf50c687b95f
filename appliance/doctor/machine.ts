// Knows: what is asked of the machine around the guard: kernel, units, LED, clock, disk, power. Must not know: frames, rules' meaning.

import type { Check, Finding } from './finding.ts';
import { found, ok } from './finding.ts';

const GIGABYTE = 1e9;
/** Less than this is soon too little, bytes. */
const DISK_LITTLE = 200e6;
const DISK_NOTHING = 20e6;
const MEMORY_LITTLE = 50e6;
/** A Raspberry Pi slows itself down from 80 degrees. */
const HOT = 78;
/** No clock that was ever set says less. */
const FIRST_YEAR = 2026;

export const kernel: Check = ({ rulesFault, readText }) => {
  const findings: Finding[] = [
    rulesFault === undefined
      ? ok('kernel', 'it takes the rules of this policy')
      : found(
          'fault',
          'kernel',
          rulesFault,
          'Run this as root; nftables 1.0.6 and a kernel with nf_tables are needed.',
        ),
  ];
  if (/^br_netfilter /m.test(readText('/proc/modules') ?? ''))
    findings.push(
      found(
        'warning',
        'modules',
        'br_netfilter is loaded: it can send frames past the bridge through the rules of other programs',
        'Containers load it. leakguardd turns its sysctls off; a box needs nothing beside it.',
      ),
    );
  return Promise.resolve(findings);
};

/** What a box is made of, as systemd starts it (appliance/setup/plan.ts). */
export const UNITS: readonly string[] = [
  'leakguard-closed.service',
  'leakguard-light.service',
  'leakguardd.service',
  'leakguard-web.socket',
];

export const units: Check = async ({ run }) => {
  const findings: Finding[] = [];
  for (const unit of UNITS) {
    // `is-active` ends badly for what is not: `show` always answers.
    const said = await run('systemctl', 'show', '--property', 'LoadState,ActiveState,SubState', unit);
    const [, load, active, sub] = /LoadState=(.*)\nActiveState=(.*)\nSubState=(.*)/.exec(said ?? '') ?? [];
    if (load === undefined || active === undefined)
      return [found('unknown', 'units', 'systemd does not answer', 'The box is started by systemd.')];
    if (load !== 'loaded')
      findings.push(found('warning', unit, `is ${load}`, 'Install the package: a checkout has no units.'));
    else if (active === 'active') findings.push(ok(unit, `active (${sub ?? ''})`));
    else
      findings.push(
        found(
          'fault',
          unit,
          `${active} (${sub ?? ''})`,
          `systemctl status ${unit}; leakguard setup enables it.`,
        ),
      );
  }
  return findings;
};

export const lamp: Check = ({ policy, ledFault }) => {
  const { driver } = policy.lamp;
  if (driver === 'none')
    return Promise.resolve([
      found(
        'warning',
        'lamp',
        'the policy names none',
        'Without one, who does not look at the page sees nothing.',
      ),
    ]);
  if (ledFault === undefined) return Promise.resolve([ok('lamp', `${driver}: it is there`)]);
  return Promise.resolve([
    found('fault', 'lamp', ledFault, 'See the wiring in appliance/README.md, and `LED` in the policy.'),
  ]);
};

export const clock: Check = ({ machine }) => {
  const { now, kept } = machine.clock;
  if (new Date(now).getUTCFullYear() < FIRST_YEAR)
    return Promise.resolve([
      found(
        'warning',
        'clock',
        `it says ${now}`,
        'Set it (date --set): the times of incidents come from it.',
      ),
    ]);
  if (kept) return Promise.resolve([ok('clock', `${now}, kept while the power is off`)]);
  return Promise.resolve([
    found(
      'warning',
      'clock',
      `${now}, not kept while the power is off`,
      'After a start look whether times are right: the health page offers those of your browser. A clock module keeps them.',
    ),
  ]);
};

export const resources: Check = ({ machine }) => {
  const { disk, memory, load, processors } = machine;
  const free = (bytes: number): string => `${(bytes / GIGABYTE).toFixed(1)} GB free`;
  const findings: Finding[] = [];
  if (disk === null)
    findings.push(found('unknown', 'disk', 'it does not say', 'Is the state directory there?'));
  else if (disk.available < DISK_NOTHING)
    findings.push(
      found('fault', 'disk', free(disk.available), 'History can no longer be written: make room.'),
    );
  else if (disk.available < DISK_LITTLE)
    findings.push(
      found('warning', 'disk', free(disk.available), 'Make room, or lower retentionDays in the policy.'),
    );
  else findings.push(ok('disk', free(disk.available)));
  if (memory === null) findings.push(found('unknown', 'memory', 'it does not say', 'See `free`.'));
  else if (memory.available < MEMORY_LITTLE)
    findings.push(found('warning', 'memory', free(memory.available), 'Stop what else runs on this box.'));
  else findings.push(ok('memory', free(memory.available)));
  const [now = 0] = load;
  findings.push(
    now > 2 * processors
      ? found(
          'warning',
          'load',
          `${now.toFixed(1)} on ${processors} processors`,
          'What runs here beside the guard? See `top`.',
        )
      : ok('load', `${now.toFixed(1)} on ${processors} processors`),
  );
  return Promise.resolve(findings);
};

export const power: Check = ({ machine }) => {
  const { throttling, temperature } = machine;
  const findings: Finding[] = [];
  if (temperature !== null)
    findings.push(
      temperature >= HOT
        ? found('warning', 'heat', `${temperature.toFixed(0)} degrees`, 'Give it air, or a heat sink.')
        : ok('heat', `${temperature.toFixed(0)} degrees`),
    );
  if (throttling !== null) {
    const { now, before } = throttling;
    const remedy = 'Use the supply and the cable that belong to this board, and give it air.';
    if (now.length > 0) findings.push(found('fault', 'power', `now: ${now.join(', ')}`, remedy));
    else if (before.length > 0)
      findings.push(found('warning', 'power', `since the start: ${before.join(', ')}`, remedy));
    else findings.push(ok('power', 'nothing slows it down'));
  }
  return Promise.resolve(findings);
};
