// What a guard may answer about the box: settings, devices, health, proposals, the dossier; usual, and at its longest.

import type { ClientView, Dossier, HistoryAnswer } from '../src/api/past.ts';
import type { HealthAnswer, ImportAnswer, Proposal, SettingsAnswer, UpdateStatus } from '../src/api/box.ts';
import { aStatus, someAllowed } from './guard-peer.ts';
import type { GuardPeer } from './guard-peer.ts';

const TIMES = { first: '2026-03-01T09:12:00.000Z', last: '2026-03-01T10:00:00.000Z' } as const;

export function someSettings(changes: Partial<SettingsAnswer> = {}): SettingsAnswer {
  return {
    ...{ profile: 'full-tunnel', mustTunnel: [], direct: 'any', resolvers: [], proxies: [] },
    allow: [{ to: '192.0.2.0/24', transport: 'tcp', port: 631, client: '02:00:00:00:00:0c', why: 'printer' }],
    ...{ localChatter: 'amber', privacy: 'full', privacyKey: 'disk', retentionDays: 30, lamp: 'file' },
    management: { address: 'dhcp', hostname: 'leakguard', ssh: false },
    ...changes,
  };
}

export function aClient(changes: Partial<ClientView> = {}): ClientView {
  return {
    ...{ id: '02:00:00:00:00:0c', vendor: null, randomised: true, hostName: 'annas-laptop' },
    ...{ vendorClass: 'MSFT 5.0', fingerprint: null, account: null, previousAddresses: ['10.1.2.3'] },
    ...{ addresses: ['192.168.77.100', 'fd77::ff:fe00:770c'], ...TIMES },
    ...changes,
  };
}

function aProposal(changes: Partial<Proposal> = {}): Proposal {
  return {
    ...{ protocol: 'wireguard', endpoint: 'udp:203.0.113.9:51820', confidence: 0.95 },
    ...{ why: 'WireGuard: a handshake that was answered', seen: TIMES.last, frames: 14 },
    ...changes,
  };
}

const site = (name: string, asked: number, visited: number): Dossier['sites'][number] => ({
  ...{
    site: name,
    asked,
    visited,
    words: `asked ${asked} times, visited ${visited} times`,
    clients: ['02:00:00:00:00:0c'],
    ...TIMES,
  },
});

export function aDossier(changes: Partial<Dossier> = {}): Dossier {
  return {
    ...{ from: '2026-02-28T10:00:00.000Z', to: TIMES.last, privacy: 'full', escaped: 1204, blocked: 37 },
    sites: [site('bank.example', 4, 12), site('clinic.example', 2, 0)],
    destinations: [site('203.0.113.80', 0, 3)],
    devices: [
      aClient(),
      aClient({ id: '00:16:3e:00:00:01', randomised: false, vendor: 'Xensource', hostName: null }),
    ],
    tunnels: [
      {
        name: 'home',
        protocol: 'wireguard',
        endpoint: 'udp:198.51.100.7:51820',
        network: null,
        country: 'NL',
        operator: null,
      },
    ],
    ...{ gaps: [], conclusions: [], truncated: false },
    ...changes,
  };
}

export function someHealth(changes: Partial<HealthAnswer> = {}): HealthAnswer {
  const port = { present: true, up: true, carrier: true, offloads: [], dropped: 0 };
  return {
    guard: aStatus().health,
    machine: {
      ...{ load: [0.31, 0.22, 0.1], processors: 4, temperature: 51.6, uptime: 273_600 },
      memory: { total: 1_012_000_000, available: 640_000_000 },
      disk: { total: 31_000_000_000, available: 27_400_000_000 },
      throttling: { now: [], before: [] },
      clock: { now: TIMES.last, kept: false },
    },
    ports: [
      { port: 'lan', name: 'lan0', speed: 1000, ...port },
      { port: 'wan', name: 'wan0', speed: 100, ...port },
      { port: 'bridge', name: 'br0', speed: null, ...port },
    ],
    ...{ at: TIMES.last, timeSource: 'owner' },
    ...changes,
  };
}

export function anUpdate(changes: Partial<UpdateStatus> = {}): UpdateStatus {
  const nothing = { stage: 'none', version: '', why: 'nothing was ever updated' } as const;
  return { running: '0.1.0', ...nothing, wayBack: true, received: 0, ...changes };
}

const AN_IMPORT: ImportAnswer = {
  proposal: { name: 'hotel', protocol: 'wireguard', endpoints: ['udp:203.0.113.9:51820'] },
  unused: [{ line: 3, why: '"Color" is not a setting of this section' }],
  added: false,
};

const history: HistoryAnswer = { privacy: 'full', laxerPast: 0 };

/** A box in good order. */
export function prepareBox(peer: GuardPeer): void {
  const answers: Readonly<Record<string, unknown>> = {
    'GET /v1/settings': someSettings(),
    'GET /v1/history': history,
    'GET /v1/clients': { clients: [aClient()] },
    'GET /v1/health': someHealth(),
    'GET /v1/dossier': aDossier(),
    'GET /v1/update': anUpdate(),
    'POST /v1/update/part': anUpdate(),
    'POST /v1/update/install': anUpdate(),
    'GET /v1/report': Buffer.from('a report'),
    'GET /v1/policy/text': Buffer.from('# mine\nversion: 1\n'),
    'POST /v1/tunnels/learn': { proposals: [aProposal()], added: false },
    'POST /v1/tunnels/import': { ...AN_IMPORT, added: false },
    'POST /v1/history/rewrite': history,
    'POST /v1/lamp/test': { pattern: 'red', seconds: 7 },
    'POST /v1/clock': { now: TIMES.last },
  };
  for (const [question, answer] of Object.entries(answers)) peer.answers.set(question, answer);
}

/** The same with everything as long and as much as it comes, and nothing well. */
export function serverGroupBox(peer: GuardPeer): void {
  prepareBox(peer);
  const label = 'a'.repeat(63);
  const name = [label, label, label, 'x'.repeat(58)].join('.');
  const clients = Array.from({ length: 16 }, (_, at) => `02:00:00:00:01:${String(at).padStart(2, '0')}`);
  const sites = Array.from({ length: 230 }, (_, at) => ({
    ...site(`${String(at)}.${name}`.slice(0, 253), 1e12, 1e12),
    clients,
  }));
  const long = aClient({
    hostName: name,
    vendorClass: name,
    fingerprint: name,
    account: name,
    previousAddresses: clients,
    addresses: clients,
  });
  const rule = { to: '2001:db8:5:6:7:8::/96', transport: 'tcp', port: 65535, client: '02:00:00:00:00:0c' };
  const { guard, machine, ports } = someHealth();
  const crowded: Readonly<Record<string, unknown>> = {
    'GET /v1/settings': someSettings({
      ...{ profile: 'split', mustTunnel: sites.slice(0, 40).map((one) => one.site) },
      allow: Array.from({ length: 5 }, () => ({ ...rule, why: name.slice(0, 200) })),
      management: { address: '192.168.178.222/24', hostname: name, ssh: true },
    }),
    'GET /v1/history': { privacy: 'minimal', laxerPast: 1_234_567 },
    'GET /v1/update': anUpdate({ stage: 'failed', version: '1.2.3~'.repeat(9), why: name }),
    'GET /v1/clients': {
      clients: [long, aClient({ hostName: null, vendorClass: null, previousAddresses: [] })],
    },
    'GET /v1/dossier': aDossier({
      ...{ sites, destinations: sites, escaped: 1e12, truncated: true },
      devices: [long],
      allowed: someAllowed({
        ...{ connections: 1e12, frames: 1e12, more: 1e6 },
        rows: someAllowed().rows.map((row) => ({
          ...row,
          name,
          frames: 1e12,
          client: `h-${'f'.repeat(20)}`,
        })),
      }),
    }),
    'GET /v1/health': someHealth({
      guard: {
        ...guard,
        warnings: [name, 'The LED cannot be used.'],
        ruleset: { verified: false, at: null, detail: name },
      },
      machine: {
        ...machine,
        load: [99, 99, 99],
        memory: { total: 1e9, available: 1e6 },
        disk: null,
        temperature: 91,
        throttling: { now: ['weak supply', 'slowed'], before: ['weak supply'] },
      },
      ports: ports.map((port) => ({
        ...port,
        carrier: false,
        speed: null,
        offloads: ['generic-receive-offload', 'tcp-segmentation-offload'],
        dropped: 1e12,
      })),
    }),
    'POST /v1/tunnels/learn': {
      proposals: Array.from({ length: 32 }, (_, at) =>
        aProposal({
          endpoint: `udp:[2001:db8:1:2:3:4:5:${at.toString(16)}]:51820`,
          confidence: at / 32,
          why: name,
        }),
      ),
      added: false,
    },
  };
  for (const [question, answer] of Object.entries(crowded)) peer.answers.set(question, answer);
}
