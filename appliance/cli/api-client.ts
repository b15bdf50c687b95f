// Knows: how a command asks the daemon over its Unix socket, and what to tell people when that fails. Must not know: any command.
// Follows README.md, Commands (exit codes), and the event stream format of WHATWG HTML.

import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

import type {
  AckCommand,
  AddTunnelCommand,
  BlockCommand,
  ImportCommand,
  LearnCommand,
  PassCommand,
} from '../../src/guard/commands.ts';
import { GuardEventReader, readApiError, readJson, readStatus } from '../../src/guard/status.ts';
import type { GuardEvent, Status } from '../../src/guard/status.ts';
import { readUpdateStatus } from '../../src/guard/update-status.ts';
import type { UpdatePartCommand, UpdateStatus } from '../../src/guard/update-status.ts';
import { CommandError } from './command.ts';
import { runningLab } from './lab-files.ts';

const ANSWER_MS = 5_000;
/** What changes something waits for the kernel or the disk, and a small board has a slow card. */
const CHANGE_MS = 60_000;

export class DaemonClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** GET /v1/status. All of these throw CommandError: 3 when the daemon cannot be had, 2 when it refuses the words. */
  async status(): Promise<Status> {
    return this.#statusFrom(await this.#ask('GET', '/v1/status'));
  }

  /** PUT /v1/block: resolves when the kernel has the rules. */
  async block(command: BlockCommand): Promise<Status> {
    return this.#statusFrom(await this.#ask('PUT', '/v1/block', command));
  }

  /** POST /v1/pass: resolves when the kernel has it. */
  async openPass(command: PassCommand): Promise<Status> {
    return this.#statusFrom(await this.#ask('POST', '/v1/pass', command));
  }

  /** DELETE /v1/pass. */
  async endPass(): Promise<Status> {
    return this.#statusFrom(await this.#ask('DELETE', '/v1/pass'));
  }

  /** POST /v1/ack. */
  async acknowledge(command: AckCommand): Promise<Status> {
    return this.#statusFrom(await this.#ask('POST', '/v1/ack', command));
  }

  /** POST /v1/tunnels: the policy file with the tunnel in it is in force. */
  async addTunnel(command: AddTunnelCommand): Promise<Status> {
    return this.#statusFrom(await this.#ask('POST', '/v1/tunnels', command));
  }

  /** DELETE /v1/tunnels/NAME. */
  async removeTunnel(name: string): Promise<Status> {
    return this.#statusFrom(await this.#ask('DELETE', `/v1/tunnels/${encodeURIComponent(name)}`));
  }

  /** POST /v1/tunnels/import: what was found, and with `yes` put in force. */
  async importTunnel(command: ImportCommand): Promise<unknown> {
    return this.#ask('POST', '/v1/tunnels/import', command);
  }

  /** POST /v1/tunnels/learn: what was seen, or a yes to one of it. */
  async learnTunnel(command: LearnCommand): Promise<unknown> {
    return this.#ask('POST', '/v1/tunnels/learn', command);
  }

  /** GET /v1/policy: the policy in force, as it is. */
  async policy(): Promise<unknown> {
    return this.#ask('GET', '/v1/policy');
  }

  /** GET of what the history tells: /v1/incidents, /v1/dossier, /v1/timeline, /v1/history, with its question. */
  async past(path: string, question: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const query = new URLSearchParams(question).toString();
    return this.#ask('GET', query === '' ? path : `${path}?${query}`);
  }

  /** POST /v1/history/rewrite. */
  async rewritePast(): Promise<unknown> {
    return this.#ask('POST', '/v1/history/rewrite');
  }

  /** GET /v1/update. */
  async update(): Promise<UpdateStatus> {
    return updateFrom(await this.#ask('GET', '/v1/update'));
  }

  /** POST /v1/update/part. */
  async uploadUpdate(command: UpdatePartCommand): Promise<UpdateStatus> {
    return updateFrom(await this.#ask('POST', '/v1/update/part', command));
  }

  /** POST /v1/update/install: it is looked at, and handed on. */
  async installUpdate(): Promise<UpdateStatus> {
    return updateFrom(await this.#ask('POST', '/v1/update/install'));
  }

  /** GET /v1/events until `signal` is aborted, then it resolves. Throws CommandError 3 when the stream ends by itself. */
  async events(signal: AbortSignal, onEvent: (event: GuardEvent) => void): Promise<void> {
    const asking = this.#open('GET', '/v1/events', { accept: 'text/event-stream' });
    const stop = (): void => void asking.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) return;
      const answer = await this.#answerTo(asking, '');
      if (answer.statusCode !== 200) throw refusalOf(answer.statusCode ?? 0, await textOf(answer));
      const events = new GuardEventReader();
      answer.setEncoding('utf8');
      for await (const chunk of answer) {
        events.push(String(chunk)).forEach(onEvent);
        if (events.broken) throw garbled();
      }
      throw new Error('the stream ended');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CommandError) throw error;
      const remedy = 'Nothing is known of what happened since. Look at "leakguard status" and its log.';
      throw new CommandError(3, 'stream-ended', 'The daemon broke off.', remedy, error);
    } finally {
      signal.removeEventListener('abort', stop);
      asking.destroy();
    }
  }

  #open(method: string, path: string, headers: Readonly<Record<string, string | number>>): ClientRequest {
    const to = { socketPath: this.#socketPath, host: 'localhost' };
    return request({ method, path, headers, agent: false, ...to });
  }

  async #ask(method: string, path: string, command?: unknown): Promise<unknown> {
    const body = command === undefined ? '' : JSON.stringify(command);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asking = this.#open(method, path, command === undefined ? {} : headers);
    const patience = method === 'GET' ? ANSWER_MS : CHANGE_MS;
    const deadline = setTimeout(() => asking.destroy(new CommandError(3, 'silent', ...SILENT)), patience);
    try {
      const answer = await this.#answerTo(asking, body);
      const text = await textOf(answer);
      if (answer.statusCode !== 200) throw refusalOf(answer.statusCode ?? 0, text);
      return readJson(text);
    } catch (error) {
      throw error instanceof CommandError ? error : this.#noDaemon(error);
    } finally {
      clearTimeout(deadline);
      asking.destroy();
    }
  }

  async #answerTo(asking: ClientRequest, body: string): Promise<IncomingMessage> {
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        asking.on('response', resolve).on('error', reject).end(body);
      });
    } catch (error) {
      throw error instanceof CommandError ? error : this.#noDaemon(error);
    }
  }

  #statusFrom(value: unknown): Status {
    const status = readStatus(value);
    if (status === undefined) throw garbled();
    return status;
  }

  #noDaemon(error: unknown): CommandError {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const path = this.#socketPath;
    const lab = runningLab();
    const socket = lab === undefined ? '' : `: a lab that runs here has --api ${lab.api}`;
    const start = `Start it (systemctl start leakguardd), or name its socket with --api${socket}.`;
    const said = (message: string, remedy: string): CommandError =>
      new CommandError(3, 'no-daemon', message, remedy, error);
    if (code === 'EACCES') return said(`You may not open ${path}.`, 'Run this as root, or as its group.');
    if (code === 'ENOENT') return said(`The daemon is not running: there is no ${path}.`, start);
    if (code === 'ECONNREFUSED') return said(`The daemon is not running: nobody listens on ${path}.`, start);
    return said(`The daemon does not answer on ${path}.`, 'It may be starting or stopping: try again.');
  }
}

const SILENT = [
  'The daemon does not answer in time.',
  'It may hang: look at its log (journalctl -u leakguardd), or restart it. The rules in the kernel stay.',
] as const;

function updateFrom(value: unknown): UpdateStatus {
  const status = readUpdateStatus(value);
  if (status === undefined) throw garbled();
  return status;
}

function garbled(): CommandError {
  const remedy = 'Daemon and command may be of different versions: restart the daemon.';
  return new CommandError(3, 'garbled', 'The daemon says what this command cannot read.', remedy);
}

/** 4xx are faults of what was asked (exit 2), 5xx of what was tried (exit 3). */
function refusalOf(statusCode: number, text: string): CommandError {
  const refusal = readApiError(readJson(text));
  if (refusal === undefined) return garbled();
  const { code, message, faults } = refusal.error;
  const remedy = faults.map((fault) => [fault.path, fault.message, fault.remedy].filter(Boolean).join(': '));
  return new CommandError(statusCode < 500 ? 2 : 3, code, message, remedy.join('\n'));
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}
