// Knows: how a listening child is started, heard and ended, and what its faults mean. Must not know: options, terminals.
// The child may abort at any time; what it told before counts.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { HeardIncident, HeardReport, ListenMessage, ListenOrder } from './listen-messages.ts';

/** A driver that takes longer to open is hung. */
const OPEN_MS = 3000;
/** Under flood the child reads no order: it is then ended with what it last told. */
const END_MS = 1500;

export interface ListenEnd {
  /** Everything, or, when `whole` is false, the last that was told before the child was lost. */
  readonly report: HeardReport | undefined;
  readonly whole: boolean;
  /** Why it could not be opened or broke off. */
  readonly fault: string | undefined;
}

export interface ListenEars {
  /** It reads: frames before this are nobody's. */
  open(): void;
  /** Incidents that are new or have grown. */
  news(incidents: readonly HeardIncident[]): void;
}

/** Tries to open an interface: undefined when that works, else why it does not, in words. */
export async function probe(name: string): Promise<string | undefined> {
  const child = start({ interface: name, policy: undefined, client: undefined, learn: false });
  const late = setTimeout(() => child.kill('SIGKILL'), OPEN_MS);
  let [opened, fault] = [false, `it did not open within ${OPEN_MS / 1000} s`];
  const closed = once(child, 'close');
  for await (const message of messages(child)) {
    if (message.type === 'open') opened = true;
    if (message.type === 'fault') fault = faultWords(message.message);
  }
  await closed;
  clearTimeout(late);
  return opened ? undefined : fault;
}

/** Listens until `until` is aborted or the child is lost. */
export async function listen(order: ListenOrder, until: AbortSignal, ears: ListenEars): Promise<ListenEnd> {
  const child = start(order);
  const late = setTimeout(() => child.kill('SIGKILL'), OPEN_MS);
  let kill: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (child.connected) child.send('end', () => undefined);
    kill = setTimeout(() => child.kill('SIGKILL'), END_MS);
  };
  if (until.aborted) end();
  until.addEventListener('abort', end, { once: true });
  let [report, whole, fault, opened]: [HeardReport | undefined, boolean, string | undefined, boolean] = [
    ...([undefined, false, undefined, false] as const),
  ];
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  for await (const message of messages(child)) {
    if (message.type === 'open') {
      opened = true;
      clearTimeout(late);
      ears.open();
    } else if (message.type === 'fault') {
      fault = faultWords(message.message);
    } else {
      report = message.report;
      whole = message.type === 'end';
      if (message.type === 'news') ears.news(message.incidents);
    }
  }
  const [, signal] = await closed;
  clearTimeout(late);
  clearTimeout(kill);
  until.removeEventListener('abort', end);
  if (!opened) fault ??= `it did not open within ${OPEN_MS / 1000} s`;
  else if (!whole && !until.aborted)
    fault ??= `the capture broke off (${signal ?? 'ended'}): the interface went down`;
  return { report, whole, fault };
}

function start(order: ListenOrder): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./listen-process.js', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.on('error', () => undefined);
  child.send(order, () => undefined);
  return child;
}

async function* messages(child: ChildProcess): AsyncGenerator<ListenMessage> {
  for await (const line of createInterface({ input: child.stdio[3] as Readable }))
    yield JSON.parse(line) as ListenMessage;
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
