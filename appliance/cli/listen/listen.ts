// Knows: what a command and its listening child (listen-process.ts) say to each other, how that is heard and ended, and what its faults
// mean. Must not know: options, terminals. The child may abort at any time; what it told before counts.

import { fileURLToPath } from 'node:url';

import type { AnalysisReport } from '../../../src/analysis/analysis.ts';
import type { AnalysedIncident } from '../../../src/analysis/analysis-incidents.ts';
import type { Attribution } from '../../../src/guard/incidents/attribution.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { startChild } from '../../tap/child.ts';
import type { Message } from '../../tap/messages.ts';

/** A driver that takes longer to open is hung. */
const OPEN_MS = 3000;
/** Under flood the child reads no order: it is then ended with what it last told. */
const END_MS = 1500;

export interface ListenOrder {
  readonly interface: string;
  /** Undefined: only try to open it. */
  readonly policy: Policy | undefined;
  /** MAC address of the laptop as a number; without it both directions are judged alike. */
  readonly client: number | undefined;
  readonly learn: boolean;
  /** Tor's relays (src/wire/vpn/tor.ts). */
  readonly relays?: readonly string[];
  /** The interface's own MAC address as a number, where it has one, and its IP addresses: frames of this machine are told by them. */
  readonly ownMac?: number;
  readonly ownAddresses?: readonly string[];
}

/** Down the IPC channel: the order first, then that it is over. */
export type ListenCommand = ListenOrder | 'end';

/** An incident, and the process of this machine behind its first frame; undefined for frames of another machine. */
interface HeardIncident extends AnalysedIncident {
  readonly process?: Attribution;
}

export interface HeardReport extends AnalysisReport {
  readonly incidents: readonly HeardIncident[];
}

/** Up the pipe. */
export interface ListenReport {
  /** Incidents that are new or have grown. */
  readonly news: readonly HeardIncident[];
  /** Of everything so far; names and incidents stand in it only when it is the last one, `whole`. */
  readonly report: HeardReport;
  readonly whole: boolean;
}

export interface ListenEnd {
  /** Everything, or, when `whole` is false, the last that was told before the child was lost. */
  readonly report: HeardReport | undefined;
  readonly whole: boolean;
  /** Why it could not be opened or broke off. */
  readonly fault: string | undefined;
}

export interface ListenEars {
  /** It reads: frames before this are nobody's. */
  open?(): void;
  /** Incidents that are new or have grown. */
  news?(incidents: readonly HeardIncident[]): void;
}

/** Tries to open an interface: undefined when that works, else why it does not, in words. */
export async function probe(name: string): Promise<string | undefined> {
  const order = { interface: name, policy: undefined, client: undefined, learn: false };
  return (await listen(order, AbortSignal.abort(), {})).fault;
}

/** Listens until `until` is aborted or the child is lost. */
export async function listen(order: ListenOrder, until: AbortSignal, ears: ListenEars): Promise<ListenEnd> {
  const command = [process.execPath, fileURLToPath(new URL('./listen-process.js', import.meta.url))] as const;
  const heard: { opened: boolean; fault?: string; last?: ListenReport } = { opened: false };
  let end = (): void => undefined;
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
    const kill = (): void => void child.kill('SIGKILL');
    const tell = (told: ListenCommand): void => {
      if (child.connected) child.send(told, () => undefined);
    };
    let late: NodeJS.Timeout | undefined;
    end = (): void => {
      if (!heard.opened) return;
      tell('end');
      clearTimeout(late);
      late = setTimeout(kill, END_MS);
    };
    const take = (message: Message<ListenReport>): void => {
      if (message.type === 'open') {
        heard.opened = true;
        clearTimeout(late);
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
        clearTimeout(late);
        resolve(by);
      },
    });
    late = setTimeout(kill, OPEN_MS);
    until.addEventListener('abort', end, { once: true });
    tell(order);
  });
  until.removeEventListener('abort', end);
  const { opened, last } = heard;
  let { fault } = heard;
  const whole = last?.whole === true;
  if (!opened) fault ??= `it did not open within ${OPEN_MS / 1000} s`;
  else if (!whole && !until.aborted)
    fault ??= `the capture broke off (${signal ?? 'ended'}): the interface went down`;
  return { report: last?.report, whole, fault };
}

/** What libpcap says, in words that tell what to do. */
export function faultWords(message: string): string {
  if (/permission|not permitted/i.test(message))
    return 'no permission: run this as root, or with CAP_NET_RAW';
  if (/no such device/i.test(message)) return 'there is no such device';
  if (/is not up|network is down/i.test(message)) return 'it is down';
  if (/link type/i.test(message)) return `not Ethernet (${message})`;
  return message;
}
