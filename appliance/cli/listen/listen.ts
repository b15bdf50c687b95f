// Starts and ends the capture child of `watch --iface` (listen-process.ts), and defines their messages.
// The child may be lost at any time; its last report then counts.

import { fileURLToPath } from 'node:url';

import type { AnalysisReport } from '../../../src/analysis/analysis.ts';
import type { AnalysedIncident } from '../../../src/analysis/analysis-incidents.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { startChild } from '../../tap/child.ts';
import type { Message } from '../../tap/messages.ts';

/** A driver that takes longer to open is considered hung. */
const OPEN_MS = 3000;
/** During a flood the child reads no commands: after this time it is killed, and its last report counts. */
const END_MS = 1500;

/** What the child is to listen to, and how it judges. */
export interface ListenOrder {
  readonly interface: string;
  /** Undefined: only try to open the interface. */
  readonly policy: Policy | undefined;
  /** MAC address of the laptop as a number; without it, both directions are judged. */
  readonly client: number | undefined;
  readonly learn: boolean;
  /** Tor's relays, as text (src/wire/vpn/tor.ts). */
  readonly relays?: readonly string[];
  /** The interface's MAC address as a 48-bit number, if it has one, and its IP addresses as text: they identify frames of this machine. */
  readonly ownMac?: number;
  readonly ownAddresses?: readonly string[];
}

/** Messages to the child over the IPC channel: first the order, later `end`. */
export type ListenCommand = ListenOrder | 'end';

/** An incident, and the process of this machine that sent its first frame; undefined for frames of another machine. */
interface HeardIncident extends AnalysedIncident {
  readonly process?: Attribution;
}

/** A report whose incidents name the process that sent them. */
export interface HeardReport extends AnalysisReport {
  readonly incidents: readonly HeardIncident[];
}

/** Messages from the child over the pipe. */
export interface ListenReport {
  /** Incidents that are new or have grown. */
  readonly news: readonly HeardIncident[];
  /** Everything so far; names and incidents are included only in the last report, when `whole` is true. */
  readonly report: HeardReport;
  readonly whole: boolean;
}

/** How the listening ended. */
export interface ListenEnd {
  /** The complete report, or, when `whole` is false, the last one received before the child was lost. */
  readonly report: HeardReport | undefined;
  readonly whole: boolean;
  /** Why the interface could not be opened or the capture ended early, one clause; undefined when neither happened. */
  readonly fault: string | undefined;
}

/** What is told while the child listens. */
export interface ListenEars {
  /** The capture has started; earlier frames were not seen. */
  open?(): void;
  /** Incidents that are new or have grown. */
  news?(incidents: readonly HeardIncident[]): void;
}

/**
 * Tries to open the interface `name` in a child process; returns why that failed, one clause, or undefined when it worked. Takes at most
 * OPEN_MS. Rejects as `listen` does.
 */
export async function probe(name: string): Promise<string | undefined> {
  const order = { interface: name, policy: undefined, client: undefined, learn: false };
  return (await listen(order, AbortSignal.abort(), {})).fault;
}

/**
 * Listens in a child process until `until` is aborted or the child is lost, which the result tells. A fault of the capture does not reject;
 * it rejects only when the machine cannot start a process.
 */
export async function listen(order: ListenOrder, until: AbortSignal, ears: ListenEars): Promise<ListenEnd> {
  const command = [process.execPath, fileURLToPath(new URL('./listen-process.js', import.meta.url))] as const;
  const heard: { opened: boolean; fault?: string; last?: ListenReport } = { opened: false };
  let end = (): void => undefined;
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
    const kill = (): void => void child.kill('SIGKILL');
    const tell = (message: ListenCommand): void => {
      if (child.connected) child.send(message, () => undefined);
    };
    let deadline: NodeJS.Timeout | undefined;
    end = (): void => {
      if (!heard.opened) return;
      tell('end');
      clearTimeout(deadline);
      deadline = setTimeout(kill, END_MS);
    };
    const take = (message: Message<ListenReport>): void => {
      if (message.type === 'open') {
        heard.opened = true;
        clearTimeout(deadline);
        ears.open?.();
        if (until.aborted) end();
      } else if (message.type === 'fault') {
        heard.fault = faultWords(message.message);
      } else {
        heard.last = message.report;
        ears.news?.(message.report.news);
      }
    };
    const child = startChild<ListenReport>(command, 'ignore', {
      heard: (messages) => {
        messages.forEach(take);
      },
      failed: () => undefined,
      closed: (_code, by) => {
        clearTimeout(deadline);
        resolve(by);
      },
    });
    deadline = setTimeout(kill, OPEN_MS);
    until.addEventListener('abort', end, { once: true });
    tell(order);
  });
  until.removeEventListener('abort', end);
  const { opened, last } = heard;
  let { fault } = heard;
  const whole = last?.whole === true;
  if (!opened) fault ??= `it did not open within ${OPEN_MS / 1000} s`;
  else if (!whole && !until.aborted)
    fault ??= `the capture stopped early (${signal ?? 'ended'}): the interface went down`;
  return { report: last?.report, whole, fault };
}

/** An error message of libpcap in words that say what to do, one clause; unknown messages are returned unchanged. */
export function faultWords(message: string): string {
  if (/permission|not permitted/i.test(message))
    return 'no permission: run this as root, or with CAP_NET_RAW';
  if (/no such device/i.test(message)) return 'no such device';
  if (/is not up|network is down/i.test(message)) return 'the interface is down';
  if (/link type/i.test(message)) return `not Ethernet (${message})`;
  return message;
}
