// The local API as its clients see it: a real HTTP server on a real Unix socket. A double of the peer only: it says what a test tells it to
// say, keeps what it was asked, and can fall silent or break off.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { outcomeOf } from '../src/api/shown.ts';
import type { FramesAnswer } from '../src/api/past.ts';
import type { AllowedView, GuardEvent, IncidentView, Status } from '../src/api/status.ts';
import type { ApiErrorBody } from '../src/api/refusal.ts';
import { timelineOf } from '../src/guard/history/timeline.ts';
import type { StateChange, TallyAt } from '../src/guard/history/timeline.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export function anIncident(changes: Partial<IncidentView> = {}): IncidentView {
  return {
    ...{ id: 'i1', rule: 'A', kind: 'dns', severity: 'red', client: '02:00:00:00:00:0c' },
    ...{ exposure: 'host0.leak.example', destination: '203.0.113.53' },
    ...{ attempted: 1, escaped: 1, blocked: 0, acknowledged: false, breach: false },
    ...{ first: '2026-03-01T10:00:00.000Z', last: '2026-03-01T10:00:00.000Z' },
    why: 'A DNS query for host0.leak.example went to 203.0.113.53 in the clear.',
    ...changes,
  };
}

/** What a profile has let go direct: a visit with a name, and one without. */
export function someAllowed(changes: Partial<AllowedView> = {}): AllowedView {
  const row = { client: '02:00:00:00:00:0c', transport: 'tcp', port: 443, kind: 'tls' } as const;
  return {
    ...{ since: '2026-03-01T09:00:00.000Z', connections: 1_305, frames: 20_417, more: 0 },
    rows: [
      {
        ...{ ...row, destination: '203.0.113.5', name: 'news.example', connections: 1_304, frames: 20_400 },
        ...{ first: '2026-03-01T09:01:00.000Z', last: '2026-03-01T10:00:00.000Z' },
      },
      {
        ...{ ...row, destination: '203.0.113.80', name: '', connections: 1, frames: 17 },
        ...{ first: '2026-03-01T09:00:30.000Z', last: '2026-03-01T09:00:31.000Z' },
      },
    ],
    ...changes,
  };
}

export function aStatus(changes: Partial<Status> = {}): Status {
  return openOf({
    ...{ state: 'clear', lamp: 'green', why: 'Tunnel home is up and nothing has left outside it.' },
    ...{ since: '2026-03-01T09:00:00.000Z', blockMode: false, profile: 'full-tunnel' },
    tunnels: [
      {
        ...{ name: 'home', protocol: 'wireguard', endpoint: 'udp:198.51.100.7:51820', state: 'up' },
        lastSeen: '2026-03-01T10:00:00.000Z',
      },
    ],
    ledger: { attempted: 0, escaped: 0, blocked: 0, unseen: 0 },
    unacknowledged: 0,
    open: { breach: 0, escaped: 0, shown: 0, minor: 0, warning: 0, blocked: 0, seen: 0 },
    incidents: [],
    counters: { tunnel: 990_000, arp: 12, dhcp: 4 },
    passUntil: null,
    health: {
      taps: [
        { port: 'lan', interface: 'lan0', state: 'up', frames: 990_016, restarts: 0, detail: '' },
        { port: 'wan', interface: 'wan0', state: 'up', frames: 990_016, restarts: 0, detail: '' },
      ],
      ruleset: { verified: true, at: '2026-03-01T10:00:00.000Z', detail: '' },
      counters: { readable: true, at: '2026-03-01T10:00:00.000Z' },
      warnings: [],
      limits: { incidentsFolded: 0, observationsFolded: 0 },
    },
    version: '0.1.0',
    ...changes,
  });
}

/** The status with its incidents counted by outcome, as the guard does. */
function openOf(status: Status): Status {
  const open = { ...status.open };
  for (const incident of status.incidents) if (!incident.acknowledged) open[outcomeOf(incident)] += 1;
  return { ...status, open };
}

export class GuardPeer {
  readonly socketPath: string;
  readonly asked: Asked[] = [];
  /** Paths and queries by which incidents were asked for. */
  readonly filters: string[] = [];
  readonly evidence = Buffer.from('0a0d0d0a00ff', 'hex');
  status: unknown = aStatus();
  frames: FramesAnswer = { privacy: 'full', frames: [] };
  /** What the timeline is made of; at times of the wall clock. */
  changes: StateChange[] = [];
  tallies: TallyAt[] = [];
  /** Answers by `METHOD /path` without its query: JSON values, and files as Buffer. Questions for them are written down too. */
  readonly answers = new Map<string, unknown>();
  /** Answers every command with this instead of doing it. */
  refusal: { status: number; body: ApiErrorBody } | undefined;
  /** Happens between a command and its answer. */
  onCommand: () => void = () => undefined;
  /** Takes requests and never answers them, as a hung process does. */
  silent = false;
  readonly #folder: string;
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #streamsChanged: () => void = () => undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.socketPath = join(folder, 'api.sock');
  }

  static async start(): Promise<GuardPeer> {
    const peer = new GuardPeer(mkdtempSync(join(tmpdir(), 'leakguard-peer-')));
    await peer.resume();
    return peer;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves as soon as so many event streams are open. */
  async haveStreams(wanted: number): Promise<void> {
    while (this.#streams.size !== wanted)
      await new Promise<void>((resolve) => {
        this.#streamsChanged = resolve;
      });
  }

  async resume(): Promise<void> {
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
  }

  /** As a daemon that was killed: the socket is gone and every stream breaks off. */
  async vanish(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.vanish();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Sets the status and tells everyone who listens. */
  say(status: Status): void {
    this.status = status;
    this.emit({ event: 'status', data: status });
  }

  emit({ event, data }: GuardEvent): void {
    this.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  write(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.silent) return;
    const [method, path] = [request.method ?? '', request.url ?? ''];
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (path === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      this.#streams.add(response);
      response.on('close', () => {
        this.#streams.delete(response);
        this.#streamsChanged();
      });
      this.#streamsChanged();
      return;
    }
    const prepared = this.answers.get(`${method} ${path.replace(/\?.*/, '')}`);
    if (method === 'GET' && prepared !== undefined) {
      this.asked.push({ method, path, body: {} });
      if (Buffer.isBuffer(prepared)) response.writeHead(200).end(prepared);
      else sendJson(response, 200, prepared);
      return;
    }
    if (method === 'GET' && path.startsWith('/v1/incidents')) {
      this.#past(path, response);
      return;
    }
    if (method === 'GET' && path.startsWith('/v1/timeline?')) {
      sendJson(response, 200, this.#timeline(new URL(path, 'http://api').searchParams));
      return;
    }
    if (method !== 'GET') {
      const sent = (body === '' ? {} : JSON.parse(body)) as { on?: boolean; id?: string; seconds?: number };
      this.asked.push({ method, path, body: sent });
      this.onCommand();
      if (this.refusal !== undefined) {
        sendJson(response, this.refusal.status, this.refusal.body);
        return;
      }
      this.#do(path, sent);
    }
    sendJson(response, 200, prepared ?? this.status);
  }

  #timeline(query: URLSearchParams): unknown {
    const [from = 0, to = 0, buckets = 0] = ['from', 'to', 'buckets'].map((name) => Number(query.get(name)));
    const within = this.tallies.filter(({ at }) => at >= from && at < to);
    return timelineOf({ from, to, buckets }, this.changes, within, Date.now());
  }

  /** The past is what the status tells; filters are only written down. */
  #past(path: string, response: ServerResponse): void {
    const { incidents } = this.status as Status;
    const [, id, part] = /^\/v1\/incidents\/([^/?]+)(\/evidence|\/frames)?/.exec(path) ?? [];
    if (id === undefined) {
      this.filters.push(path);
      sendJson(response, this.refusal?.status ?? 200, this.refusal?.body ?? { incidents });
      return;
    }
    const incident = incidents.find((one) => one.id === decodeURIComponent(id));
    const error = { code: 'no-incident', message: 'there is none', faults: [] };
    if (incident === undefined) sendJson(response, 404, { error });
    else if (part === undefined) sendJson(response, 200, incident);
    else if (part === '/frames') sendJson(response, 200, this.frames);
    else response.writeHead(200, { 'content-type': 'application/x-pcapng' }).end(this.evidence);
  }

  #do(path: string, body: { on?: boolean; id?: string; seconds?: number }): void {
    const status = this.status as Status;
    if (path === '/v1/pass') {
      const { seconds } = body;
      const passUntil = seconds === undefined ? null : new Date(Date.now() + seconds * 1000).toISOString();
      this.say({ ...status, passUntil });
    }
    if (path === '/v1/block' && body.on !== undefined) this.say({ ...status, blockMode: body.on });
    if (path !== '/v1/ack') return;
    const incidents = status.incidents.map((incident) =>
      body.id === 'all' || body.id === incident.id ? { ...incident, acknowledged: true } : incident,
    );
    this.say({ ...status, incidents, unacknowledged: incidents.filter((one) => !one.acknowledged).length });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
