// Knows: how leaks coalesce, settle and are acknowledged. Holds src/guard/incidents.ts to DESIGN section 1.

import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/guard/incident-view.ts';
import { FOLDED_EXPOSURE, IncidentBook, SETTLE_MS } from '../../src/guard/incidents.ts';
import { leak, observation } from './samples.ts';

const at = (monotonic: number): { wall: number; monotonic: number } => ({
  wall: 1e12 + monotonic,
  monotonic,
});

describe('IncidentBook', () => {
  it('joins what one client leaks of one kind, rule and exposure', () => {
    const book = new IncidentBook(10, 't');
    book.attempt(observation({ frames: 2 }), at(0));
    book.escape(observation({ frames: 2 }), at(1), false);
    book.attempt(observation({ verdict: leak('other.example') }), at(2));
    expect(book.newest(9).map((i) => [i.exposure, i.attempted, i.escaped])).toEqual([
      ['other.example', 1, 0],
      ['bank.example', 2, 2],
    ]);
  });

  it('counts a missing frame as blocked only when the kernel dropped leaks since before the attempt', () => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation(), at(100));
    expect(book.settle(at(100 + SETTLE_MS - 1), 50)).toEqual([]);
    expect(book.settle(at(100 + SETTLE_MS), 50)).toEqual([incident]);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 0, blocked: 1 });
    expect(book.totals).toEqual({ attempted: 1, escaped: 0, blocked: 1 });
  });

  it.each([
    ['watch mode', undefined],
    ['block mode that came after the attempt', 150],
  ])('counts a missing frame as escaped in %s', (_case, enforcingSince) => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation(), at(100));
    book.settle(at(1000), enforcingSince);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 1, blocked: 0 });
    // The wan tap saw it after all, only late: it must not count twice.
    book.escape(observation(), at(1001), false);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 1 });
    expect(book.totals.escaped).toBe(1);
  });

  it('takes back a block that turns out to be an escape', () => {
    const book = new IncidentBook(10, 't');
    const incident = book.attempt(observation(), at(0));
    book.settle(at(1000), 0);
    book.escape(observation(), at(1001), true);
    book.settle(at(3000), 0);
    expect(viewOf(incident)).toMatchObject({ attempted: 1, escaped: 1, blocked: 0, breach: true });
    expect(book.totals).toEqual({ attempted: 1, escaped: 1, blocked: 0 });
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
    expect(book.size).toBeLessThan(20);
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
    book.settle(at(SETTLE_MS), 0);
    book.acknowledge(first.id);
    for (let n = 1; n <= 50; n += 1)
      book.attempt(observation({ verdict: leak(`${String(n)}.example`) }), at(SETTLE_MS + n));
    expect(book.get(first.id)).toBeUndefined();
    expect(book.size).toBe(3);
    expect(book.all().map(({ exposure, attempted }) => [exposure, attempted])).toEqual([
      ['50.example', 1],
      ['49.example', 1],
      [FOLDED_EXPOSURE, 48],
    ]);
    expect(book.folded).toBe(48);
    expect(book.totals.attempted).toBe(51);
  });
});
