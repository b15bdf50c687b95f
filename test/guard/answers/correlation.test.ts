// Rule D over several observations. Holds src/guard/answers/correlation.ts and observer.ts to README.md, rule D.

import { describe, expect, it } from 'vitest';

import type { DnsAnswer } from '../../../src/wire/names/dns-answers.ts';
import type { Kind } from '../../../src/flow/kinds.ts';
import { Correlation } from '../../../src/guard/answers/correlation.ts';
import { IncidentBook } from '../../../src/guard/incidents/incidents.ts';
import type { Incident } from '../../../src/guard/incidents/incidents.ts';
import type { Observation } from '../../../src/guard/observation.ts';
import { Observer } from '../../../src/guard/observer.ts';
import { TunnelWatch } from '../../../src/guard/tunnels/tunnel-watch.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Rule, Verdict } from '../../../src/policy/verdict.ts';
import { macText } from '../../../src/wire/ip/address.ts';
import { CLIENT, HOME, leak, observation, policyOf } from '../samples.ts';

const SPLIT = policyOf(`version: 1
profile: split
mustTunnel: ["bank.example"]
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
`);
const STUB: Policy = { ...HOME, profile: 'proxy-stub' };

const a = (name: string, value: string, ttl = 300): DnsAnswer => ({ name, type: 'A', value, ttl });

/** The observations of one wire, in order; each call returns the incidents that changed. */
function wire(policy: Policy): {
  book: IncidentBook;
  observer: Observer;
  at: (ms: number) => void;
  ask: (name: string, verdict?: Verdict) => Incident[];
  answer: (names: readonly string[], answers: readonly DnsAnswer[]) => Incident[];
  go: (to: string, kind?: Kind, verdict?: Partial<Verdict>, names?: readonly string[]) => Incident[];
} {
  const book = new IncidentBook(100, 't');
  const observer = new Observer(policy, book, new TunnelWatch());
  let ms = 1_000;
  const take = (sample: Parameters<typeof observation>[0]): Incident[] =>
    observer.take('wan', observation(sample), { wall: ms, monotonic: ms }, false);
  return {
    book,
    observer,
    at: (later) => (ms = later),
    ask: (name, verdict = leak(name)) => take({ verdict, names: [name] }),
    answer: (names, answers) => take({ direction: 'down', names, answers }),
    go: (to, kind = 'tls', change = {}, names = []) =>
      take({ kind, names, verdict: leak(to, { rule: 'E', destination: to, ...change }) }),
  };
}

const DIRECT: Partial<Verdict> = { verdict: 'allowed', direct: true };

it('a visit that is rule D is no traffic that the profile allows', () => {
  const { ask, answer, go, observer, book } = wire(STUB);
  ask('bank.example');
  answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
  expect(go('203.0.113.80', 'tls', DIRECT)[0]).toMatchObject({ rule: 'D' });
  expect(observer.allowed.view(book.redaction, 0, 10).frames).toBe(0);
  expect(go('203.0.113.81', 'tls', DIRECT)).toEqual([]);
  expect(observer.allowed.view(book.redaction, 0, 10).rows).toMatchObject([{ destination: '203.0.113.81' }]);
});

it('where nothing goes direct no address is closed for an answer: everything is', () => {
  for (const [policy, closed] of [
    [STUB, 1],
    [{ ...STUB, direct: 'none' }, 0],
  ] as const) {
    const { ask, answer, observer } = wire(policy);
    ask('bank.example');
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    expect(observer.takeExposures()).toHaveLength(closed);
  }
});

describe('rule D', () => {
  it.each<[Kind, string]>([
    ['tls', '203.0.113.80'],
    ['quic', '203.0.113.80'],
    ['tls', '2001:db8:80::80'],
    ['quic', '2001:db8:80::80'],
    ['tcp', '203.0.113.80'],
  ])('joins a visit by %s to %s with its question', (kind, address) => {
    const { ask, answer, go } = wire(HOME);
    const [question] = ask('bank.example');
    answer(['bank.example'], [{ ...a('bank.example', address), type: 'A' }]);
    const [visit, other] = go(address, kind);
    expect(visit).toMatchObject({
      ...{ rule: 'D', severity: 'red', exposure: 'bank.example', destination: address },
      ...{ related: [question?.id], candidates: ['bank.example'] },
    });
    expect(visit?.why).toContain('Eve has the name and the visit');
    expect(other).toBe(question);
    expect(question?.related).toEqual([visit?.id]);
  });

  it('follows canonical names in any order, service targets and hints, over several answers', () => {
    const { ask, answer, go } = wire(HOME);
    ask('www.bank.example');
    answer(
      ['www.bank.example'],
      [
        a('edge.cdn.example', '203.0.113.1'),
        { name: 'cdn.example', type: 'CNAME', value: 'edge.cdn.example', ttl: 60 },
        { name: 'www.bank.example', type: 'CNAME', value: 'cdn.example', ttl: 60 },
        { name: 'www.bank.example', type: 'HTTPS', value: 'svc.cdn.example', ttl: 60 },
        { name: 'www.bank.example', type: 'HTTPS', value: '2001:db8::443', ttl: 60 },
        a('unrelated.example', '203.0.113.9'),
      ],
    );
    ask('svc.cdn.example');
    answer(['svc.cdn.example'], [a('svc.cdn.example', '203.0.113.2')]);
    for (const address of ['203.0.113.1', '203.0.113.2', '2001:db8::443'])
      expect(go(address)[0]).toMatchObject({ rule: 'D', exposure: 'www.bank.example' });
    expect(go('203.0.113.9')[0]).toMatchObject({ rule: 'E' });
  });

  it('gives every name of a shared address, and takes the one that the visit shows', () => {
    const { ask, answer, go } = wire(HOME);
    for (const name of ['one.example', 'two.example']) {
      ask(name);
      answer([name], [a(name, '203.0.113.80')]);
    }
    const [shared] = go('203.0.113.80');
    expect(shared).toMatchObject({ exposure: '203.0.113.80', candidates: ['two.example', 'one.example'] });
    expect(shared?.why).toContain('one of 2 names');
    expect(shared?.why).toContain('Eve has the visit and a list of possible names');
    expect(go('203.0.113.80', 'tls', {}, ['one.example'])[0]).toMatchObject({ exposure: 'one.example' });
  });

  describe('a visit', () => {
    /** Two names with one address, and a client that goes there. */
    function shared(): ReturnType<typeof wire> & { visits: () => unknown } {
      const one = wire(HOME);
      for (const name of ['one.example', 'two.example']) {
        one.ask(name);
        one.answer([name], [a(name, '203.0.113.80')]);
      }
      const counted = ({ kind }: Incident): boolean => kind === 'tls';
      const visits = (): unknown =>
        Object.fromEntries(
          one.book
            .all()
            .filter(counted)
            .map(({ exposure, visits, escaped }) => [exposure, { visits, escaped }]),
        );
      return { ...one, visits };
    }
    const to = '203.0.113.80';
    const opening = { kind: 'tls', verdict: leak(to, { rule: 'E', destination: to }) } as const;
    const named = (...names: readonly string[]): Observation => ({
      ...observation({ ...opening, names: [...names], at: 1_000 }),
      visits: 1,
    });
    const now = { wall: 20_000, monotonic: 11_000 };

    it('is to the name that its connection showed', () => {
      const { observer, visits } = shared();
      observer.take('wan', observation({ ...opening, at: 1_000 }), now, false);
      observer.take('wan', named('one.example'), now, false);
      expect(visits()).toEqual({ 'one.example': { visits: 1, escaped: 2 } });
    });

    it('without a name is to the address, and to none of the names that it is shared by', () => {
      const { observer, visits, book } = shared();
      observer.take('wan', observation({ ...opening, at: 1_000 }), now, false);
      observer.nameless(observation({ ...opening, at: 1_000 }), now);
      expect(visits()).toEqual({ [to]: { visits: 1, escaped: 1 } });
      expect(book.all()[0]?.candidates).toEqual(['two.example', 'one.example']);
    });

    it.each([false, true])(
      'without a name is not to the one that another connection to there showed (acknowledged meanwhile: %s)',
      (isAcknowledged) => {
        const { observer, visits, book } = shared();
        observer.take('wan', named('one.example'), now, false);
        // As long as the connection has not shown otherwise, its frames are taken for more of the other.
        observer.take('wan', observation({ ...opening, frames: 3, at: 1_000 }), now, false);
        expect(visits()).toEqual({ 'one.example': { visits: 1, escaped: 4 } });
        const read = { lanRead: 11_000, wanRead: 11_000, wanSince: -Infinity };
        book.settle({ now: 11_000, ...read, dropped: () => false });
        if (isAcknowledged) book.acknowledge('all');
        observer.nameless(observation({ ...opening, at: 1_000 }), now);
        expect(visits()).toEqual({
          'one.example': { visits: 1, escaped: 3 },
          [to]: { visits: 1, escaped: 1 },
        });
        expect(book.totals).toMatchObject({ attempted: 6, escaped: 6 });
        const address = book.all().find(({ exposure }) => exposure === to);
        expect(address?.candidates).toEqual(['two.example', 'one.example']);
        expect(book.all().filter(({ acknowledged }) => !acknowledged)).toHaveLength(isAcknowledged ? 0 : 4);
        observer.nameless(observation({ ...opening, at: 1_000 }), now);
        expect(visits()).toMatchObject({ [to]: { visits: 2 } });
      },
    );

    it('to an address with one name is to that', () => {
      const { observer, ask, answer, book } = wire(HOME);
      ask('one.example');
      answer(['one.example'], [a('one.example', to)]);
      observer.take('wan', observation({ ...opening, at: 1_000 }), now, false);
      observer.nameless(observation({ ...opening, at: 1_000 }), now);
      expect(book.all()[0]).toMatchObject({ rule: 'D', exposure: 'one.example', visits: 1, escaped: 1 });
    });

    it('of an address that a name was asked for only later is to the address', () => {
      const { observer, ask, answer, at, book } = wire(HOME);
      observer.take('wan', observation({ ...opening, at: 1_000 }), { wall: 0, monotonic: 1_000 }, false);
      at(9_000);
      ask('one.example');
      answer(['one.example'], [a('one.example', to)]);
      observer.nameless(observation({ ...opening, at: 1_000 }), now);
      const visited = book.all().filter(({ visits }) => visits === 1);
      expect(visited).toMatchObject([{ rule: 'E', exposure: to }]);
    });

    it("is none to what is named as the page that it comes from, or told as a tunnel's own", () => {
      const { observer, book } = wire(HOME);
      const page = named('one.example');
      const verdict = leak('page.example', { rule: 'B', destination: to });
      observer.take('wan', { ...page, verdict }, now, false);
      expect(book.all()).toMatchObject([{ exposure: 'page.example', visits: 0 }]);
      const tunnels = leak('vpn.example', { rule: 'E', severity: 'amber', destination: '203.0.113.7' });
      observer.take('wan', observation({ kind: 'udp', verdict: tunnels }), now, false);
      const judged = leak('203.0.113.7', { rule: 'E', destination: '203.0.113.7' });
      expect(observer.nameless(observation({ kind: 'udp', verdict: judged, at: 1_000 }), now)).toEqual([]);
    });
  });

  it('what was stopped went to no name that a visit before may have been to', () => {
    const { observer, ask, answer, book } = wire(HOME);
    const to = '203.0.113.80';
    const visit = observation({ kind: 'tls', verdict: leak(to, { rule: 'E', destination: to }) });
    const now = { wall: 2_000, monotonic: 2_000 };
    const candidates = (): unknown => book.all().find(({ kind }) => kind === 'tls')?.candidates;
    const learn = (...names: readonly string[]): void => {
      for (const name of names) {
        ask(name);
        answer([name], [a(name, to)]);
      }
    };
    learn('one.example', 'two.example');
    observer.take('lan', visit, now, false);
    expect(candidates()).toEqual(['two.example', 'one.example']);
    observer.take('wan', visit, now, false);
    learn('three.example');
    observer.take('lan', visit, now, false);
    expect(candidates()).toEqual(['two.example', 'one.example']);
    observer.take('wan', visit, now, false);
    expect(candidates()).toEqual(['three.example', 'two.example', 'one.example']);
  });

  it('forgets with the time to live, but not before a minute', () => {
    const { ask, answer, go, at } = wire(HOME);
    ask('bank.example');
    answer(['bank.example'], [a('bank.example', '203.0.113.80', 0)]);
    at(60_000);
    expect(go('203.0.113.80')[0]?.rule).toBe('D');
    at(61_001);
    expect(go('203.0.113.80')[0]?.rule).toBe('E');
  });

  it('takes no answer that nobody asked for, or that comes too late', () => {
    const { ask, answer, go, at } = wire(HOME);
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    expect(go('203.0.113.80')[0]?.rule).toBe('E');
    ask('bank.example');
    at(40_000);
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    expect(go('203.0.113.80')[0]?.rule).toBe('E');
  });

  it('leaves alone what breaks a rule of its own', () => {
    const { ask, answer, go } = wire(HOME);
    ask('bank.example');
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    expect(go('203.0.113.80', 'dot', { rule: 'C' })[0]?.rule).toBe('C');
    expect(go('203.0.113.80', 'tls', { rule: 'F' })[0]?.rule).toBe('F');
  });

  it('split: only visits to must-tunnel names, also where direct traffic is allowed', () => {
    const { ask, answer, go, observer } = wire(SPLIT);
    ask('bank.example', leak('bank.example', { rule: 'B' }));
    ask('news.example', { ...leak('news.example'), ...DIRECT });
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    answer(['news.example'], [a('news.example', '203.0.113.81')]);
    expect(go('203.0.113.80', 'tls', DIRECT)[0]).toMatchObject({ rule: 'D', exposure: 'bank.example' });
    expect(go('203.0.113.81', 'tls', DIRECT)).toEqual([]);
    expect(go('203.0.113.80', 'tls', { verdict: 'allowed' })).toEqual([]);
    // What one client asked for closes nothing for another.
    expect(observer.takeExposures()).toMatchObject([
      { client: macText(CLIENT), address: '203.0.113.80', name: 'bank.example' },
    ]);
    expect(observer.takeExposures()).toEqual([]);
  });

  it('proxy-stub: still fires for a name asked past the resolver, and the kernel is told', () => {
    const { ask, answer, go, observer } = wire(STUB);
    ask('bank.example');
    answer(['bank.example'], [a('bank.example', '203.0.113.80')]);
    expect(go('203.0.113.80', 'quic', DIRECT)[0]).toMatchObject({ rule: 'D' });
    expect(go('203.0.113.81', 'quic', DIRECT)).toEqual([]);
    expect(observer.takeExposures()).toHaveLength(1);
  });

  it.each<[Kind, number, number]>([
    ['tls', 6, 1],
    ['http', 6, 1],
    ['http-proxy', 6, 1],
    ['socks', 6, 1],
    ['quic', 17, 1],
    ['dtls', 17, 1],
    ['tcp', 6, 1],
    // Whoever is asked for a name serves none.
    ['dns', 17, 0],
    ['dns', 6, 0],
    ['mdns', 17, 0],
    ['llmnr', 17, 0],
    ['ssdp', 17, 0],
  ])(
    'split: a protected name that is shown by %s closes where it is shown, for whoever showed it',
    (kind, protocol, closed) => {
      const { observer } = wire(SPLIT);
      const show = (names: readonly string[], rule: Rule, flowName = ''): readonly unknown[] => {
        const destination = '203.0.113.90';
        const seen = observation({ kind, names, verdict: leak(names[0] ?? flowName, { rule, destination }) });
        Object.assign(seen.packet, { protocol, ipVersion: 4, flowName });
        observer.take('lan', seen, { wall: 0, monotonic: 5 }, false);
        return observer.takeExposures();
      };
      const told = {
        client: macText(CLIENT),
        address: '203.0.113.90',
        name: 'www.bank.example',
        until: 86_400_005,
      };
      expect(show(['www.bank.example'], 'B')).toEqual(closed === 0 ? [] : [told]);
      expect(show([], 'B', 'www.bank.example')).toEqual(closed === 0 ? [] : [told]);
      expect(show(['www.news.example'], 'B')).toEqual([]);
      expect(show(['www.bank.example'], 'E')).toEqual([]);
    },
  );

  it('split: where an answer leads from a protected name on the way is closed for the record’s time', () => {
    const { observer } = wire(SPLIT);
    const closed = [{ address: '203.0.113.91', name: 'www.bank.example', seconds: 60 }];
    observer.served([{ client: '02:00:00:00:00:0c', opened: [], shown: [], closed }], {
      wall: 0,
      monotonic: 5,
    });
    expect(observer.takeExposures()).toEqual([
      { client: '02:00:00:00:00:0c', address: '203.0.113.91', name: 'www.bank.example', until: 60_005 },
    ]);
  });

  it('is bounded, and says what it forgot', () => {
    const correlation = new Correlation(HOME, { questions: 8, addresses: 8 });
    for (let n = 0; n < 100; n += 1) {
      const name = `n${n}.example`;
      correlation.asked(observation({ names: [name] }), 'i', n);
      const answers = [a(name, `203.0.113.${n}`)];
      correlation.answered(observation({ direction: 'down', names: [name], answers }), n);
    }
    expect(correlation.forgotten).toBe(2 * 92);
    const visit = (n: number): unknown => {
      const to = `203.0.113.${n}`;
      const verdict = leak(to, { rule: 'E', destination: to });
      return correlation.visit(observation({ kind: 'tls', verdict }), 100)?.verdict.exposure;
    };
    expect([visit(0), visit(99)]).toEqual([undefined, 'n99.example']);
  });
});
