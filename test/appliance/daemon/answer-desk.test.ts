// In which order an answer takes effect, and that a flood of answers takes no room from other clients.

import { describe, expect, it } from 'vitest';
import { AnswerDesk } from '../../../appliance/daemon/answer-desk.ts';
import type { AnswerMeans } from '../../../appliance/daemon/answer-desk.ts';
import type { Lesson } from '../../../src/guard/observation.ts';
import type { AnsweredAddress } from '../../../src/policy/filter/answered.ts';

const frame = (id: number): Uint8Array => Uint8Array.of(id);

function lesson(address: string, id = 1, client = 'a'): Lesson {
  return { client, opened: [{ client, address, seconds: 60 }], closed: [], shown: [], frame: frame(id) };
}

interface Desk {
  readonly desk: AnswerDesk;
  readonly log: string[];
  /** The kernel takes what it was given. */
  take: () => Promise<void>;
  at: number;
}

function deskWith(change: Partial<AnswerMeans> = {}): Desk {
  const log: string[] = [];
  let taken: (() => void)[] = [];
  const list = (all: readonly AnsweredAddress[]): string =>
    all.map(({ client, address }) => `${client}:${address}`).join();
  const made: Desk = {
    desk: new AnswerDesk({
      now: () => made.at,
      tell: (opened, gone) => log.push(`tell ${list(opened)} -${list(gone)}`),
      give: async (opened) => {
        log.push(`give ${list(opened)}`);
        await new Promise<void>((resolve) => taken.push(resolve));
        log.push('given');
      },
      holds: () => true,
      handOn: ([id]) => log.push(`hand on ${String(id)}`),
      failed: (error) => {
        if (error instanceof Error) log.push(error.message);
      },
      ...change,
    }),
    log,
    at: 0,
    take: async () => {
      const now = taken;
      taken = [];
      for (const one of now) one();
      await new Promise(setImmediate);
    },
  };
  return made;
}

describe('an answer', () => {
  it('is handed on when taps were told and the kernel has it, and not before', async () => {
    const { desk, log, take } = deskWith();
    desk.take([lesson('1')]);
    await new Promise(setImmediate);
    expect(log).toEqual(['tell a:1 -', 'give a:1']);
    await take();
    expect(log).toEqual(['tell a:1 -', 'give a:1', 'given', 'hand on 1']);
  });

  it('that opens nothing is handed on at once', async () => {
    const { desk, log } = deskWith();
    desk.take([{ client: 'a', opened: [], closed: [], shown: [], frame: frame(7) }]);
    await new Promise(setImmediate);
    expect(log).toEqual(['hand on 7']);
  });

  it('that comes meanwhile goes with all that come meanwhile', async () => {
    const { desk, log, take } = deskWith();
    desk.take([lesson('1')]);
    desk.take([lesson('2', 2)]);
    desk.take([lesson('3', 3, 'b')]);
    await take();
    await take();
    expect(log).toEqual([
      ...['tell a:1 -', 'give a:1', 'given', 'hand on 1'],
      ...['tell a:2,b:3 -', 'give a:2,b:3', 'given', 'hand on 2', 'hand on 3'],
    ]);
  });

  it('is handed on by nobody where the kernel does so itself, or would not take it', async () => {
    const watching = deskWith({ holds: () => false });
    watching.desk.take([lesson('1')]);
    await watching.take();
    expect(watching.log.at(-1)).toBe('given');
    const refused = deskWith({ give: () => Promise.reject(new Error('no')) });
    refused.desk.take([lesson('1')]);
    await new Promise(setImmediate);
    expect(refused.log).toEqual(['tell a:1 -', 'no']);
    refused.desk.take([{ client: 'a', opened: [], closed: [], shown: [], frame: frame(9) }]);
    await new Promise(setImmediate);
    expect(refused.log.at(-1)).toBe('hand on 9');
  });
});

describe('what is open', () => {
  it('ends with its time, and lasts as long as its longest answer', () => {
    const made = deskWith();
    made.desk.restore([{ client: 'a', address: '1', seconds: 100 }]);
    made.desk.restore([{ client: 'a', address: '1', seconds: 60 }]);
    expect(made.desk.table).toEqual([{ client: 'a', address: '1', seconds: 100 }]);
    made.at = 99_500;
    expect(made.desk.table).toEqual([{ client: 'a', address: '1', seconds: 1 }]);
    made.at = 100_000;
    expect(made.desk.table).toEqual([]);
  });

  it('is bounded: who has most gives its oldest, which is closed, told and counted', async () => {
    const made = deskWith({ give: () => Promise.resolve() });
    made.desk.take([lesson('quiet', 1, 'b')]);
    await new Promise(setImmediate);
    for (let at = 0; at < 5_000; at += 50) {
      made.desk.take(Array.from({ length: 50 }, (_, one) => lesson(String(at + one))));
      await new Promise(setImmediate);
    }
    const { table, closedEarly } = made.desk;
    expect(table).toHaveLength(4_096);
    expect(closedEarly).toBe(5_001 - 4_096);
    expect(table.some(({ client }) => client === 'b')).toBe(true);
    expect(made.log.some((line) => line.startsWith('tell ') && line.endsWith(',a:4'))).toBe(true);
  });

  it('of answers that wait there are so many, and the rest is counted', async () => {
    const { desk, log, take } = deskWith();
    desk.take([lesson('0')]);
    desk.take(Array.from({ length: 600 }, (_, at) => lesson(String(at))));
    expect(desk.notGiven).toBe(600 - 512);
    await take();
    await take();
    expect(log.filter((line) => line.startsWith('hand on'))).toHaveLength(513);
  });
});
