// The guard as a whole, from reports to status. Holds src/guard/guard.ts to README.md, What it guarantees.

import { describe, expect, it } from 'vitest';
import { Guard } from '../../src/guard/guard.ts';
import { HOME, leak, observation, report } from './samples.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Verdict } from '../../src/policy/verdict.ts';
import { SPLIT, STUB, STUB_SHUT } from '../policy/policies.ts';

/** A guard for which everything is verified, and a clock that the test moves. */
function watching(policy: Policy = HOME): {
  guard: Guard;
  clock: { ms: number };
  look: (leaks?: number, passed?: number, read?: number, left?: number) => void;
} {
  const clock = { ms: 1_000_000 };
  const guard = new Guard(policy, {
    now: () => ({ wall: 1.7e12 + clock.ms, monotonic: clock.ms }),
    version: '0',
    idPrefix: 't',
  });
  guard.tap('lan', 'up', 'reading');
  guard.tap('wan', 'up', 'reading');
  let tunnel = 0;
  /** The kernel has counted so many leaks, has let so many out; the lan tap has read so many, the wan tap so many of those that left. */
  const look = (leaks = 0, passed = 0, read = leaks, left = Math.min(read, passed)): void => {
    clock.ms += 10;
    tunnel += 1;
    guard.firewall({ verified: true, detail: 'equal' });
    const values = { up_leak_dns: leaks, leak_out: passed, up_tunnel_0: tunnel, down_tunnel_0: tunnel };
    guard.reading(clock.ms - 2, clock.ms - 1, new Map(Object.entries(values)));
    clock.ms += 10;
    const lan = read === 0 ? {} : { up_leak_dns: read };
    guard.report(report('lan', [], { at: clock.ms, drained: true, counts: lan }));
    guard.report(
      report('wan', [], { at: clock.ms, drained: true, counts: left === 0 ? {} : { leak_out: left } }),
    );
    guard.tick();
  };
  look();
  look();
  return { guard, clock, look };
}

describe('Guard', () => {
  it('is clear only when taps read, rules are verified, counters are read and the tunnel is up', () => {
    expect(watching().guard.status()).toMatchObject({ state: 'clear', lamp: 'green' });
  });

  it.each([
    [
      'a tap goes',
      (guard: Guard) => {
        guard.tap('wan', 'restarting', 'SIGABRT');
      },
    ],
    [
      'rules differ',
      (guard: Guard) => {
        guard.firewall({ verified: false, detail: 'chain up is missing' });
      },
    ],
  ])('is blind as soon as %s', (_case, change) => {
    const { guard } = watching();
    change(guard);
    expect(guard.status()).toMatchObject({ state: 'blind', lamp: 'red-flash' });
  });

  it('lists what left because the profile lets it, as wan has it, and says so where it says that nothing escapes', () => {
    const designated: Verdict = {
      ...{ verdict: 'allowed', reason: '', exposure: 'news.example', destination: '203.0.113.5' },
    };
    const verdict: Verdict = { ...designated, direct: true };
    const visit = observation({ verdict, kind: 'tls', names: ['news.example'], crosses: true, frames: 3 });
    const { guard, clock, look } = watching(STUB);
    for (const port of ['lan', 'wan'] as const) guard.report(report(port, [visit], { at: clock.ms }));
    // Allowed by name, as a resolver is, and not by the profile.
    guard.report(report('wan', [observation({ verdict: designated, crosses: true })], { at: clock.ms }));
    look();
    const { state, why, direct, allowed, ledger } = guard.status();
    expect([state, direct]).toEqual(['clear', 'any']);
    expect(why).toContain('nothing escapes it except what the profile allows to go direct');
    expect(allowed).toMatchObject({
      frames: 3,
      rows: [{ name: 'news.example', destination: '203.0.113.5' }],
    });
    expect(ledger).toMatchObject({ attempted: 0, escaped: 0 });
    expect(watching(STUB_SHUT).guard.status()).not.toHaveProperty('allowed');
    expect(watching().guard.status()).not.toHaveProperty('allowed');
  });

  it('is leaking when an answer has shown a protected name, until that is acknowledged', () => {
    const { guard, clock } = watching(SPLIT);
    const shown = [{ name: 'www.bank.example', asked: 'www.shop.example' }];
    const lessons = [{ client: '02:00:00:00:00:0c', opened: [], closed: [], shown }];
    const told = guard.report({ ...report('wan', [], { at: clock.ms }), lessons });
    expect(told).toMatchObject([
      { rule: 'B', exposure: 'www.bank.example', client: '02:00:00:00:00:0c', attempted: 0, escaped: 0 },
    ]);
    expect(guard.status()).toMatchObject({ state: 'leaking', incidents: [{ rule: 'B', severity: 'red' }] });
    guard.acknowledge('all');
    expect(guard.status().state).toBe('clear');
  });

  it('is blind when a tap has said nothing for a while', () => {
    const { guard, clock } = watching();
    clock.ms += 1_600;
    expect(guard.status().state).toBe('blind');
    expect(guard.status().why).toContain('lan0 has stopped reporting');
  });

  it('is blind when the counters have not been read for a while', () => {
    const { guard, clock } = watching();
    clock.ms += 3_100;
    expect(guard.status().state).toBe('blind');
  });

  it('shows a leak in watch mode as attempted and escaped, until it is acknowledged', () => {
    const { guard } = watching();
    guard.report(report('lan', [observation()]));
    guard.report(report('wan', [observation()]));
    const status = guard.status();
    expect(status).toMatchObject({ state: 'leaking', lamp: 'red', unacknowledged: 1 });
    expect(status.ledger).toEqual({ attempted: 1, escaped: 1, blocked: 0, unseen: 0 });
    expect(status.incidents[0]).toMatchObject({
      rule: 'A',
      kind: 'dns',
      client: '02:00:00:00:00:0c',
      escaped: 1,
    });
    expect(guard.acknowledge('all')).toBe(true);
    expect(guard.status()).toMatchObject({ state: 'clear', unacknowledged: 0 });
  });

  it('shows what block mode stopped', () => {
    const { guard, clock, look } = watching();
    guard.setBlockMode(true, true, clock.ms);
    clock.ms += 1;
    guard.report(report('lan', [observation({ at: clock.ms })]));
    look(1);
    expect(guard.status()).toMatchObject({ state: 'blocked', lamp: 'green-blip', blockMode: true });
    expect(guard.status().incidents[0]).toMatchObject({ attempted: 1, escaped: 0, blocked: 1 });
  });

  it('calls an escape a breach when it left after the rules stood, however late it is told', () => {
    const { guard, clock } = watching();
    guard.setBlockMode(true, true, clock.ms);
    const stood = clock.ms;
    clock.ms += 100;
    guard.report(report('wan', [observation({ at: stood - 1 })], { at: clock.ms }));
    expect(guard.status().state).toBe('leaking');
    guard.report(report('wan', [observation({ at: clock.ms })], { at: clock.ms }));
    expect(guard.status()).toMatchObject({ state: 'breach', lamp: 'red-flash' });
  });

  it.each([
    ['before the rules stood', false],
    ['while the rules stood', true],
  ])('of what nobody saw leave %s, found out later: a breach is %s', (_when, stood) => {
    const { guard, clock } = watching();
    const wanRead = (): void => {
      clock.ms += 20;
      guard.report(report('wan', [], { at: clock.ms, drained: true }));
      guard.tick();
    };
    const kernel = (): void => {
      clock.ms += 20;
      const values = { up_leak_dns: 1, leak_out: 1, up_tunnel_0: 3, down_tunnel_0: 3 };
      guard.reading(clock.ms - 2, clock.ms - 1, new Map(Object.entries(values)));
      wanRead();
    };
    if (stood) guard.setBlockMode(true, true, 0);
    clock.ms += 20;
    const at = clock.ms;
    const counts = { up_leak_dns: 1 };
    guard.report(report('lan', [observation({ at })], { at: at + 6, drained: true, counts }));
    wanRead();
    kernel();
    guard.setBlockMode(true, true, clock.ms);
    kernel();
    clock.ms += 1_100;
    guard.tick();
    const [incident] = guard.status().incidents;
    expect(incident).toMatchObject({ attempted: 1, escaped: 1, blocked: 0, breach: stood });
  });

  it('does not take what comes back from wan for something the laptop did', () => {
    const { guard } = watching();
    guard.report(report('wan', [observation({ direction: 'down' })]));
    expect(guard.status()).toMatchObject({ state: 'clear', incidents: [] });
  });

  it('turns red for frames that the kernel counted and no tap read', () => {
    const { guard, look } = watching();
    look(5, 5, 2);
    // Two were read by both, three by nobody.
    expect(guard.status()).toMatchObject({ state: 'leaking', ledger: { unseen: 3, escaped: 3, blocked: 0 } });
    expect(guard.status().why).toBe(
      '1 incident: 3 frames left outside the tunnel. The kernel counted them, but the box could not read them.',
    );
    guard.acknowledge('all');
    expect(guard.status().state).toBe('clear');
    look(6, 6, 2);
    expect(guard.status()).toMatchObject({ state: 'leaking', ledger: { unseen: 4 } });
  });

  it('stays calm about frames that nobody read and the kernel dropped, also after block mode', () => {
    const { guard, clock, look } = watching();
    guard.setBlockMode(true, true, clock.ms);
    look(5, 0, 0);
    expect(guard.status()).toMatchObject({ state: 'blocked', ledger: { unseen: 5, escaped: 0, blocked: 5 } });
    guard.setBlockMode(false, false, clock.ms);
    expect(guard.status()).toMatchObject({ state: 'clear', lamp: 'green' });
    // Frames that nobody read do not show that block mode was on: in watch mode the box's own forged leaks are stopped, too.
    expect(guard.status().why).toMatch(/; 1 attempt to leave .* stopped \(5 frames could not be read\)\.$/);
  });

  it('takes no surplus for credit: what a tap has seen more than the kernel is blind, and pays for no gap', () => {
    const { guard, clock, look } = watching();
    look(0, 0, 4);
    // Frames that came after the reading are no surplus: only a reading that began after the tap's count tells.
    expect(guard.status().state).toBe('clear');
    look(0, 0, 4);
    expect(guard.status()).toMatchObject({ state: 'blind', lamp: 'red-flash' });
    expect(guard.status().why).toContain('saw 4 frames that the kernel did not count');
    clock.ms += 60_000;
    look(0, 0, 4);
    look(0, 0, 4);
    expect(guard.status().state).toBe('clear');
    look(2, 2, 4, 0);
    expect(guard.status()).toMatchObject({ state: 'leaking', ledger: { unseen: 2, escaped: 2 } });
  });

  it('keeps the names that were asked for, whatever names answers show', () => {
    const { guard, clock } = watching(SPLIT);
    const leaks = Array.from({ length: 20 }, (_, at) =>
      observation({ verdict: leak(`asked${String(at)}.bank.example`, { rule: 'B' }), at: clock.ms }),
    );
    guard.report(report('lan', leaks, { at: clock.ms }));
    for (let answer = 0; answer < 500; answer += 1) {
      const shown = Array.from({ length: 4 }, (_, at) => ({
        name: `made${String(answer)}-${String(at)}.bank.example`,
        asked: 'www.shop.example',
      }));
      const lessons = [{ client: '02:00:00:00:00:0c', opened: [], closed: [], shown }];
      guard.report({ ...report('wan', [], { at: clock.ms }), lessons });
    }
    const names = guard.book.all().map(({ exposure }) => exposure);
    expect(names.filter((name) => name.startsWith('asked'))).toHaveLength(20);
  });

  it('is not blind for what came to a port that was out of the bridge, when that is whole again', () => {
    const { guard, clock, look } = watching();
    guard.bridge(['wan0 is not a port of br0']);
    look(0, 0, 4);
    look(0, 0, 4);
    expect(guard.status()).toMatchObject({
      state: 'blind',
      why: expect.stringContaining('not whole') as string,
    });
    guard.bridge([]);
    look(0, 0, 4);
    expect(guard.status().state).toBe('clear');
    // It is no credit: what the kernel counts more is unseen as ever.
    look(2, 2, 4, 0);
    expect(guard.status()).toMatchObject({ state: 'leaking', ledger: { unseen: 2 } });
    guard.acknowledge('all');
    clock.ms += 3_000;
    look(2, 2, 9);
    look(2, 2, 9);
    expect(guard.status()).toMatchObject({
      state: 'blind',
      why: expect.stringContaining('did not count') as string,
    });
  });

  it('counts what passed while the daemon was away as unseen', () => {
    const clock = { ms: 1_000 };
    const guard = new Guard(HOME, {
      now: () => ({ wall: clock.ms, monotonic: clock.ms }),
      version: '0',
      idPrefix: 't',
    });
    guard.resume(
      new Map([
        ['up_leak_dns', 10],
        ['leak_out', 4],
      ]),
    );
    guard.tap('lan', 'up', 'reading');
    guard.tap('wan', 'up', 'reading');
    guard.reading(
      clock.ms,
      clock.ms,
      new Map([
        ['up_leak_dns', 17],
        ['leak_out', 6],
      ]),
    );
    for (const port of ['lan', 'wan'] as const)
      guard.report(report(port, [], { at: clock.ms + 1, drained: true }));
    guard.tick();
    expect(guard.status().ledger).toEqual({ attempted: 7, escaped: 2, blocked: 5, unseen: 7 });
  });

  it.each([
    ['attempts', { up_leak_dns: 10, up_leak_tls: 50, leak_out: 20 }],
    ['escapes', { up_leak_dns: 10, up_leak_tls: 50, leak_out: 61 }],
    ['both', { up_leak_dns: 101, up_leak_tls: 10, leak_out: 61 }],
  ])(
    'accounts for no more than the kernel counted, though what it took over had %s too many',
    (_what, kept) => {
      const clock = { ms: 1_000 };
      const now = (): { wall: number; monotonic: number } => ({ wall: clock.ms, monotonic: clock.ms });
      const guard = new Guard(HOME, { now, version: '0', idPrefix: 't' });
      const kernel = { up_leak_dns: 100, up_leak_tls: 40, leak_out: 60, canary_lan: 0 };
      guard.resume(new Map(Object.entries({ ...kept, canary_lan: 0 })));
      for (const port of ['lan', 'wan'] as const) guard.tap(port, 'up', 'reading');
      for (let round = 0; round < 3; round += 1) {
        clock.ms += 200;
        guard.reading(clock.ms, clock.ms, new Map(Object.entries(kernel)));
        for (const port of ['lan', 'wan'] as const)
          guard.report(report(port, [], { at: clock.ms + 1, drained: true }));
        guard.tick();
      }
      const { up_leak_dns: dns = 0, up_leak_tls: tls = 0, leak_out } = guard.accounted?.counters ?? {};
      expect({ came: dns + tls, left: leak_out }).toEqual({ came: 140, left: 60 });
    },
  );

  it('is in setup while the policy names no tunnel', () => {
    const { guard } = watching({ ...HOME, tunnels: [] });
    expect(guard.status()).toMatchObject({ state: 'setup', lamp: 'amber' });
  });
});
