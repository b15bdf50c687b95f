// How soon news goes out, by a clock of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Publisher } from '../../../appliance/daemon/publisher.ts';
import { IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import type { Incident } from '../../../src/guard/incidents/incidents.ts';
import type { AllowedView, GuardEvent, Status } from '../../../src/api/status.ts';
import { someAllowed } from '../../guard-peer.ts';
import { leak, observation } from '../../guard/samples.ts';

const STATUS = { counters: {}, tunnels: [], health: { taps: [], warnings: [] } } as unknown as Status;
/** As the daemon's: it asks for news, whether there is any or not. */
const TICK_MS = 100;

/** What it is told when it asks; a test may change it. */
let status = STATUS;
let told: { readonly at: number; readonly event: GuardEvent['event'] }[];
let publisher: Publisher;
let ticks: NodeJS.Timeout;
beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  told = [];
  status = STATUS;
  publisher = new Publisher(
    () => status,
    ({ event }) => told.push({ at: Date.now(), event }),
  );
  publisher.news();
  ticks = setInterval(() => {
    publisher.news();
  }, TICK_MS);
  vi.advanceTimersByTime(10 * TICK_MS);
  told = [];
});
afterEach(() => {
  clearInterval(ticks);
  publisher.close();
  vi.useRealTimers();
});

let books = 0;
function incident(): Incident {
  const book = new IncidentBook(1, `b${(books += 1)}`);
  return book.attempt(observation({ verdict: leak('bank.example') }), { wall: 1, monotonic: 1 });
}
const times = (): number[] => {
  const [first] = told;
  return [...new Set(told.map(({ at }) => at - (first?.at ?? 0)))];
};

describe('news', () => {
  it('is another place that the profile lets traffic go to, and not each frame that goes there', () => {
    const went = (changes: Partial<AllowedView>): void => {
      status = { ...STATUS, allowed: someAllowed(changes) };
      vi.advanceTimersByTime(5 * TICK_MS);
    };
    went({});
    expect(told.map(({ event }) => event)).toEqual(['status']);
    went({ frames: 99_999, connections: 4_000 });
    expect(told).toHaveLength(1);
    went({ more: 1 });
    expect(told.map(({ event }) => event)).toEqual(['status', 'status']);
  });

  it('goes out at once after a silence, and what follows on its heels within ten milliseconds', () => {
    for (let n = 0; n < 3; n += 1) {
      told = [];
      publisher.news([incident()]);
      vi.advanceTimersByTime(3);
      publisher.news([incident()]);
      vi.advanceTimersByTime(5 * TICK_MS);
      expect(times()).toEqual([0, 10]);
    }
  });

  it('goes out ten times a second while it does not end', () => {
    for (let ms = 0; ms < 10_000; ms += 1) {
      publisher.news([incident()]);
      vi.advanceTimersByTime(1);
    }
    expect(times().slice(0, 5)).toEqual([0, 10, 30, 70, 150]);
    expect(times().length).toBeGreaterThan(95);
    expect(times().length).toBeLessThan(110);
  });
});
