// How leaks coalesce, settle and are acknowledged. Holds src/guard/incidents/incidents.ts.

import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/guard/incidents/incident-view.ts';
import { DEADLINE_MS, SKEW_MS } from '../../../src/guard/account/account.ts';
import type { Sight } from '../../../src/guard/account/account.ts';
import { FOLDED_EXPOSURE, IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import { leak, observation } from '../samples.ts';

const at = (monotonic: number): { wall: number; monotonic: number } => ({
  wall: 1e12 + monotonic,
  monotonic,
});

/** Both taps have read all that came before `now`, since ever. */
function sight(now: number, change: Partial<Sight> = {}): Sight {
  return { now, lanRead: now, wanRead: now, wanSince: -Infinity, dropped: () => false, ...change };
}
const BLIND = { wanRead: -Infinity, wanSince: Infinity } as const;

describe('IncidentBook', () => {
  it('joins what one client leaks of one kind, rule and exposure', () => {
    const book = new IncidentBook(10, 't');
    book.attempt(observation({ frames: 2 }), at(0));
    book.escape(observation({ frames: 2 }), at(1), false);
    book.attempt(observation({ verdict: leak('other.example') }), at(2));
    expect(book.all().map((i) => [i.exposure, i.attempted, i.escaped])).toEqual([
      ['other.example', 1, 0],
      ['bank.example', 2, 2],
    ]);
  });

  it('calls a frame stopped when both taps have read past it and wan did not see it, in any mode', () => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation({ at: 100 }), at(100));
    expect(book.settle(sight(100 + SKEW_MS - 1))).toEqual([]);
    expect(book.openSince).toBe(100);
    expect(book.settle(sight(100 + SKEW_MS))).toEqual([incident]);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 0, blocked: 1 });
    expect(book.totals).toEqual({ attempted: 1, escaped: 0, blocked: 1 });
    expect(book.openSince).toBe(Infinity);
  });

  it.each([
    ['where the kernel dropped leaks', true, { escaped: 0, blocked: 1, presumed: 1 }],
    ['where it did not', false, { escaped: 1, blocked: 0, assumed: 1 }],
  ])('without a wan tap, decides by the mode in force when the frame came: %s', (_case, drops, told) => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation({ at: 100 }), at(100));
    expect(book.settle(sight(100 + DEADLINE_MS - 1, BLIND))).toEqual([]);
    book.settle(
      sight(100 + DEADLINE_MS, {
        ...BLIND,
        dropped: (first, last) => drops && first === 100 && last === 100,
      }),
    );
    expect(incident).toMatchObject({ attempted: 1, ...told });
    // The wan tap saw it after all, only late: it must not count twice.
    book.escape(observation({ at: 101 }), at(1001), false);
    book.settle(sight(2000));
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 1, blocked: 0 });
    expect(book.totals).toEqual({ attempted: 1, escaped: 1, blocked: 0 });
  });

  it.each([
    [
      'in the form of the tunnel, which the kernel lets through',
      'up_tunnel_1',
      true,
      { escaped: 1, blocked: 0 },
    ],
    ['a fragment to the tunnel', 'up_tunnel_fragment', true, { escaped: 1, blocked: 0 }],
    ['for the tunnel in a mode without one', 'up_tunnel_1', false, { escaped: 0, blocked: 1 }],
    [
      'what a pass lets through, which stayed between two devices',
      'up_pass_tls',
      true,
      { escaped: 0, blocked: 1 },
    ],
  ])('of a leak that the wan tap did not tell of: %s', (_case, counter, crosses, told) => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation({ at: 100, counter, crosses }), at(100));
    book.settle(sight(100 + SKEW_MS));
    // No counter of the kernel knows of it as a leak: what it has let out fewer does not take that back.
    book.correctAssumed(5, 1000);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, ...told });
  });

  describe('what one tap calls a leak and the other does not, where the rules let it through', () => {
    const named = { counter: 'up_allowed_tls', crosses: true } as const;
    const other = { ...named, verdict: { ...leak('203.0.113.53'), verdict: 'allowed' as const } };

    it.each([
      ['left', { wan: [100] }, { attempted: 1, escaped: 1, blocked: 0 }],
      ['did not leave', { wan: [] }, { attempted: 1, escaped: 0, blocked: 1 }],
      ['is not what left at another time', { wan: [300] }, { attempted: 1, escaped: 0, blocked: 1 }],
      ['is not what lan calls harmless as well', { wan: [101], lan: [101] }, { escaped: 0, blocked: 1 }],
      ['left beside what lan calls harmless', { wan: [100, 101], lan: [101] }, { escaped: 1, blocked: 0 }],
    ])('to lan: it %s', (_case, { wan, lan = [] }: { wan: number[]; lan?: number[] }, told) => {
      const book = new IncidentBook(10, 't');
      const incident = book.attempt(observation({ ...named, at: 100 }), at(100));
      for (const time of lan) book.harmless('lan', observation({ ...other, at: time }));
      for (const time of wan) book.harmless('wan', observation({ ...other, at: time }));
      book.settle(sight(200));
      expect(viewOf(incident)).toMatchObject(told);
    });

    it('to wan: it came, and the lan tap has missed nothing', () => {
      const book = new IncidentBook(10, 't');
      const incident = book.escape(observation({ ...named, at: 100 }), at(100), false);
      book.harmless('lan', observation({ ...other, at: 100 }));
      book.settle(sight(200));
      expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 1, blocked: 0 });
      expect(book.inferred).toEqual([]);
    });
  });

  it('does not take a new escape for an old one that was given up on', () => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation({ at: 100 }), at(100));
    book.settle(sight(1000, BLIND));
    book.attempt(observation({ at: 5000 }), at(5000));
    book.escape(observation({ at: 5000 }), at(5000), false);
    book.settle(sight(6000));
    expect(viewOf(incident)).toMatchObject({ attempted: 2, escaped: 2, blocked: 0 });
  });

  it('settles frames that go on and on slice by slice, and keeps the sum over a change of mode', () => {
    const book = new IncidentBook(10, 't');
    for (let ms = 0; ms < 2_000; ms += 100) {
      const incident = book.attempt(observation({ at: ms }), at(ms));
      if (ms >= 1_000) book.escape(observation({ at: ms }), at(ms), false);
      book.settle(sight(ms + 50));
      expect(incident.blocked).toBe(Math.min(10, ms / 100 + 1));
    }
    expect(book.totals).toEqual({ attempted: 20, escaped: 10, blocked: 10 });
  });

  it('has an attempt for every escape: one that the lan tap missed is inferred', () => {
    const book = new IncidentBook(10, 't');
    book.escape(observation({ at: 10, frames: 3 }), at(10), false);
    book.settle(sight(100, { lanRead: -Infinity }));
    expect(book.totals).toEqual({ attempted: 0, escaped: 3, blocked: 0 });
    book.settle(sight(100));
    expect(book.totals).toEqual({ attempted: 3, escaped: 3, blocked: 0 });
    expect(book.inferred).toMatchObject([{ counter: 'up_leak_dns', frames: 3, last: 10 }]);
  });

  it('joins what the taps call by different names but the kernel by one', () => {
    const book = new IncidentBook(10, 't');
    const tried = book.attempt(observation({ at: 10, frames: 3 }), at(10));
    const seen = book.escape(
      observation({ kind: 'udp', at: 10, verdict: leak('other.example') }),
      at(10),
      false,
    );
    expect(seen).not.toBe(tried);
    book.settle(sight(100));
    expect(viewOf(seen)).toMatchObject({ attempted: 1, escaped: 1, blocked: 0 });
    expect(viewOf(tried)).toMatchObject({ attempted: 2, escaped: 0, blocked: 2 });
    expect(book.inferred).toEqual([]);
  });

  it('hides nothing red behind what was amber, acknowledged or not', () => {
    const book = new IncidentBook(10, 't');
    const amber = book.attempt(observation({ verdict: leak('x', { severity: 'amber' }) }), at(0));
    expect(book.attempt(observation({ verdict: leak('x') }), at(1))).toBe(amber);
    expect(amber.severity).toBe('red');
    const accepted = book.attempt(observation({ verdict: leak('y', { severity: 'amber' }) }), at(2));
    book.acknowledge('all');
    const red = book.attempt(observation({ verdict: leak('y') }), at(3));
    expect(red).not.toBe(accepted);
    expect(red).toMatchObject({ severity: 'red', acknowledged: false });
  });

  it('tells of a breach even where minor leaks were acknowledged', () => {
    const book = new IncidentBook(10, 't');
    book.attempt(observation({ verdict: leak('x', { severity: 'amber' }) }), at(0));
    book.acknowledge('all');
    const breach = book.escape(observation({ verdict: leak('x', { severity: 'amber' }) }), at(1), true);
    expect(breach).toMatchObject({ breach: true, acknowledged: false });
  });

  it('is bounded under a flood of client addresses', () => {
    const book = new IncidentBook(10, 't');
    for (let client = 1; client < 200; client += 1)
      book.attempt({ ...observation({ folded: client % 2 === 0 }), client }, at(client));
    expect(book.all().length).toBeLessThan(20);
    expect(book.totals.attempted).toBe(199);
  });

  it('opens a new incident after a red one was acknowledged, and keeps an amber one closed', () => {
    const book = new IncidentBook(10, 't');
    const red = book.attempt(observation(), at(0));
    const amberVerdict = leak('_ipp._tcp.local', { severity: 'amber' });
    const amber = book.attempt(observation({ kind: 'mdns', verdict: amberVerdict }), at(0));
    expect(book.acknowledge('nobody')).toBe(false);
    expect(book.acknowledge('all')).toBe(true);
    expect(book.attempt(observation(), at(5)).id).not.toBe(red.id);
    const again = book.attempt(observation({ kind: 'mdns', verdict: amberVerdict }), at(5));
    expect(again.id).toBe(amber.id);
    expect(again.acknowledged).toBe(true);
  });

  it('gives the frames that open a connection to the name it then asks for', () => {
    const book = new IncidentBook(10, 't');
    const opening = observation({ verdict: leak('203.0.113.53'), frames: 2 });
    const incident = book.attempt(opening, at(0));
    expect(incident.exposure).toBe('203.0.113.53');
    expect(book.attempt(observation(), at(1))).toBe(incident);
    expect(book.attempt(opening, at(2))).toBe(incident);
    expect(viewOf(incident)).toMatchObject({ exposure: 'bank.example', attempted: 5 });
    const other = book.attempt(observation({ verdict: leak('other.example') }), at(3));
    expect(other).not.toBe(incident);
    expect(book.attempt(opening, at(4))).toBe(other);
    book.acknowledge('all');
    expect(viewOf(book.attempt(opening, at(5)))).toMatchObject({ exposure: '203.0.113.53', attempted: 2 });
  });

  it('stays bounded: drops what was seen by someone first, then folds, and counts every frame', () => {
    const book = new IncidentBook(3, 't');
    const first = book.attempt(observation({ verdict: leak('0.example') }), at(0));
    book.settle(sight(DEADLINE_MS));
    book.acknowledge(first.id);
    for (let n = 1; n <= 50; n += 1)
      book.attempt(observation({ verdict: leak(`${String(n)}.example`) }), at(DEADLINE_MS + n));
    expect(book.get(first.id)).toBeUndefined();
    expect(book.all().length).toBe(3);
    expect(book.all().map(({ exposure, attempted }) => [exposure, attempted])).toEqual([
      ['50.example', 1],
      ['49.example', 1],
      [FOLDED_EXPOSURE, 48],
    ]);
    expect(book.folded).toBe(48);
    expect(book.totals.attempted).toBe(51);
  });
});
