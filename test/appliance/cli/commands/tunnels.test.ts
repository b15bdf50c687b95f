// What `leakguard tunnels` says and asks for. Holds appliance/cli/commands/tunnels.ts.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { statusCommand } from '../../../../appliance/cli/commands/status.ts';
import { tunnelsCommand } from '../../../../appliance/cli/commands/tunnels.ts';
import type { TunnelView } from '../../../../src/api/status.ts';
import { aStatus, GuardPeer } from '../../../guard-peer.ts';
import { runCommand } from '../command-run.ts';

let peer: GuardPeer;
beforeEach(async () => {
  peer = await GuardPeer.start();
});
afterEach(() => peer.stop());

const run = (...args: string[]) =>
  runCommand([statusCommand, tunnelsCommand], [...args, '--api', peer.socketPath]);

const [A, B, C] = ['udp:198.51.100.7:51820', 'udp:198.51.100.8:51820', 'udp:198.51.100.9:51820'];
const HOME: TunnelView = {
  ...{
    name: 'home',
    protocol: 'wireguard',
    endpoint: A,
    server: '198.51.100.7',
    endpoints: 3,
    state: 'quiet',
  },
  lastSeen: '2026-03-01T10:00:00.000Z',
  servers: [
    { endpoint: A, server: '198.51.100.7', lastSeen: '2026-03-01T10:00:00.000Z' },
    { endpoint: B, server: '198.51.100.8', lastSeen: '2026-02-27T10:00:00.000Z' },
    { endpoint: C, server: null, lastSeen: null },
  ],
};
const status = aStatus({ tunnels: [HOME] });
const EXISTS = {
  status: 409,
  body: {
    error: {
      code: 'exists',
      message: 'there is already a tunnel "home" (wireguard), which trusts some',
      faults: [],
    },
  },
} as const;
const changes = () => peer.asked.filter(({ method }) => method !== 'GET');

describe('every endpoint', () => {
  it.each([['tunnels', 'list'], ['status']])('is listed with its own last time by %s', async (...words) => {
    peer.status = status;
    peer.answers.set('GET /v1/tunnels', { tunnels: [HOME] });
    const { out } = await run(...words);
    for (const [endpoint, seen] of [
      [A, 'last seen 2026-03-01'],
      [B, 'last seen 2026-02-27'],
      [C, 'never seen'],
    ] as const)
      expect(out.split('\n').find((line) => line.includes(endpoint))).toContain(seen);
    expect(out).toContain('connected, quiet');
  });

  it('is in the JSON of both', async () => {
    peer.status = status;
    peer.answers.set('GET /v1/tunnels', { tunnels: [HOME] });
    expect(JSON.parse((await run('tunnels', 'list', '--json')).out)).toEqual({ tunnels: [HOME] });
    expect(JSON.parse((await run('status', '--json')).out)).toMatchObject({ tunnels: [HOME] });
  });

  it('is removed on its own, and it is said whom the tunnel trusts now', async () => {
    const path = `/v1/tunnels/home/endpoints/${encodeURIComponent(B)}`;
    peer.answers.set(
      `DELETE ${path}`,
      aStatus({ tunnels: [{ ...HOME, servers: HOME.servers?.slice(0, 1) ?? [], endpoints: 1 }] }),
    );
    const { code, out } = await run('tunnels', 'remove', 'home', B);
    expect([code, out]).toEqual([0, `${B} is no longer trusted.\nhome now trusts ${A}.\n`]);
    expect(changes()).toMatchObject([{ method: 'DELETE', path }]);
  });
});

describe('a name that exists', () => {
  const file = (): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'leakguard-')), 'home.conf');
    writeFileSync(path, '[Peer]\nEndpoint = 198.51.100.9:51820\n');
    return path;
  };
  const WAYS: readonly (readonly [string, () => readonly string[], string])[] = [
    ['import', () => ['import', file(), '--yes'], 'POST /v1/tunnels/import'],
    ['add', () => ['add', 'home', 'wireguard', C], 'POST /v1/tunnels'],
    ['learn', () => ['learn', C, '--yes', '--name', 'home'], 'POST /v1/tunnels/learn'],
  ];

  it.each(WAYS)('is refused without a terminal: %s', async (way, words) => {
    if (way === 'learn') peer.answers.set('POST /v1/tunnels/learn', { proposals: [], added: false });
    else peer.refusal = EXISTS;
    const { code, err } = await run('tunnels', ...words());
    // Of `learn` the first request only lists; the peer refuses all of them or none.
    if (way === 'learn') expect(code).toBe(0);
    else {
      expect(code).toBe(2);
      expect(err).toContain('There is already a tunnel "home"');
      for (const word of ['--add', '--replace', '--name']) expect(err).toContain(word);
    }
  });

  it.each(
    WAYS.flatMap((way) => (['add', 'replace'] as const).map((existing) => [...way, existing] as const)),
  )(
    'is changed as the flag says, and it is said what is trusted now: %s',
    async (_way, words, question, existing) => {
      const proposal = { name: 'home', protocol: 'wireguard', endpoints: [C] };
      peer.answers.set('POST /v1/tunnels/import', { proposal, unused: [], added: true, status });
      peer.answers.set('POST /v1/tunnels', status);
      peer.answers.set('POST /v1/tunnels/learn', { proposals: [], added: true, status });
      const { code, out } = await run('tunnels', ...words(), `--${existing}`);
      expect(code).toBe(0);
      expect(out).toContain(`home now trusts ${A}, ${B}, ${C}.`);
      expect(`${peer.asked.at(-1)?.method ?? ''} ${peer.asked.at(-1)?.path ?? ''}`).toBe(question);
      expect(peer.asked.at(-1)?.body).toMatchObject({ existing });
    },
  );

  it('is shown with what it trusts before anything is changed', async () => {
    const proposal = { name: 'home', protocol: 'wireguard', endpoints: [C] };
    const existing = { protocol: 'wireguard', endpoints: [A, B] };
    peer.answers.set('POST /v1/tunnels/import', { proposal, existing, unused: [], added: false });
    const { out } = await run('tunnels', 'import', file());
    expect(out).toContain(`there is already a tunnel home (wireguard), which trusts ${A}, ${B}`);
    expect(out).toContain('Nothing was changed.');
    expect(changes()).toHaveLength(1);
  });

  it('takes one of the two flags', async () => {
    expect(await run('tunnels', 'add', 'home', 'wireguard', C, '--add', '--replace')).toMatchObject({
      code: 2,
    });
    expect(peer.asked).toEqual([]);
  });
});
