// `watch --iface` and `watch --iface-diag`: listens without the daemon, and explains which interfaces can be used and why.

import { networkInterfaces } from 'node:os';

import type { AnalysisReport } from '../../../src/analysis/analysis.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import { printable } from '../../../src/api/shown.ts';
import { addressText, parseAddress, parseMac } from '../../../src/wire/ip/address.ts';
import { objections, obviousPort, readPorts } from '../../os/interfaces.ts';
import type { PortInfo } from '../../os/interfaces.ts';
import { analysisText } from '../analyze-text.ts';
import { CommandError } from '../command.ts';
import type { CommandIo, ExitCode } from '../command.ts';
import { listen, probe } from './listen.ts';
import type { ListenOrder } from './listen.ts';
import { incidentLine } from '../status-screen.ts';
import { padded, styleOf } from '../terminal.ts';
import type { WatchOptions } from '../watch-daemon.ts';

/** An interface, and whether it can be listened on. */
export interface Candidate extends PortInfo {
  readonly opens: boolean;
  /** Why it cannot be opened, or is a poor choice. */
  readonly why: readonly string[];
}

/**
 * Every port of this machine, in the order of readPorts (best first), after trying to open each but loopback. `open` returns why it failed,
 * or undefined. What `open` rejects with is passed on.
 */
export async function candidates(
  ports: readonly PortInfo[] = readPorts(),
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

/**
 * `watch --iface-diag`: prints the list on stdout, as text or as `{"interfaces":[…],"obvious":NAME or null}`. Returns 0 when at least one
 * interface can be listened on, otherwise 3.
 */
export function showCandidates(
  list: readonly Candidate[],
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
  io: CommandIo,
): ExitCode {
  const able = list.filter((candidate) => candidate.opens);
  if (json) {
    io.stdout.write(`${JSON.stringify({ interfaces: list, obvious: obviousPort(able)?.name ?? null })}\n`);
    return able.length > 0 ? 0 : 3;
  }
  const { paint } = styleOf(io);
  const rows = padded(
    list.map((candidate) => [
      candidate.opens ? 'yes' : 'no',
      candidate.name,
      candidate.kind,
      carrierWords(candidate),
      '',
    ]),
  );
  const lines = list.map(({ opens, why: reasons }, index) => {
    const why = opens && !verbose ? reasons.slice(0, 1) : reasons;
    return `${paint(opens ? 'green' : 'red', (rows[index] ?? []).join('  '))}${printable(why.join('; '))}`.trimEnd();
  });
  const obvious = obviousPort(able);
  const advice =
    obvious !== undefined
      ? `leakguard watch --iface ${obvious.name}`
      : able.length > 0
        ? 'No single interface stands out: choose one with --iface NAME.'
        : 'No interface can be listened on. Run this as root, or add -v to see why.';
  io.stdout.write(`${[...(lines.length > 0 ? lines : ['no interfaces']), '', advice].join('\n')}\n`);
  return able.length > 0 ? 0 : 3;
}

/**
 * `watch --iface NAME`: prints incidents as they come, and a summary. Warns on stderr about a doubtful choice. Returns 1 when a leak was
 * found, otherwise 0. Throws CommandError 3 when there is no such interface, or the capture failed or stopped early and no leak was found.
 */
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
  /** Frames of each incident when it was last printed: it is printed again when they have doubled. */
  const printed = new Map<string, number>();
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
        const before = printed.get(incident.id);
        if (before !== undefined && incident.escaped < before * 2) continue;
        printed.set(incident.id, incident.escaped);
        const view = { ...incident, acknowledged: false, breach: false };
        const line = `${JSON.stringify({ event: 'incident', data: incident })}\n`;
        io.stdout.write(options.json ? line : incidentLine(view, style, new Date()));
        if (!options.json && incident.process !== undefined)
          io.stdout.write(`    ${style.paint('dim', processWords(incident.process))}\n`);
      }
    },
  });
  const broken =
    fault ?? (whole ? undefined : 'the capture process had to be killed; its last report counts');
  if (report !== undefined) io.stdout.write(reportText(report, options.json));
  if (report !== undefined && report.verdicts.leak > 0) {
    if (broken !== undefined) io.stderr.write(`leakguard: ${port.name}: ${printable(broken)}\n`);
    return 1;
  }
  if (broken === undefined) return 0;
  const remedy = 'See "leakguard watch --iface-diag -v" for interfaces that can be listened on.';
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

function noSuchPort(name: string, ports: readonly PortInfo[]): CommandError {
  const names = ports.map((port) => port.name).join(', ');
  return new CommandError(
    3,
    'no-device',
    `There is no interface ${name}.`,
    `Interfaces: ${names === '' ? 'none' : names}.`,
  );
}

function carrierWords({ up, carrier, speed }: PortInfo): string {
  if (!up) return 'down';
  if (carrier !== true) return 'no carrier';
  return speed === undefined ? 'carrier' : `${speed} Mbit/s`;
}
