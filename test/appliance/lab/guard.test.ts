// Waiting for the guard: on its events, through its death, and not forever.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { GuardClient } from '../../../appliance/lab/guard.ts';
import { aStatus, GuardPeer } from '../../guard-peer.ts';

describe('a client of the guard', () => {
  let peer: GuardPeer;
  let client: GuardClient;
  beforeEach(async () => {
    peer = await GuardPeer.start();
    client = new GuardClient(peer.socketPath);
  });
  afterEach(() => peer.stop());

  it('asks and commands', async () => {
    expect((await client.status()).state).toBe('clear');
    await client.block(true);
    await client.acknowledge();
    expect(peer.asked.slice(-2)).toEqual([
      { method: 'PUT', path: '/v1/block', body: { on: true } },
      { method: 'POST', path: '/v1/ack', body: { id: 'all' } },
    ]);
  });

  it('says what the guard refuses', async () => {
    peer.refusal = { status: 409, body: { error: { code: 'no', message: 'not now', faults: [] } } };
    await expect(client.block(true)).rejects.toMatchObject({
      code: 'guard-refused',
      message: '409 not now',
    });
  });

  it('takes no half status for one', async () => {
    peer.status = { state: 'clear' };
    await expect(client.status()).rejects.toMatchObject({ code: 'guard-refused' });
  });

  it('waits for what is announced later', async () => {
    const waiting = client.waitFor('red', ({ lamp }) => lamp === 'red', 10_000);
    await peer.haveStreams(1);
    peer.say(aStatus({ lamp: 'red', state: 'leaking' }));
    expect((await waiting).state).toBe('leaking');
  });

  it('outlasts a guard that dies and comes back', async () => {
    await peer.vanish();
    const waiting = client.waitFor('block mode', ({ blockMode }) => blockMode, 10_000);
    peer.status = aStatus({ blockMode: true });
    await peer.resume();
    expect((await waiting).blockMode).toBe(true);
  });

  it('gives up with what it saw last', async () => {
    await expect(client.waitFor('red', ({ lamp }) => lamp === 'red', 50)).rejects.toMatchObject({
      code: 'not-seen',
      message: expect.stringContaining('state clear') as string,
    });
  });

  it('watches that a promise is kept, and tells when it is broken', async () => {
    const green = ({ lamp }: { lamp: string }): boolean => lamp === 'green';
    expect(await client.breaks(green, 50)).toBeUndefined();
    const watching = client.breaks(green, 10_000);
    await peer.haveStreams(1);
    peer.say(aStatus({ lamp: 'red', state: 'leaking' }));
    expect((await watching)?.lamp).toBe('red');
  });
});
