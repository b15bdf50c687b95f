// Floods of every sort through book, observer and tap batch, and the one leak that follows. Holds src/guard/incidents/quotas.ts and all
// that is shared by it to this: no event hides another, and nothing that was counted is lost. Seeded by fast-check.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DEADLINE_MS } from '../../../src/guard/account/account.ts';
import type { Sight } from '../../../src/guard/account/account.ts';
import type { NetworkOffer } from '../../../src/flow/parsed-packet.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { Kind } from '../../../src/flow/kinds.ts';
import { Correlation } from '../../../src/guard/answers/correlation.ts';
import { FOLDED_EXPOSURE, IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import { ObservationBatch } from '../../../src/guard/observation.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { Observer } from '../../../src/guard/observer.ts';
import { Proposals } from '../../../src/guard/tunnels/proposals.ts';
import { FairMap, Regulars, STRANGERS, Shares, fairPick } from '../../../src/guard/incidents/quotas.ts';
import { TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
import type { Rule, Verdict } from '../../../src/policy/verdict.ts';
import { CLIENT, HOME, leak, observation } from '../samples.ts';

/** The sums that the book keeps while it counts are those of its incidents. */
function expectDoubtsToAddUp(book: IncidentBook): void {
  const { assumed, presumed } = book.doubts;
  const sum = (what: 'assumed' | 'presumed'): number => book.all().reduce((all, one) => all + one[what], 0);
  expect([assumed, presumed]).toEqual([sum('assumed'), sum('presumed')]);
}

const SEED = 20_261_129;
const at = (monotonic: number): { wall: number; monotonic: number } => ({
  wall: 1e12 + monotonic,
  monotonic,
});

describe('Shares', () => {
  it('knows the largest group and its oldest, whatever comes and goes', () => {
    const steps = fc.array(fc.record({ item: fc.nat(30), group: fc.nat(5), goes: fc.boolean() }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const shares = new Shares<number>();
        let model: { item: number; group: string }[] = [];
        for (const { item, group, goes } of all) {
          model = model.filter((one) => one.item !== item);
          if (goes) shares.delete(item);
          else {
            shares.put(item, String(group));
            model.push({ item, group: String(group) });
          }
          const sizeOf = (name: string): number => model.filter((one) => one.group === name).length;
          const most = Math.max(0, ...model.map((one) => sizeOf(one.group)));
          const largest = shares.largest();
          expect(largest === undefined ? 0 : sizeOf(largest)).toBe(most);
          expect(shares.giver()).toBe(model.find((one) => one.group === largest)?.item);
          expect(shares.sizeOf(String(group))).toBe(sizeOf(String(group)));
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

describe('FairMap', () => {
  it('a flood of one group pushes out none of another', () => {
    const map = new FairMap<number>(10);
    map.set('a', 1, 'laptop');
    map.set('b', 2, 'laptop');
    for (let n = 0; n < 1_000; n += 1) map.set(`x${String(n)}`, n, 'flood');
    expect([map.get('a'), map.get('b'), map.size, map.evicted]).toEqual([1, 2, 10, 992]);
  });
});

describe('Regulars', () => {
  it('have seats, the others share one; a seat that is not used goes on', () => {
    const regulars = new Regulars<number>(2, 100);
    for (const who of [1, 2, 3, 4]) regulars.seen(who, 0);
    expect([1, 2, 3, 4].map((who) => regulars.share(who))).toEqual(['1', '2', STRANGERS, STRANGERS]);
    regulars.seen(1, 90);
    regulars.seen(3, 100);
    expect([1, 2, 3].map((who) => regulars.share(who))).toEqual(['1', STRANGERS, '3']);
  });
});

describe('fairPick', () => {
  it('takes of every group some, in the order given', () => {
    const items = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1'];
    expect(fairPick(items, (item) => item.slice(0, 1), 4)).toEqual(['a1', 'a2', 'b1', 'c1']);
  });
});

const KINDS: readonly Kind[] = ['dns', 'tls', 'udp', 'icmp', 'quic'];
const RULES: readonly Rule[] = ['A', 'B', 'E'];
const LAPTOP = 0x02_00_00_00_00_aa;

interface Flood {
  readonly by: 'names' | 'clients' | 'kinds' | 'portals' | 'folded';
  readonly kind: Kind;
  readonly rule: Rule;
  readonly amber: boolean;
  readonly size: number;
  readonly acknowledges: boolean;
  readonly settles: boolean;
}

const floods: fc.Arbitrary<Flood[]> = fc.array(
  fc.record({
    by: fc.constantFrom('names', 'clients', 'kinds', 'portals', 'folded'),
    kind: fc.constantFrom(...KINDS),
    rule: fc.constantFrom(...RULES),
    amber: fc.boolean(),
    size: fc.integer({ min: 1, max: 250 }),
    acknowledges: fc.boolean(),
    settles: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

/** As the real one, it is well above the rules and kinds that there are. */
const LIMIT = 80;
/** One common incident of all clients for each rule and kind that these floods have. */
const COMMONS = KINDS.length * RULES.length + 1;

function portal(n: number): NetworkOffer {
  return { server: '192.168.1.1', leaseSeconds: 3600, captivePortal: `http://p${String(n)}.example/` };
}

class World {
  readonly book = new IncidentBook(LIMIT, 't');
  readonly observer = new Observer(HOME, this.book, new TunnelWatch());
  clock = 0;
  attempted = 0;
  escaped = 0;

  send(seen: Observation, port: 'lan' | 'wan'): void {
    this.observer.take(port, seen, at((this.clock += 1)), false);
    if (seen.direction !== 'up') return;
    if (port === 'lan') this.attempted += seen.frames;
    else this.escaped += seen.frames;
  }

  flood({ by, kind, rule, amber, size, acknowledges, settles }: Flood, nth: number): void {
    for (let n = 0; n < size; n += 1) {
      const name = `n${String(n)}.flood${String(nth)}.example`;
      const verdict = leak(name, { rule, severity: amber ? 'amber' : 'red' });
      const kinds = KINDS[n % KINDS.length] ?? kind;
      const rules = RULES[n % RULES.length] ?? rule;
      if (by === 'portals') {
        const offer = {
          ...observation({ kind: 'dhcp', direction: 'down', offer: portal(n) }),
          client: n + 1,
        };
        this.send(offer, 'wan');
        continue;
      }
      const seen =
        by === 'names'
          ? observation({ kind, verdict })
          : by === 'folded'
            ? {
                ...observation({ kind, verdict, folded: true, frames: 3 }),
                client: n % 2 === 0 ? n + 1 : CLIENT,
              }
            : by === 'clients'
              ? { ...observation({ kind, verdict }), client: n + 1 }
              : { ...observation({ kind: kinds, verdict: { ...verdict, rule: rules } }), client: n + 1 };
      this.send(seen, 'lan');
      if (n % 3 === 0) this.send(seen, 'wan');
    }
    if (settles) {
      this.clock += 2 * DEADLINE_MS;
      this.book.settle(sight(this.clock));
    }
    if (acknowledges) this.book.acknowledge('all');
  }
}

/** Both taps have read all that came before `now`. */
function sight(now: number): Sight {
  return { now, lanRead: now, wanRead: now, wanSince: -Infinity, dropped: () => false };
}

describe('after any floods', () => {
  it('the next different leak is an incident with its name, and stays one while another flood goes on', () => {
    fc.assert(
      fc.property(floods, floods, (before, after) => {
        const world = new World();
        // The laptop was there first, as a laptop is.
        world.send({ ...observation({ verdict: leak('first.example') }), client: LAPTOP }, 'lan');
        for (const [nth, flood] of before.entries()) world.flood(flood, nth);
        const verdict: Verdict = leak('clinic.example', { rule: 'C' });
        world.send({ ...observation({ kind: 'dot', verdict }), client: LAPTOP }, 'lan');
        const named = (): boolean =>
          world.book.all().some((one) => one.exposure === 'clinic.example' && !one.acknowledged);
        expect(named()).toBe(true);
        for (const [nth, flood] of after.entries()) world.flood({ ...flood, acknowledges: false }, nth + 100);
        expect(named()).toBe(true);
        expect(world.book.all().length).toBeLessThanOrEqual(LIMIT + COMMONS);
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('what was counted is counted still: incidents that are there, with those acknowledged that have gone', () => {
    fc.assert(
      fc.property(floods, (all) => {
        const world = new World();
        for (const [nth, flood] of all.entries()) world.flood({ ...flood, acknowledges: false }, nth);
        world.clock += 2 * DEADLINE_MS;
        world.book.settle(sight(world.clock));
        const incidents = world.book.all();
        const sum = (what: 'attempted' | 'escaped' | 'blocked'): number =>
          incidents.reduce((total, one) => total + one[what], 0);
        expect([sum('attempted'), world.book.totals.attempted]).toEqual([world.attempted, world.attempted]);
        expect([sum('escaped'), sum('blocked')]).toEqual([
          world.book.totals.escaped,
          world.book.totals.blocked,
        ]);
        expect(sum('escaped') + sum('blocked')).toBe(sum('attempted'));
        expectDoubtsToAddUp(world.book);
        world.book.confirm();
        expectDoubtsToAddUp(world.book);
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('a book full of what nobody has seen makes room, and once more after all was acknowledged', () => {
    const world = new World();
    const flood: Flood = {
      ...{
        by: 'names',
        kind: 'dns',
        rule: 'A',
        amber: false,
        size: 5_000,
        acknowledges: false,
        settles: false,
      },
    };
    world.flood(flood, 0);
    world.send(observation({ verdict: leak('bank.example', { rule: 'B' }) }), 'lan');
    world.book.acknowledge('all');
    world.send(observation({ verdict: leak('clinic.example') }), 'lan');
    const names = world.book.all().map(({ exposure }) => exposure);
    expect(names).toContain('bank.example');
    expect(names).toContain('clinic.example');
  });

  it('two thousand captive portals are one incident with a count, and another network attack is another', () => {
    const world = new World();
    for (let n = 0; n < 2_300; n += 1)
      world.send(observation({ kind: 'dhcp', direction: 'down', offer: portal(n) }), 'wan');
    const routes = { ...portal(2_299), routes: ['203.0.113.0/24 via 192.168.1.66'] };
    world.send(observation({ kind: 'dhcp', direction: 'down', offer: routes }), 'wan');
    expect(
      world.book
        .all()
        .map(({ networkAttack, variantCount }) => [networkAttack, variantCount])
        .sort(),
    ).toEqual([
      ['captive portal', 2_300],
      ['routes by DHCP', 1],
    ]);
    world.book.acknowledge('all');
    // What was accepted stays accepted; what it has not said before is told anew, once.
    world.send(observation({ kind: 'dhcp', direction: 'down', offer: portal(2_299) }), 'wan');
    expect(world.book.all().filter(({ acknowledged }) => !acknowledged)).toEqual([]);
    for (let n = 5_000; n < 6_000; n += 1)
      world.send(observation({ kind: 'dhcp', direction: 'down', offer: portal(n) }), 'wan');
    expect(world.book.all().filter(({ acknowledged }) => !acknowledged)).toHaveLength(1);
  });

  it('an attempt that was folded before the other tap told of it is counted once', () => {
    const book = new IncidentBook(5, 't');
    const flood = Array.from({ length: 50 }, (_, n) =>
      observation({ verdict: leak(`n${String(n)}.example`) }),
    );
    for (const seen of flood) book.attempt(seen, at(1));
    for (const seen of flood) book.escape(seen, at(2), false);
    book.settle(sight(2 + DEADLINE_MS));
    expect(book.totals).toEqual({ attempted: 50, escaped: 50, blocked: 0 });
    expect(book.all().find(({ exposure }) => exposure === FOLDED_EXPOSURE)).toMatchObject({
      severity: 'red',
    });
  });
});

function frame(kind: Kind, exposure: string, change: Partial<Verdict> = {}): [ParsedPacket, Verdict] {
  const packet = new ParsedPacket();
  packet.kind = kind;
  return [packet, leak(exposure, change)];
}

describe('the batch of a tap', () => {
  const sources = fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS),
      spoofs: fc.boolean(),
      down: fc.boolean(),
      size: fc.integer({ min: 1, max: 200 }),
    }),
    { minLength: 1, maxLength: 5 },
  );

  it('tells a leak of another kind by name, before, between or behind floods, and loses no frame', () => {
    fc.assert(
      fc.property(sources, sources, (before, after) => {
        const batch = new ObservationBatch(32);
        let frames = 0;
        const add = (kind: Kind, name: string, client: number, down = false, change = {}): void => {
          const [packet, verdict] = frame(kind, name, change);
          batch.add(
            packet,
            { verdict, direction: down ? 'down' : 'up', crosses: false, counter: 'up_leak_dns' },
            client,
            frames,
          );
          frames += 1;
        };
        const pour = (all: typeof before): void => {
          for (const { kind, spoofs, down, size } of all)
            for (let n = 0; n < size; n += 1)
              add(kind, `n${String(n)}.example`, spoofs ? 1_000 + n : CLIENT, down);
        };
        add('dns', 'first.example', LAPTOP);
        pour(before);
        add('dot', 'clinic.example', LAPTOP, false, { rule: 'C' });
        pour(after);
        const { observations } = batch.take();
        const found = observations.find(
          ({ verdict, folded }) => verdict.exposure === 'clinic.example' && !folded,
        );
        expect(found).toMatchObject({ client: LAPTOP, frames: 1 });
        expect(observations.reduce((sum, one) => sum + one.frames, 0)).toBe(frames);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('tells the last of the flood itself by name', () => {
    const batch = new ObservationBatch(32);
    for (let n = 0; n < 1_000; n += 1) {
      const [packet, verdict] = frame('dns', `n${String(n)}.example`);
      batch.add(packet, { verdict, direction: 'up', crosses: false, counter: 'up_leak_dns' }, CLIENT, n);
    }
    const { observations, newlyFolded } = batch.take();
    expect(observations.at(-1)?.verdict.exposure).toBe('n999.example');
    expect(observations.find(({ folded }) => folded)).toMatchObject({ frames: 967, client: CLIENT });
    expect(newlyFolded).toBe(967);
  });

  it('a thousand offers with a portal fold none that has a route', () => {
    const batch = new ObservationBatch(32);
    const add = (offer: NetworkOffer): void => {
      const [packet] = frame('dhcp', '');
      packet.findings = { names: [], answers: [], offer };
      const verdict: Verdict = { verdict: 'essential', reason: '', exposure: '', destination: '' };
      batch.add(packet, { verdict, direction: 'down', crosses: true, counter: 'up_leak_dns' }, CLIENT, 0);
    };
    for (let n = 0; n < 1_000; n += 1) add(portal(n));
    add({ ...portal(0), routes: ['0.0.0.0/1 via 192.168.1.66'] });
    for (let n = 1_000; n < 2_000; n += 1) add(portal(n));
    const told = batch.take().observations.filter(({ folded }) => !folded);
    expect(told.filter(({ packet }) => packet.findings.offer?.routes !== undefined)).toHaveLength(1);
  });
});

describe('what the guard remembers', () => {
  it("a name's thousand addresses, or a thousand names, push out no other name's address", () => {
    const correlation = new Correlation(HOME, { questions: 64, addresses: 64 });
    const asks = (name: string, client: number): void =>
      correlation.asked(observationOf(client, { names: [name] }), `of ${name}`, 0);
    const answers = (name: string, address: string, client: number): void =>
      correlation.answered(
        observationOf(client, { answers: [{ name, type: 'A', value: address, ttl: 60 }], direction: 'down' }),
        1,
      );
    asks('clinic.example', LAPTOP);
    answers('clinic.example', '203.0.113.9', LAPTOP);
    asks('flood.example', CLIENT);
    for (let n = 0; n < 1_000; n += 1)
      answers('flood.example', `198.18.${String(n >> 8)}.${String(n & 255)}`, CLIENT);
    for (let n = 0; n < 1_000; n += 1) asks(`n${String(n)}.example`, CLIENT);
    const visit = observation({
      kind: 'tls',
      verdict: leak('203.0.113.9', { rule: 'E', destination: '203.0.113.9' }),
    });
    expect(correlation.visit({ ...visit, client: LAPTOP }, 2)?.candidates).toEqual(['clinic.example']);
  });

  it('a hundred tunnels that only the network speaks of push out none that a client began', () => {
    const proposals = new Proposals();
    const handshake = (direction: 'up' | 'down', last: number): void => {
      const seen = observation({ kind: 'wireguard', direction });
      Object.assign(seen.packet, { ipVersion: 4, protocol: 17, sourcePort: 51_820, destinationPort: 51_820 });
      seen.packet.source.set([0, 0, 0xffff, 0xc6336400 + last]);
      seen.packet.destination.set([0, 0, 0xffff, 0xc6336400 + last]);
      const recognition = { protocol: 'wireguard', confidence: 0.9, why: '', server: 'destination' } as const;
      seen.packet.findings = { names: [], answers: [], recognition };
      proposals.observe(seen, at(0));
    };
    for (let n = 0; n < 100; n += 1) handshake('down', n);
    handshake('up', 200);
    for (let n = 0; n < 100; n += 1) handshake('down', n);
    expect(proposals.list().map(({ endpoint }) => endpoint)).toContain('udp:198.51.100.200:51820');
    expect(proposals.list()).toHaveLength(32);
  });
});

function observationOf(client: number, sample: Parameters<typeof observation>[0]): Observation {
  return { ...observation(sample), client };
}
