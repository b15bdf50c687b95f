// Checks of ports, bridge, rules, taps and daemon: the conditions of README.md, What it guarantees.

import { differences, shapeOfListing } from '../../src/policy/compile/readback.ts';
import { FAMILY, TABLE } from '../../src/policy/compile/nft-model.ts';
import { findingOf } from '../bridge/table-shape.ts';
import type { ShapeFinding } from '../bridge/table-shape.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { found, ok } from './finding.ts';

export const ports: Check = ({ ports: seen }) =>
  Promise.resolve(
    seen
      .filter(({ port }) => port !== 'bridge')
      .flatMap((port): Finding[] => {
        const check = `port ${port.port}`;
        const { name } = port;
        if (!port.present)
          return [
            found(
              'fault',
              check,
              `there is no interface ${name}`,
              'Is the adapter plugged in? `leakguard setup` chooses the ports.',
            ),
          ];
        if (!port.up) return [found('fault', check, `${name} is down`, `ip link set ${name} up`)];
        return [carrier(check, port), offloads(check, port)];
      }),
  );

type Port = Subject['ports'][number];

function carrier(check: string, { name, carrier: plugged, speed }: Port): Finding {
  if (plugged === null)
    return found(
      'unknown',
      check,
      `${name} does not report whether a cable is plugged in`,
      'Look at the light of the port.',
    );
  if (!plugged)
    return found(
      'warning',
      check,
      `${name} has no carrier`,
      'Plug the cable in, and switch on the device at its other end.',
    );
  return ok(check, `${name} is up${speed === null ? '' : ` with ${speed} Mbit/s`}`);
}

function offloads(check: string, { name, offloads: on }: Port): Finding {
  const topic = `${check} offloads`;
  if (on === null)
    return found('unknown', topic, `${name} does not report them`, 'Install ethtool, or run as root.');
  if (on.length === 0) return ok(topic, 'all off');
  const off = on.flatMap((feature) => [feature, 'off']).join(' ');
  return found(
    'warning',
    topic,
    `${on.join(', ')} on: frames are merged before the taps see them`,
    `ethtool -K ${name} ${off}`,
  );
}

export const bridge: Check = ({ policy, ports: seen, bridgeFaults }) => {
  const { name } = policy.bridge;
  const there = seen.find(({ port }) => port === 'bridge');
  if (there?.present !== true)
    return Promise.resolve([
      found(
        'fault',
        'bridge',
        `there is no ${name}`,
        'leakguardd creates it once the rules are loaded: see `systemctl status leakguard-closed leakguardd`.',
      ),
    ]);
  const remedy = 'leakguardd restores it every second while it runs: find out which program changes it.';
  if (bridgeFaults.length > 0)
    return Promise.resolve(bridgeFaults.map((saw) => found('fault', 'bridge', saw, remedy)));
  return Promise.resolve([ok('bridge', `${name} has both ports and all required settings`)]);
};

/** The daemon reads its rules back every second. Without it they are compared with those that the next boot would load. */
export const rules: Check = async ({ status, stateDir, run, readText }) => {
  const check = 'rules';
  if (status !== undefined) {
    const { verified, detail } = status.health.ruleset;
    if (verified) return [ok(check, detail), ...shapeFindings(status.health.ruleset)];
    return [
      found('fault', check, detail, 'The daemon restores them: find out which other program changes them.'),
    ];
  }
  const listing = await run('nft', '-j', 'list', 'table', FAMILY, TABLE);
  if (listing === undefined)
    return [
      found(
        'fault',
        check,
        `no table ${FAMILY} ${TABLE} can be read`,
        'Run this as root; if there are no rules: systemctl restart leakguard-closed.',
      ),
    ];
  const boot = readText(`${stateDir}/boot.nft`);
  if (boot === undefined)
    return [
      found('unknown', check, 'loaded, but there is nothing to compare them with', 'Start leakguardd.'),
    ];
  const parsed: unknown = JSON.parse(listing);
  const table = shapeOfListing(parsed);
  const [first] = differences(parsed, boot);
  if (first === undefined)
    return [
      ok(check, 'as loaded at the last boot, read back and equal'),
      ...(table === undefined ? [] : shapeFindings(findingOf(table))),
    ];
  return [
    found(
      'warning',
      check,
      `different from those of the next boot: ${first}`,
      'Start leakguardd: it verifies them.',
    ),
  ];
};

/** README.md, What is proven. */
function shapeFindings({ shape, unproven }: Partial<ShapeFinding>): Finding[] {
  if (shape === undefined) return [];
  if (shape === 'proven') return [ok('shape', shape)];
  return [
    found(
      'warning',
      'shape',
      `${shape}: ${unproven ?? ''}`,
      'Nothing has to be done: such rules are tested, and were not proven for every frame (README.md, What is proven).',
    ),
  ];
}

export const guard: Check = ({ status, silence }) => {
  const check = 'daemon';
  if (status === undefined)
    return Promise.resolve([found('fault', check, silence, 'systemctl status leakguardd')]);
  const { taps, counters, warnings } = status.health;
  return Promise.resolve([
    ok(check, `answers: ${status.state}`),
    ...taps.map(({ port, state, detail, restarts }) =>
      state === 'up'
        ? ok(`tap ${port}`, `reading${restarts === 0 ? '' : `, restarts: ${restarts}`}`)
        : found(
            'fault',
            `tap ${port}`,
            `${state}: ${detail}`,
            'leakguard watch --iface-diag -v shows why a port cannot be read.',
          ),
    ),
    counters.readable
      ? ok('counters', 'read')
      : found('fault', 'counters', 'cannot be read', 'nft list counters table bridge leakguard'),
    ...warnings.map((text) =>
      found('warning', 'daemon says', text, 'journalctl -u leakguardd shows since when.'),
    ),
  ]);
};
