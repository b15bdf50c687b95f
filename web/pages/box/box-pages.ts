// The Clients and Health pages. What is not known is shown as not known, never as all right.

import type { ClientView } from '../../../src/api/past.ts';
import type { TimeSource } from '../../../src/api/words.ts';
import type { HealthAnswer, MachineHealth, PortHealth } from '../../../src/api/box.ts';
import { printable } from '../../../src/api/shown.ts';
import { filled } from '../dossier/eve-words.ts';
import { BOX_SHEETS } from '../../render.ts';
import type { Around, Notice, Renderer } from '../../render.ts';
import { CLIENT_TEXTS, TIME_SOURCE_TEXTS, HEALTH_TEXTS as T } from './texts-box.ts';
import { TEXTS } from '../../texts.ts';
import { clockTime, grouped, proofOf } from '../status/view-model.ts';

/** One line of a list of checks. */
export interface Check {
  readonly what: string;
  readonly value: string;
  readonly well: 'yes' | 'no' | 'unknown';
  readonly note?: string;
  /** ISO time shown after the value. */
  readonly at?: string;
}

const clockNow = (iso: string): string => clockTime(iso, new Date().toISOString());

export function clientsPage(
  renderer: Renderer,
  clients: readonly ClientView[] | undefined,
  notice: Notice | undefined,
): string {
  const rows = clients?.map((client) => ({
    ...printable(client),
    incidents: `/incidents?${new URLSearchParams({ client: client.id }).toString()}`,
    dossier: `/dossier?${new URLSearchParams({ period: 'all', client: client.id }).toString()}`,
  }));
  return renderer.framed({
    title: `${CLIENT_TEXTS.title} · ${TEXTS.product}`,
    notice,
    here: '/clients',
    sheets: BOX_SHEETS,
    body: renderer.draw('clients', { w: CLIENT_TEXTS, clients: rows, clockTime: clockNow }),
  });
}

export function healthPage(
  renderer: Renderer,
  data: { readonly health: HealthAnswer; readonly unseen: number } | undefined,
  { token, notice, isSet }: Around & { /** The clock has just been set. */ readonly isSet: boolean },
): string {
  const health = data === undefined ? undefined : printable(data.health);
  return renderer.framed({
    title: `${T.title} · ${TEXTS.product}`,
    notice,
    here: '/health',
    sheets: BOX_SHEETS,
    script: 'clock.js',
    body: renderer.draw('machine', {
      w: T,
      health,
      clockTime: clockNow,
      token,
      isSet,
      now: new Date().toISOString(),
      guard: health === undefined ? [] : guardChecks(health, data?.unseen ?? 0),
      ports: health?.ports.map(portRow) ?? [],
      machine: health === undefined ? [] : machineChecks(health.machine, health.timeSource),
    }),
  });
}

function guardChecks({ guard }: HealthAnswer, unseen: number): readonly Check[] {
  const { taps, ruleset, counters, limits } = guard;
  return [
    ...taps.map((tap): Check => {
      const note = [
        filled(T.frames, { count: grouped(tap.frames) }),
        ...(tap.restarts > 0 ? [filled(T.restarts, { count: grouped(tap.restarts) })] : []),
        ...(tap.detail === '' ? [] : [tap.detail]),
      ].join(', ');
      const what = filled(T.tap, { name: tap.interface });
      return { what, value: tap.state, well: tap.state === 'up' ? 'yes' : 'no', note };
    }),
    {
      what: T.rules,
      value: ruleset.verified ? T.rulesAt : T.rulesNot,
      well: yesNo(ruleset.verified),
      ...at(ruleset.at),
      ...(ruleset.detail === '' ? {} : { note: ruleset.detail }),
    },
    ...(ruleset.shape === undefined ? [] : [shapeCheck(ruleset.shape, ruleset.unproven ?? '')]),
    {
      what: T.counters,
      value: counters.readable ? T.countersAt : T.countersNot,
      well: yesNo(counters.readable),
      ...at(counters.at),
    },
    proofCheck(guard),
    { what: T.unseen, value: grouped(unseen), well: yesNo(unseen === 0) },
    ...(limits.incidentsFolded > 0
      ? [{ what: T.folded, value: grouped(limits.incidentsFolded), well: 'no' as const }]
      : []),
  ];
}

/** Rules that were not proven are no fault of the box's. */
function shapeCheck(shape: string, why: string): Check {
  const note = why === '' ? {} : { note: filled(T.shapeWhy, { why }) };
  return { what: T.shape, value: shape, well: 'yes', ...note };
}

function proofCheck(guard: HealthAnswer['guard']): Check {
  const { isRecent, text, detail } = proofOf(guard, new Date().toISOString());
  const note = detail === '' ? {} : { note: detail };
  return { what: TEXTS.proof, value: text, well: yesNo(isRecent), ...note };
}

const at = (iso: string | null): { readonly at?: string } => (iso === null ? {} : { at: iso });
const yesNo = (well: boolean): 'yes' | 'no' => (well ? 'yes' : 'no');

/** A port as a row of the table. The bridge itself has no cable and no offloads. */
export function portRow(port: PortHealth): {
  readonly what: string;
  readonly name: string;
  readonly cable: string;
  readonly well: Check['well'];
  readonly speed: string;
  readonly offloads: string;
  readonly offloadsWell: Check['well'] | 'none';
  readonly dropped: string;
} {
  const { present, up, carrier, speed, offloads, dropped } = port;
  const cable = !present
    ? T.portMissing
    : !up
      ? T.portDown
      : carrier === null
        ? T.notSaid
        : carrier
          ? T.carrier
          : T.noCarrier;
  return {
    what: T[port.port],
    name: port.name,
    cable,
    well: present && up && carrier === true ? 'yes' : present && up && carrier === null ? 'unknown' : 'no',
    speed: speed === null ? T.notSaid : filled(T.mbit, { count: grouped(speed) }),
    offloads:
      port.port === 'bridge'
        ? T.offloadsOfPorts
        : offloads === null
          ? T.offloadsUnknown
          : offloads.length === 0
            ? T.offloadsOff
            : offloads.join(', '),
    offloadsWell:
      port.port === 'bridge' ? 'none' : offloads === null ? 'unknown' : yesNo(offloads.length === 0),
    dropped: dropped === null ? T.notSaid : grouped(dropped),
  };
}

/** Limits of what is all right: least free share of memory and disk, temperature in °C, load per processor. */
const LEAST_FREE = 0.05;
const HOT = 80;
const BUSY = 2;

export function machineChecks(machine: MachineHealth, keeper: TimeSource): readonly Check[] {
  const { load, processors, temperature, throttling, uptime, clock } = machine;
  const [one = 0, five = 0, fifteen = 0] = load;
  const isRight = clock.kept || keeper === 'network';
  const slowed = throttling === null ? undefined : [...throttling.now, ...throttling.before];
  return [
    {
      what: T.load,
      value: filled(T.loadValue, {
        one: one.toFixed(2),
        five: five.toFixed(2),
        fifteen: fifteen.toFixed(2),
        count: String(processors),
      }),
      well: yesNo(five < processors * BUSY),
      note: T.loadNote,
    },
    freeOf(T.memory, machine.memory),
    freeOf(T.disk, machine.disk),
    {
      what: T.temperature,
      value: temperature === null ? T.notSaid : filled(T.degrees, { count: temperature.toFixed(0) }),
      well: temperature === null ? 'unknown' : yesNo(temperature < HOT),
    },
    {
      what: T.throttling,
      value:
        throttling === null
          ? T.notSaid
          : throttling.now.length > 0
            ? filled(T.throttledNow, { causes: throttling.now.join(', ') })
            : throttling.before.length > 0
              ? filled(T.throttledBefore, { causes: throttling.before.join(', ') })
              : T.throttledNot,
      well: slowed === undefined ? 'unknown' : yesNo(slowed.length === 0),
    },
    { what: T.uptime, value: spanOf(uptime), well: 'yes' },
    {
      what: T.clock,
      value: clock.kept ? T.clockKept : '',
      at: clock.now,
      well: isRight ? 'yes' : 'unknown',
      note: isRight ? TIME_SOURCE_TEXTS[keeper] : `${T.clockLost} ${TIME_SOURCE_TEXTS[keeper]}`,
    },
  ];
}

function freeOf(what: string, amount: MachineHealth['memory']): Check {
  if (amount === null) return { what, value: T.notSaid, well: 'unknown' };
  const { total, available } = amount;
  const value = filled(T.ofTotal, { free: bytesText(available), total: bytesText(total) });
  return { what, value, well: yesNo(available > total * LEAST_FREE) };
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** 1 234 567 → `1.2 MB`, in decimal units. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)}\u202f${UNITS[power] ?? ''}`;
}

function spanOf(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  if (days > 0) return filled(T.days, { days: String(days), hours: String(hours) });
  return filled(T.hours, { hours: String(hours), minutes: String(Math.floor(seconds / 60) % 60) });
}
