// What the list of allowed traffic tells, from frames counted together as a tap counts them. Holds src/guard/history/allowed.ts, and what
// of src/guard/observation.ts it rests on.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { Kind, Via } from '../../../src/flow/kinds.ts';
import { ALLOWED_MOST, AllowedTraffic, allowedBy } from '../../../src/guard/history/allowed.ts';
import { placeText } from '../../../src/api/shown.ts';
import type { AllowedView } from '../../../src/api/status.ts';
import { ObservationBatch } from '../../../src/guard/observation.ts';
import { HIDDEN, Redaction } from '../../../src/guard/history/privacy.ts';
import type { Privacy } from '../../../src/guard/history/privacy.ts';
import { parseAddress } from '../../../src/wire/ip/address.ts';
import { CLIENT } from '../samples.ts';

const STARTED = Date.parse('2026-03-01T10:00:00.000Z');
const redactionOf = (privacy: Privacy): Redaction =>
  new Redaction(privacy, (text) => Buffer.from(text).toString('hex').padEnd(20, '0'));
const FULL = redactionOf('full');

interface Frame {
  readonly to?: string;
  readonly port?: number;
  readonly kind?: Kind;
  readonly protocol?: number;
  readonly flags?: number;
  /** Shown in this very frame. */
  readonly shows?: string;
  readonly via?: Via;
  /** Shown by the same connection before. */
  readonly of?: string;
  readonly client?: number;
}

const SYN: Frame = { flags: 0x02 };
const hello = (name: string): Frame => ({ shows: name, of: name });
const data = (name: string): Frame => ({ of: name });

function factsOf({ to = '203.0.113.5', port = 443, flags = 0x18, ...frame }: Frame): ParsedPacket {
  const packet = new ParsedPacket();
  packet.kind = frame.kind ?? 'tls';
  packet.protocol = frame.protocol ?? 6;
  packet.ipVersion = 4;
  packet.destination.set(parseAddress(to)?.words ?? []);
  packet.destinationPort = packet.protocol === 1 ? -1 : port;
  packet.sourcePort = 40_000;
  packet.tcpFlags = packet.protocol === 6 ? flags : -1;
  packet.flowName = frame.of ?? '';
  if (frame.shows !== undefined)
    packet.findings = { names: [{ name: frame.shows, via: frame.via ?? 'sni' }], answers: [] };
  return packet;
}

/** A tap counts frames of `stepMs` together, and the guard takes them. */
class Wire {
  readonly #batch: ObservationBatch;
  readonly #traffic = new AllowedTraffic();
  #redaction: Redaction;
  #at = 0;

  constructor(redaction = FULL, limit = 512) {
    this.#redaction = redaction;
    this.#batch = new ObservationBatch(limit);
  }

  carry(...frames: readonly Frame[]): this {
    for (const frame of frames) {
      const packet = factsOf(frame);
      const destination = frame.to ?? '203.0.113.5';
      const exposure = frame.shows ?? frame.of ?? destination;
      const verdict = { verdict: 'allowed', reason: '', exposure, destination, direct: true } as const;
      this.#batch.add(
        packet,
        { verdict, direction: 'up', crosses: true, counter: 'up_allowed_tls' },
        frame.client ?? CLIENT,
        this.#at,
      );
    }
    return this;
  }

  tell(redaction = this.#redaction): this {
    this.#redaction = redaction;
    const now = { wall: STARTED + this.#at, monotonic: this.#at };
    for (const observation of this.#batch.take().observations)
      this.#traffic.take(observation, now, redaction);
    return this;
  }

  wait(ms: number): this {
    this.tell();
    this.#at += ms;
    return this;
  }

  seen(redaction = this.#redaction, most = ALLOWED_MOST): AllowedView {
    return this.#traffic.view(redaction, STARTED, most);
  }

  get rows(): (readonly [string, string, number, number])[] {
    return this.tell()
      .seen()
      .rows.map((row) => [row.name, placeText(row), row.connections, row.frames]);
  }
}

describe('connections', () => {
  it('belong to the name that they show, with the frames before it', () => {
    const wire = new Wire().carry(SYN, {}, hello('news.example'), data('news.example'));
    expect(wire.rows).toEqual([['news.example', '203.0.113.5, tcp 443', 1, 4]]);
  });

  it('are counted each, also when a tap tells of them together', () => {
    const wire = new Wire().carry(SYN, SYN, SYN, hello('a.example'), hello('b.example'), hello('a.example'));
    expect(wire.rows.map(([name, , connections]) => [name, connections])).toEqual([
      ['b.example', 1],
      ['a.example', 2],
    ]);
  });

  it('are counted when the name comes in another report', () => {
    const wire = new Wire().carry(SYN).wait(200).carry(hello('news.example'));
    expect(wire.rows).toEqual([['news.example', '203.0.113.5, tcp 443', 1, 2]]);
  });

  it('are named alike wherever a report ends, which tells frames that are alike together', () => {
    const connection = fc.constantFrom('one.example', 'two.example', 'three.example');
    const cut = fc.boolean();
    fc.assert(
      fc.property(fc.array(fc.tuple(connection, cut, cut), { minLength: 1, maxLength: 8 }), (connections) => {
        const wire = new Wire();
        for (const [name, isCutWithin, isCutBehind] of connections) {
          wire.carry(SYN);
          if (isCutWithin) wire.wait(200);
          wire.carry(hello(name));
          if (isCutBehind) wire.wait(200);
        }
        const counts = wire.rows.map(([name, , count]) => [name, count] as const);
        const names = connections.map(([name]) => name);
        const expected = [...new Set(names)].map((name) => [name, names.filter((n) => n === name).length]);
        expect(counts.toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it('are named however long others have gone there before, with and without a name', () => {
    const wire = new Wire().carry(SYN).wait(20_000).carry(SYN, hello('a.example'));
    wire.wait(9_000).carry(SYN).wait(2_000).carry(hello('b.example'));
    expect(wire.rows.map(([name, , connections]) => [name, connections])).toEqual([
      ['b.example', 1],
      ['', 1],
      ['a.example', 1],
    ]);
    // The first connection, which alone has shown none.
    expect(wire.seen().rows[1]?.last).toBe('2026-03-01T10:00:00.000Z');
  });

  it('are named also where one without a name began some seconds before', () => {
    const wire = new Wire().carry(SYN).wait(9_000).carry(SYN).wait(2_000).carry(hello('news.example'));
    expect(wire.rows.map(([name, , connections]) => [name, connections])).toEqual([
      ['news.example', 1],
      ['', 1],
    ]);
  });

  it('without a name stay without one, whatever is shown there later', () => {
    const wire = new Wire().carry(SYN, {}).wait(20_000).carry(hello('news.example'));
    expect(wire.rows).toEqual([
      ['news.example', '203.0.113.5, tcp 443', 0, 1],
      ['', '203.0.113.5, tcp 443', 1, 2],
    ]);
  });

  it('to one address are told by port and by client', () => {
    const other = { ...SYN, client: 0x02_00_00_00_00_0d };
    const wire = new Wire().carry(SYN, { ...SYN, port: 8443 }, other);
    expect(
      wire
        .tell()
        .seen()
        .rows.map((row) => [row.client, row.port, row.connections]),
    ).toEqual([
      ['02:00:00:00:00:0d', 443, 1],
      ['02:00:00:00:00:0c', 8443, 1],
      ['02:00:00:00:00:0c', 443, 1],
    ]);
  });

  it('over UDP are known by what shows a name; pings have none', () => {
    const wire = new Wire().carry(
      { protocol: 17, kind: 'quic' },
      { protocol: 17, kind: 'quic', shows: 'news.example', via: 'quic', of: 'news.example' },
      { protocol: 17, kind: 'quic', of: 'news.example' },
      { protocol: 17, kind: 'dns', port: 53, to: '192.0.2.53', shows: 'shop.example', via: 'dns' },
      { protocol: 1, kind: 'icmp' },
    );
    expect(wire.rows).toEqual([
      ['', '203.0.113.5, icmp', 0, 1],
      ['shop.example', '192.0.2.53, udp 53', 1, 1],
      ['news.example', '203.0.113.5, udp 443', 1, 3],
    ]);
  });

  it('are none of the page that a visitor comes from', () => {
    const wire = new Wire().carry({ shows: 'from.example', via: 'referer', of: '' });
    expect(wire.rows.map(([name]) => name)).toEqual(['']);
  });
});

describe('the list', () => {
  it('adds up to what left, whatever came in whatever order', () => {
    const names = fc.constantFrom('a.example', 'b.example', 'c.example');
    const frame = fc.oneof(
      fc.constant<Frame>(SYN),
      fc.constant<Frame>({}),
      names.map(hello),
      names.map(data),
      names.map((name): Frame => ({ protocol: 17, kind: 'quic', shows: name, via: 'quic', of: name })),
    );
    const step = fc.tuple(fc.array(frame, { maxLength: 8 }), fc.constantFrom(0, 5, 20_000));
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 12 }),
        fc.constantFrom<Privacy>('full', 'redacted', 'minimal'),
        (steps, privacy) => {
          const wire = new Wire(redactionOf(privacy));
          for (const [frames, ms] of steps) wire.carry(...frames).wait(ms);
          const all = steps.flatMap(([frames]) => frames);
          const begun = all.filter((one) => one.flags === 0x02 || one.protocol === 17).length;
          const { rows, frames, connections, more } = wire.seen();
          expect({ frames, connections, more }).toEqual({ frames: all.length, connections: begun, more: 0 });
          const sum = (of: 'frames' | 'connections'): number =>
            rows.reduce((total, row) => total + row[of], 0);
          expect([sum('frames'), sum('connections')]).toEqual([all.length, begun]);
          expect(rows.every((row) => row.frames > 0 && row.connections >= 0 && row.first <= row.last)).toBe(
            true,
          );
        },
      ),
    );
  });

  it('has the newest first, and as many as are asked for', () => {
    const wire = new Wire();
    for (const name of ['a.example', 'b.example', 'c.example', 'a.example'])
      wire.carry(hello(name)).wait(1_000);
    const { rows, more } = wire.seen(FULL, 2);
    expect([rows.map(({ name }) => name), more]).toEqual([['a.example', 'c.example'], 1]);
    expect(rows[0]).toMatchObject({ first: '2026-03-01T10:00:00.000Z', last: '2026-03-01T10:00:03.000Z' });
  });

  it('is bounded: a flood pushes out its own, and is counted', () => {
    const wire = new Wire(FULL, ALLOWED_MOST * 3);
    wire.carry(SYN, hello('news.example'));
    const ask = (at: number): Frame => ({
      ...{
        protocol: 17,
        kind: 'dns',
        port: 53,
        to: '192.0.2.53',
        via: 'dns',
        shows: `host${String(at)}.example`,
      },
    });
    wire.carry(...Array.from({ length: ALLOWED_MOST + 50 }, (_, at) => ask(at)));
    const { rows, more, frames } = wire.tell().seen();
    expect([rows.length, more, frames]).toEqual([ALLOWED_MOST, 51, ALLOWED_MOST + 52]);
    expect(rows.at(-1)?.name).toBe('news.example');
  });

  it('counts what a tap could tell of as a number alone', () => {
    const wire = new Wire(FULL, 1);
    wire.carry(...Array.from({ length: 9 }, (_, at) => hello(`host${String(at)}.example`)));
    const { rows, frames } = wire.tell().seen();
    expect(frames).toBe(9);
    expect(rows.reduce((sum, row) => sum + row.frames, 0)).toBeLessThan(9);
  });
});

describe('privacy', () => {
  const carried = (privacy: Privacy): Wire =>
    new Wire(redactionOf(privacy)).wait(600_000).carry(SYN, hello('www.news.example')).tell();

  it('redacted keeps a hash, a network and an identity that nobody knows', () => {
    const [row] = carried('redacted').seen().rows;
    expect(row).toMatchObject({ destination: '203.0.113.0/24', port: 443, connections: 1, frames: 2 });
    expect(row?.name).toMatch(/^h-[\da-f]{20}\.example$/);
    expect(row?.client).toMatch(/^h-[\da-f]{20}$/);
  });

  it('minimal keeps counts by kind and hour', () => {
    const { rows, since } = carried('minimal').seen();
    expect(rows).toEqual([
      {
        ...{ client: '', destination: '', transport: 'tcp', port: null, name: HIDDEN, kind: 'tls' },
        ...{ connections: 1, frames: 2, first: '2026-03-01T10:00:00.000Z', last: '2026-03-01T10:00:00.000Z' },
      },
    ]);
    expect(since).toBe('2026-03-01T10:00:00.000Z');
  });

  it.each(['redacted', 'minimal'] as const)('another one shows nothing of before: %s', (privacy) => {
    const wire = carried('full');
    const redaction = redactionOf(privacy);
    expect(wire.seen(redaction)).toMatchObject({ rows: [], frames: 0, connections: 0 });
    wire.wait(3_600_000).carry(SYN).tell(redaction);
    expect(wire.seen(redaction)).toMatchObject({ frames: 1, connections: 1, more: 0 });
    expect(JSON.stringify(wire.seen(redaction))).not.toContain('news');
    expect(wire.seen(redaction).since > '2026-03-01T10:30').toBe(true);
    expect(wire.seen(FULL).rows).toEqual([]);
  });
});

describe('a question for the past', () => {
  const wire = new Wire()
    .carry(SYN, hello('news.example'))
    .wait(3_600_000)
    .carry({ protocol: 17, kind: 'dns', port: 53, to: '192.0.2.53', shows: 'shop.example', via: 'dns' });
  const view = wire.tell().seen();
  const hour = (hours: number): number => STARTED + hours * 3_600_000;
  const LIMIT = { limit: 100 };

  it.each([
    ['nothing', {}, ['shop.example', 'news.example']],
    ['a kind', { kind: 'dns' }, ['shop.example']],
    ['a time', { since: hour(0.5) }, ['shop.example']],
    ['an end', { until: hour(0.5) }, ['news.example']],
    ['an end, which is not included', { until: hour(1) }, ['news.example']],
    ['a text', { text: 'NEWS' }, ['news.example']],
    ['another client', { client: '02:00:00:00:00:0d' }, []],
  ] as const)('that asks for %s', (_what, filter, names) => {
    const told = allowedBy(view, { ...LIMIT, ...filter });
    expect(told?.rows.map(({ name }) => name)).toEqual(names);
    expect(told?.frames).toBe(told?.rows.reduce((sum, { frames }) => sum + frames, 0));
  });

  it.each([{ rule: 'E' }, { severity: 'red' }, { acknowledged: false }] as const)(
    'that is about leaks alone is not answered by it: %j',
    (filter) => {
      expect(allowedBy(view, { ...LIMIT, ...filter })).toBeUndefined();
    },
  );
});
