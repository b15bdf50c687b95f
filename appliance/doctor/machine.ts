// Checks of the machine around the guard: kernel, units, LED, clock, disk, memory, load, power.

import type { Check, Finding } from './finding.ts';
import { found, ok } from './finding.ts';

const GIGABYTE = 1e9;
/** Warn when less than this is free, bytes. */
const DISK_LOW = 200e6;
/** A fault when less than this is free, bytes. */
const DISK_FULL = 20e6;
const MEMORY_LOW = 50e6;
/** Degrees Celsius; a Raspberry Pi throttles itself at 80. */
const HOT = 78;
/** An earlier year means that the clock was never set. */
const FIRST_YEAR = 2026;

/** Whether this kernel accepts the policy's rules, and whether br_netfilter is loaded (linux net/bridge/br_netfilter_hooks.c). */
export const kernel: Check = ({ rulesFault, readText }) => {
  const findings: Finding[] = [
    rulesFault === undefined
      ? ok('kernel', 'it accepts the rules of this policy')
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
        'br_netfilter is loaded: it can pass frames of the bridge to the rules of other programs',
        'Container software loads it. leakguardd turns its sysctls off; better run no containers on a box.',
      ),
    );
  return Promise.resolve(findings);
};

/** The systemd units of a box (appliance/setup/plan.ts). */
export const UNITS: readonly string[] = [
  'leakguard-closed.service',
  'leakguard-light.service',
  'leakguardd.service',
  'leakguard-web.socket',
];

/** Whether systemd runs UNITS; `unknown` where systemctl(1) does not answer. */
export const units: Check = async ({ run }) => {
  const findings: Finding[] = [];
  for (const unit of UNITS) {
    // `is-active` fails for inactive units; `show` always answers.
    const output = await run('systemctl', 'show', '--property', 'LoadState,ActiveState,SubState', unit);
    const [, load, active, sub] = /LoadState=(.*)\nActiveState=(.*)\nSubState=(.*)/.exec(output ?? '') ?? [];
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

/** Whether the policy has an LED, and whether it can be opened. */
export const lamp: Check = ({ policy, ledFault }) => {
  const { driver } = policy.lamp;
  if (driver === 'none')
    return Promise.resolve([
      found(
        'warning',
        'lamp',
        'the policy has no LED',
        'Without one, only the page shows leaks. See appliance/README.md.',
      ),
    ]);
  if (ledFault === undefined) return Promise.resolve([ok('lamp', `${driver}: found`)]);
  return Promise.resolve([
    found('fault', 'lamp', ledFault, 'See the wiring in appliance/README.md, and `lamp` in the policy.'),
  ]);
};

/** Whether the clock was ever set, and whether a clock module (rtc0) keeps it. */
export const clock: Check = ({ machine }) => {
  const { now, kept } = machine.clock;
  if (new Date(now).getUTCFullYear() < FIRST_YEAR)
    return Promise.resolve([
      found('warning', 'clock', `it says ${now}`, 'Set it (date --set): incidents get their times from it.'),
    ]);
  if (kept) return Promise.resolve([ok('clock', `${now}, kept while the power is off`)]);
  return Promise.resolve([
    found(
      'warning',
      'clock',
      `${now}, not kept while the power is off`,
      'Check the time after each start; the health page can set it from your browser. A clock module keeps it.',
    ),
  ]);
};

/** Disk and memory that are free, and the load of the last minute: a warning above two runnable processes per processor (proc_loadavg(5)). */
export const resources: Check = ({ machine }) => {
  const { disk, memory, load, processors } = machine;
  const free = (bytes: number): string => `${(bytes / GIGABYTE).toFixed(1)} GB free`;
  const findings: Finding[] = [];
  if (disk === null) findings.push(found('unknown', 'disk', 'not known', 'Does the state directory exist?'));
  else if (disk.available < DISK_FULL)
    findings.push(
      found('fault', 'disk', free(disk.available), 'The history can no longer be written: free some space.'),
    );
  else if (disk.available < DISK_LOW)
    findings.push(
      found(
        'warning',
        'disk',
        free(disk.available),
        'Free some space, or lower retentionDays in the policy.',
      ),
    );
  else findings.push(ok('disk', free(disk.available)));
  if (memory === null) findings.push(found('unknown', 'memory', 'not known', 'See `free`.'));
  else if (memory.available < MEMORY_LOW)
    findings.push(found('warning', 'memory', free(memory.available), 'Stop other programs on this box.'));
  else findings.push(ok('memory', free(memory.available)));
  const [now = 0] = load;
  findings.push(
    now > 2 * processors
      ? found(
          'warning',
          'load',
          `${now.toFixed(1)} on ${processors} processors`,
          'Which other programs are running? See `top`.',
        )
      : ok('load', `${now.toFixed(1)} on ${processors} processors`),
  );
  return Promise.resolve(findings);
};

/** Temperature and throttling, where the machine reports them: without them there is no finding. */
export const power: Check = ({ machine }) => {
  const { throttling, temperature } = machine;
  const findings: Finding[] = [];
  if (temperature !== null)
    findings.push(
      temperature >= HOT
        ? found(
            'warning',
            'heat',
            `${temperature.toFixed(0)} degrees`,
            'Improve the ventilation, or add a heat sink.',
          )
        : ok('heat', `${temperature.toFixed(0)} degrees`),
    );
  if (throttling !== null) {
    const { now, before } = throttling;
    const remedy = 'Use the power supply and cable made for this board, and improve its ventilation.';
    if (now.length > 0) findings.push(found('fault', 'power', `now: ${now.join(', ')}`, remedy));
    else if (before.length > 0)
      findings.push(found('warning', 'power', `since the start: ${before.join(', ')}`, remedy));
    else findings.push(ok('power', 'not throttled'));
  }
  return Promise.resolve(findings);
};
