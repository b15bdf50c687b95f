// Knows: what the pages about the box ask of the local API, beyond status and incidents. Must not know: pages, browsers.
// Every method throws GuardFault. A configuration with keys goes to the guard and nowhere else.

import type { AddTunnelCommand, ClockCommand, ImportCommand, LearnCommand } from '../src/guard/commands.ts';
import {
  readClients,
  readClock,
  readDossier,
  readHealth,
  readHistory,
  readImport,
  readLampTest,
  readProposals,
  readSettings,
} from '../src/guard/answers.ts';
import type {
  ClientView,
  ClockAnswer,
  Dossier,
  HealthAnswer,
  HistoryAnswer,
  ImportAnswer,
  LampTestAnswer,
  Proposal,
  ReportFormat,
  SettingsAnswer,
} from '../src/guard/answers.ts';
import { readStatus } from '../src/guard/status.ts';
import type { Status } from '../src/guard/status.ts';
import { readUpdateStatus } from '../src/guard/update-status.ts';
import type { UpdatePartCommand, UpdateStatus } from '../src/guard/update-status.ts';
import type { GuardClient } from './api-client.ts';

/** The kernel takes the rules and they are read back, or the whole history is gone through. */
const SLOW = 5;

export class BoxClient {
  readonly #client: GuardClient;

  constructor(client: GuardClient) {
    this.#client = client;
  }

  async dossier(query: URLSearchParams): Promise<Dossier> {
    const path = `/v1/dossier?${query.toString()}`;
    return this.#client.ask({ method: 'GET', path, patience: SLOW }, readDossier);
  }

  /** The dossier with its incidents as a file. */
  async report(format: ReportFormat, query: URLSearchParams): Promise<Buffer> {
    const asked = new URLSearchParams(query);
    asked.set('format', format);
    return this.#client.file(`/v1/report?${asked.toString()}`, SLOW);
  }

  /** Last seen first. */
  async clients(): Promise<readonly ClientView[]> {
    return this.#client.ask({ method: 'GET', path: '/v1/clients' }, readClients);
  }

  async health(): Promise<HealthAnswer> {
    return this.#client.ask({ method: 'GET', path: '/v1/health' }, readHealth);
  }

  async addTunnel(body: AddTunnelCommand): Promise<Status> {
    return this.#client.ask({ method: 'POST', path: '/v1/tunnels', body, patience: SLOW }, readStatus);
  }

  async removeTunnel(name: string): Promise<Status> {
    const path = `/v1/tunnels/${encodeURIComponent(name)}`;
    return this.#client.ask({ method: 'DELETE', path, patience: SLOW }, readStatus);
  }

  /** What a configuration comes to; nothing changes. */
  async examine(body: Omit<ImportCommand, 'yes'>): Promise<ImportAnswer> {
    return this.#client.ask({ method: 'POST', path: '/v1/tunnels/import', body }, readImport);
  }

  /** What was seen to begin on the wire, the surest first; nothing changes. */
  async proposals(): Promise<readonly Proposal[]> {
    return this.#client.ask({ method: 'POST', path: '/v1/tunnels/learn', body: {} }, readProposals);
  }

  /** A yes to one of them. */
  async trust(body: Required<LearnCommand>): Promise<readonly Proposal[]> {
    const question = { method: 'POST', path: '/v1/tunnels/learn', body, patience: SLOW } as const;
    return this.#client.ask(question, readProposals);
  }

  async settings(): Promise<SettingsAnswer> {
    return this.#client.ask({ method: 'GET', path: '/v1/settings' }, readSettings);
  }

  /** Values by their name; what is wrong with them comes back as faults with their paths. */
  async change(body: Readonly<Record<string, unknown>>): Promise<Status> {
    return this.#client.ask({ method: 'PUT', path: '/v1/settings', body, patience: SLOW }, readStatus);
  }

  /** The policy file, comments and all. */
  async policyText(): Promise<Buffer> {
    return this.#client.file('/v1/policy/text');
  }

  async replacePolicy(text: string): Promise<Status> {
    const question = { method: 'PUT', path: '/v1/policy', body: { text }, patience: SLOW } as const;
    return this.#client.ask(question, readStatus);
  }

  async history(): Promise<HistoryAnswer> {
    return this.#client.ask({ method: 'GET', path: '/v1/history' }, readHistory);
  }

  /** Writes the past anew under the privacy in force. */
  async rewritePast(): Promise<HistoryAnswer> {
    return this.#client.ask({ method: 'POST', path: '/v1/history/rewrite', patience: 20 }, readHistory);
  }

  async testLamp(pattern: string): Promise<LampTestAnswer> {
    return this.#client.ask({ method: 'POST', path: '/v1/lamp/test', body: { pattern } }, readLampTest);
  }

  /** The box's clock says so when this resolves. */
  async setClock(body: ClockCommand): Promise<ClockAnswer> {
    return this.#client.ask({ method: 'POST', path: '/v1/clock', body, patience: SLOW }, readClock);
  }

  /** What runs, and what became of the last update. */
  async update(): Promise<UpdateStatus> {
    return this.#client.ask({ method: 'GET', path: '/v1/update' }, readUpdateStatus);
  }

  /** Parts in order; the one at 0 begins anew. */
  async sendUpdatePart(body: UpdatePartCommand): Promise<UpdateStatus> {
    const question = { method: 'POST', path: '/v1/update/part', body, patience: SLOW } as const;
    return this.#client.ask(question, readUpdateStatus);
  }

  /** What was sent is looked at and handed on; what is not to be installed is refused. */
  async installUpdate(): Promise<UpdateStatus> {
    const question = { method: 'POST', path: '/v1/update/install', body: {}, patience: SLOW } as const;
    return this.#client.ask(question, readUpdateStatus);
  }
}
