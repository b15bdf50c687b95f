// Knows: how `watch` listens by itself, and how it chooses and explains interfaces. Must not know: libpcap, the daemon.
// No interface is picked blindly; what was tried and why it failed is said.

import { networkInterfaces } from 'node:os';

import type { AnalysisReport } from '../../../src/analysis/analysis.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import { printable } from '../../../src/api/shown.ts';
import { addressText, parseAddress, parseMac } from '../../../src/wire/ip/address.ts';
import { objections, obviousPort, readPorts } from '../../os/interfaces.ts';
import type { PortFacts } from '../../os/interfaces.ts';
import { analysisText } from '../analyze-text.ts';
import { CommandError } from '../command.ts';
import type { CommandIo, ExitCode } from '../command.ts';
import { listen, probe } from './listen.ts';
import type { ListenOrder } from './listen.ts';
import { incidentLine } from '../status-screen.ts';
import { padded, styleOf } from '../terminal.ts';
import type { WatchOptions } from '../watch-daemon.ts';

export interface Candidate extends PortFacts {
  readonly opens: boolean;
  /** Why it cannot be opened, or is no good choice. */
  readonly why: readonly string[];
}

/** Every port of this machine, best first, each opened once. `open` says why it cannot, or undefined. */
export async function candidates(
  ports: readonly PortFacts[] = readPorts(),
  open: (name: string) => Promise<string | undefined> = probe,
): Promise<readonly Candidate[]> {
  return Promise.all(
    ports.map(async (port) => {
      const fault = port.kind === 'loopback' ? undefined : await open(port.name);
      const why = [...objections(port), ...(fault === undefined ? [] : [`cannot be opened: ${fault}`])];
      return { ...port, opens: port.kind !== 'loopback' && fault === undefined, why };
    }),
  );
}

/** `watch --iface-diag`: exit 0 when something can be listened on, else 3. */
export function showCandidates(
  list: readonly Candidate[],
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
  io: CommandIo,
): ExitCode {
  const able = list.filter((one) => one.opens);
  if (json) {
    io.stdout.write(`${JSON.stringify({ interfaces: list, obvious: obviousPort(able)?.name ?? null })}\n`);
    return able.length > 0 ? 0 : 3;
  }
  const { paint } = styleOf(io);
  const rows = padded(
    list.map((one) => [one.opens ? 'yes' : 'no', one.name, one.kind, carrierWords(one), '']),
  );
  const lines = list.map((one, index) => {
    const why = one.opens && !verbose ? one.why.slice(0, 1) : one.why;
    return `${paint(one.opens ? 'green' : 'red', (rows[index] ?? []).join('  '))}${printable(why.join('; '))}`.trimEnd();
  });
  const obvious = obviousPort(able);
  const advice =
    obvious !== undefined
      ? `leakguard watch --iface ${obvious.name}`
      : able.length > 0
        ? 'Several or none stand out: choose with --iface NAME.'
        : 'Nothing can be listened on. Run this as root, or say -v to see why.';
  io.stdout.write(`${[...(lines.length > 0 ? lines : ['no interfaces']), '', advice].join('\n')}\n`);
  return able.length > 0 ? 0 : 3;
}

/** `watch --iface NAME`. What can be said against the name is said; what cannot be opened ends with 3 and the reasons. */
export async function watchInterface(
  order: ListenOrder,
  options: WatchOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const ports = readPorts();
  const port = ports.find(({ name }) => name === order.interface);
  if (port === undefined) throw noSuchPort(order.interface, ports);
  const doubts = objections(port);
  if (doubts.length > 0)
    io.stderr.write(`leakguard: ${port.name} is a doubtful choice: ${doubts.join('; ')}\n`);
  const style = styleOf(io);
  /** Frames of an incident when it was last told: it is told again when they have doubled. */
  const told = new Map<string, number>();
  const ownMac = parseMac(port.address);
  const ownAddresses = (networkInterfaces()[port.name] ?? []).flatMap(({ address }) => {
    const parsed = parseAddress(address);
    return parsed === undefined ? [] : [addressText(parsed.ipVersion, parsed.words)];
  });
  const orderHere = { ...order, ownAddresses, ...(ownMac === undefined ? {} : { ownMac }) };
  const { report, whole, fault } = await listen(orderHere, options.until, {
    open: () => void io.stderr.write(`leakguard: listening on ${port.name}\n`),
    news: (incidents) => {
      if (options.summaryOnly) return;
      for (const incident of incidents) {
        const before = told.get(incident.id);
        if (before !== undefined && incident.escaped < before * 2) continue;
        told.set(incident.id, incident.escaped);
        const view = { ...incident, acknowledged: false, breach: false };
        const line = `${JSON.stringify({ event: 'incident', data: incident })}\n`;
        io.stdout.write(options.json ? line : incidentLine(view, style, new Date()));
        if (!options.json && incident.process !== undefined)
          io.stdout.write(`    ${style.paint('dim', processWords(incident.process))}\n`);
      }
    },
  });
  const broken = fault ?? (whole ? undefined : 'the capture process had to be ended: its last count stands');
  if (report !== undefined) io.stdout.write(reportText(report, options.json));
  if (report !== undefined && report.verdicts.leak > 0) {
    if (broken !== undefined) io.stderr.write(`leakguard: ${port.name}: ${printable(broken)}\n`);
    return 1;
  }
  if (broken === undefined) return 0;
  const remedy = 'See "leakguard watch --iface-diag -v" for what can be listened on.';
  throw new CommandError(3, 'capture', `${port.name}: ${broken}.`, remedy);
}

/** `by dig (process 4711), confidence high: its socket has this connection`. */
function processWords({ pid, name, confidence, why }: Attribution): string {
  if (pid === null) return `process unknown: ${why}`;
  return printable(
    `by ${name === '' ? 'a process' : name} (process ${pid}), confidence ${confidence}: ${why}`,
  );
}

function reportText(report: AnalysisReport, json: boolean): string {
  if (json) return `${JSON.stringify({ event: 'summary', data: report })}\n`;
  return analysisText({ ...report, complete: true, lost: [], behind: [] });
}

function noSuchPort(name: string, ports: readonly PortFacts[]): CommandError {
  const names = ports.map((port) => port.name).join(', ');
  return new CommandError(
    3,
    'no-device',
    `There is no interface ${name}.`,
    `There are: ${names === '' ? 'none' : names}.`,
  );
}

function carrierWords({ up, carrier, speed }: PortFacts): string {
  if (!up) return 'down';
  if (carrier !== true) return 'no carrier';
  return speed === undefined ? 'carrier' : `${speed} Mbit/s`;
}
