// What answers open and close where direct traffic goes to answered addresses alone, as a tap sees them. Holds
// src/guard/answers/answered-names.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import type { DnsAnswer } from '../../../src/wire/names/dns-answers.ts';
import { AnsweredNames, ledTo } from '../../../src/guard/answers/answered-names.ts';
import type { Lesson } from '../../../src/guard/observation.ts';
import { USED } from '../../../src/policy/filter/answered.ts';
import { parseAddress, parseMac } from '../../../src/wire/ip/address.ts';
import { ANSWERED, SPLIT } from '../../policy/policies.ts';

const CLIENT = '02:00:00:00:00:0c';
const OTHER = '02:00:00:00:00:0d';
const RESOLVER = '192.168.1.1';
const LAPTOP = '192.168.1.50';
const SHOP = 'www.shop.example';
const BANK = 'www.bank.example';
const ADDRESS = '203.0.113.7';

const words = (text: string): Uint32Array => parseAddress(text)?.words ?? new Uint32Array(4);

interface Datagram {
  readonly names?: readonly string[];
  readonly answers?: readonly DnsAnswer[];
  readonly client?: string;
  readonly id?: number;
  readonly port?: number;
  readonly resolver?: string;
}

function dns(
  direction: 'up' | 'down',
  { names = [SHOP], answers = [], ...more }: Datagram = {},
): ParsedPacket {
  const packet = new ParsedPacket();
  const mac = parseMac(more.client ?? CLIENT) ?? 0;
  const [near, far] = [words(LAPTOP), words(more.resolver ?? RESOLVER)];
  packet.kind = 'dns';
  packet.ipVersion = 4;
  packet.protocol = 17;
  packet.payloadHead = (more.id ?? 7) * 0x10000;
  const port = more.port ?? 40_000;
  [packet.sourceMac, packet.destinationMac] = direction === 'up' ? [mac, 1] : [1, mac];
  packet.source.set(direction === 'up' ? near : far);
  packet.destination.set(direction === 'up' ? far : near);
  [packet.sourcePort, packet.destinationPort] = direction === 'up' ? [port, 53] : [53, port];
  packet.findings = { names: names.map((name) => ({ name, via: 'dns' as const })), answers };
  return packet;
}

function visit(address: string, client = CLIENT, direction: 'up' | 'down' = 'up'): ParsedPacket {
  const packet = new ParsedPacket();
  const parsed = parseAddress(address);
  packet.kind = 'tls';
  packet.ipVersion = parsed?.ipVersion ?? 4;
  packet.protocol = 6;
  const mac = parseMac(client) ?? 0;
  [packet.sourceMac, packet.destinationMac] = direction === 'up' ? [mac, 1] : [1, mac];
  const far = parsed?.words ?? new Uint32Array(4);
  (direction === 'up' ? packet.destination : packet.source).set(far);
  return packet;
}

const a = (name: string, value = ADDRESS, ttl = 300): DnsAnswer => ({
  ...{ name, type: value.includes(':') ? 'AAAA' : 'A', value, ttl },
});
const alias = (name: string, value: string, type: DnsAnswer['type'] = 'CNAME'): DnsAnswer => ({
  ...{ name, type, value, ttl: 300 },
});

/** A tap that has seen these, a millisecond apart. */
class Tap {
  readonly names = new AnsweredNames();
  now = 0;

  constructor(policy = ANSWERED) {
    this.names.setPolicy(policy);
  }

  ask(datagram: Datagram = {}, asks = true): void {
    this.now += 1;
    this.names.learn(dns('up', datagram), 'up', this.now, { asks, passes: true });
  }

  answer(answers: readonly DnsAnswer[], datagram: Datagram = {}): Lesson | undefined {
    this.now += 1;
    return this.names.learn(dns('down', { answers, ...datagram }), 'down', this.now, {
      ...{ asks: false, passes: false },
    });
  }

  isOpen(packet = visit(ADDRESS), direction: 'up' | 'down' = 'up'): boolean {
    this.names.recall(packet, direction, this.now);
    return packet.answered;
  }

  /** Something goes there, if it may. */
  go(address = ADDRESS): boolean {
    const packet = visit(address);
    const open = this.isOpen(packet);
    this.names.learn(packet, 'up', this.now, { asks: false, passes: open });
    return open;
  }
}

describe('an answer', () => {
  it('opens its address to the client that asked, both ways, and to no other', () => {
    const tap = new Tap();
    tap.ask();
    expect(tap.answer([a(SHOP)])).toEqual({
      client: CLIENT,
      opened: [{ client: CLIENT, address: ADDRESS, seconds: 300 }],
      closed: [],
      shown: [],
    });
    expect(tap.isOpen()).toBe(true);
    expect(tap.isOpen(visit(ADDRESS, CLIENT, 'down'), 'down')).toBe(true);
    expect(tap.isOpen(visit(ADDRESS, OTHER))).toBe(false);
    expect(tap.isOpen(visit('203.0.113.8'))).toBe(false);
  });

  it.each<[string, Datagram]>([
    ['with another id', { id: 8 }],
    ['to another port', { port: 40_001 }],
    ['from another resolver', { resolver: '192.168.1.9' }],
    ['for another client', { client: OTHER }],
    ['for another name', { names: ['www.other.example'] }],
  ])('%s opens nothing', (_case, datagram) => {
    const tap = new Tap();
    tap.ask();
    const [name = SHOP] = datagram.names ?? [];
    expect(tap.answer([a(name)], datagram)).toBeUndefined();
    expect(tap.isOpen()).toBe(false);
  });

  it('that nobody asked for, that comes too late, or a second time, opens nothing', () => {
    const tap = new Tap();
    expect(tap.answer([a(SHOP)])).toBeUndefined();
    tap.ask();
    tap.now += 31_000;
    expect(tap.answer([a(SHOP)])).toBeUndefined();
    tap.ask();
    expect(tap.answer([a(SHOP)])).toBeDefined();
    expect(tap.answer([a(SHOP, '203.0.113.8')])).toBeUndefined();
    expect(tap.isOpen(visit('203.0.113.8'))).toBe(false);
  });

  it('to what may not be asked in the clear opens nothing', () => {
    const tap = new Tap();
    tap.ask({}, false);
    expect(tap.answer([a(SHOP)])).toBeUndefined();
  });

  it('without a record is still one that its client waits for', () => {
    const tap = new Tap();
    tap.ask();
    expect(tap.answer([])).toEqual({ client: CLIENT, opened: [], closed: [], shown: [] });
  });

  it('opens nothing where direct traffic may go anywhere, and closes all the same', () => {
    const tap = new Tap(SPLIT);
    tap.ask();
    expect(tap.answer([alias(SHOP, BANK), a(BANK)])).toEqual({
      ...{ client: CLIENT, opened: [] },
      closed: [{ address: ADDRESS, name: BANK, seconds: 300 }],
      shown: [{ name: BANK, asked: SHOP }],
    });
  });
});

describe('an address is open', () => {
  it.each([
    [1, 60],
    [60, 60],
    [300, 300],
    [100_000, 86_400],
  ])('with a record for %i s for %i s, and a little longer here than in the kernel', (ttl, seconds) => {
    const tap = new Tap();
    tap.ask();
    expect(tap.answer([a(SHOP, ADDRESS, ttl)])?.opened[0]?.seconds).toBe(seconds);
    tap.now += seconds * 1_000;
    expect(tap.isOpen()).toBe(true);
    // So near to the end the kernel may have judged otherwise.
    expect(tap.names.takeUnsure()).toBe(true);
    expect(tap.names.takeUnsure()).toBe(false);
    tap.now += 1_100;
    expect(tap.isOpen()).toBe(false);
  });

  it('while it is in use, however short its record', () => {
    const tap = new Tap();
    tap.ask();
    tap.answer([a(SHOP, ADDRESS, 1)]);
    for (let times = 0; times < 20; times += 1) {
      expect(tap.go()).toBe(true);
      tap.now += USED.seconds * 1_000 - 1_000;
    }
    tap.now += 3_000;
    expect(tap.go()).toBe(false);
  });

  it('no longer where other names are protected, or the kernel holds it no more', () => {
    const tap = new Tap();
    tap.ask();
    tap.answer([a(SHOP)]);
    tap.names.setPolicy({ ...ANSWERED, privacy: 'minimal' });
    expect(tap.isOpen()).toBe(true);
    tap.names.take([{ client: CLIENT, address: ADDRESS }]);
    expect(tap.isOpen()).toBe(false);
    tap.names.give([{ client: CLIENT, address: ADDRESS, seconds: 10 }], tap.now);
    expect(tap.isOpen()).toBe(true);
    tap.names.setPolicy({ ...ANSWERED, mustTunnel: [{ suffix: 'shop.example', itself: true }] });
    expect(tap.isOpen()).toBe(false);
  });
});

describe('where an answer leads', () => {
  const chain: readonly DnsAnswer[] = [
    alias(SHOP, 'a.cdn.example'),
    alias('a.cdn.example', 'b.cdn.example', 'HTTPS'),
    alias('b.cdn.example', 'c.cdn.example', 'SVCB'),
    a('c.cdn.example', '203.0.113.1'),
    a('c.cdn.example', '2001:db8:80::1'),
    { name: 'b.cdn.example', type: 'HTTPS', value: '203.0.113.2', ttl: 5 },
    a('d.cdn.example', '203.0.113.3'),
  ];

  it('is where its records lead, in whatever order they stand, and nowhere else', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...chain], { minLength: chain.length }), (answers) => {
        const { opened, closed } = ledTo(SHOP, answers, ANSWERED);
        expect(closed).toEqual([]);
        expect(opened.map(({ address }) => address).sort()).toEqual([
          ...['2001:db8:80::1', '203.0.113.1', '203.0.113.2'],
        ]);
      }),
    );
  });

  it('is closed where a protected name stands anywhere on the way', () => {
    const links = ['a.cdn.example', 'b.cdn.example', 'c.cdn.example', SHOP];
    fc.assert(
      fc.property(
        fc.constantFrom(...links),
        fc.constantFrom('bank.example', BANK, 'www.clinic.example'),
        fc.shuffledSubarray([...chain], { minLength: chain.length }),
        (link, secret, answers) => {
          const put = (name: string): string => (name === link ? secret : name);
          const spoilt = answers.map((one) => ({ ...one, name: put(one.name), value: put(one.value) }));
          const { opened, closed } = ledTo(put(SHOP), spoilt, ANSWERED);
          expect(opened).toEqual([]);
          expect(closed.map(({ address }) => address).sort()).toEqual([
            ...['2001:db8:80::1', '203.0.113.1', '203.0.113.2'],
          ]);
          expect(new Set(closed.map(({ name }) => name))).toEqual(new Set([secret]));
        },
      ),
    );
  });

  it.each(['NS', 'MX', 'SRV', 'PTR'] as const)(
    'a protected one that %s names is closed, and no other',
    (type) => {
      const answers = [
        alias(SHOP, 'mail.other.example', type),
        alias(SHOP, BANK, type),
        ...[a('mail.other.example', '203.0.113.1'), a(BANK, '203.0.113.2'), a(SHOP, '203.0.113.3')],
      ];
      fc.assert(
        fc.property(fc.shuffledSubarray(answers, { minLength: answers.length }), (shuffled) => {
          const { opened, closed, shown } = ledTo(SHOP, shuffled, ANSWERED);
          expect(opened.map(({ address }) => address).sort()).toEqual(['203.0.113.1', '203.0.113.3']);
          expect(closed).toEqual([{ address: '203.0.113.2', name: BANK, seconds: 300 }]);
          expect(shown).toEqual([BANK]);
        }),
      );
    },
  );

  it('is closed where the question was whose it is', () => {
    const asked = '7.113.0.203.in-addr.arpa';
    const { closed, shown } = ledTo(asked, [alias(asked, BANK, 'PTR')], ANSWERED);
    expect(closed).toEqual([{ address: ADDRESS, name: BANK, seconds: 300 }]);
    expect(shown).toEqual([BANK]);
  });

  it('is closed where it was asked by an alias of its zone (RFC 2317), and where another name of its own leads there', () => {
    const asked = '7.113.0.203.in-addr.arpa';
    const zone = '7.0-127.113.0.203.in-addr.arpa';
    const reverse = ledTo(asked, [alias(asked, zone), alias(zone, BANK, 'PTR')], ANSWERED);
    expect(reverse.closed).toEqual([{ address: ADDRESS, name: BANK, seconds: 300 }]);
    const beside = ledTo(
      SHOP,
      [alias(BANK, 'cdn.example'), alias(SHOP, 'cdn.example'), a('cdn.example')],
      ANSWERED,
    );
    expect(beside.opened).toEqual([]);
  });

  it('asks once of each name whether it is protected, however long the way is', () => {
    const names = Array.from({ length: 256 }, (_, at) => `n${String(at)}.example`);
    const answers = names
      .slice(1)
      .map((name, at) => alias(names[at] ?? '', name))
      .reverse();
    let asked = 0;
    const mustTunnel = ANSWERED.mustTunnel.map((pattern) => ({
      ...pattern,
      get suffix(): string {
        asked += 1;
        return pattern.suffix;
      },
    }));
    ledTo(names[0] ?? '', [...answers, a(names.at(-1) ?? '')], { ...ANSWERED, mustTunnel });
    // Each pattern is read twice for a name.
    expect(asked).toBeLessThanOrEqual(2 * names.length * mustTunnel.length);
  });

  it('is closed where it serves both', () => {
    const { opened, closed } = ledTo(SHOP, [a(SHOP), a(SHOP, '203.0.113.8'), a(BANK)], ANSWERED);
    expect(opened).toEqual([{ address: '203.0.113.8', seconds: 300 }]);
    expect(closed).toEqual([{ address: ADDRESS, name: BANK, seconds: 300 }]);
  });

  it.each(['127.0.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.251', 'ff02::1', '::1', '::'])(
    'is nowhere at %s',
    (address) => {
      expect(ledTo(SHOP, [a(SHOP, address)], ANSWERED).opened).toEqual([]);
    },
  );

  it('is at most sixty-four addresses', () => {
    const many = Array.from({ length: 200 }, (_, at) => a(SHOP, `203.0.113.${String(at + 1)}`));
    expect(ledTo(SHOP, many, ANSWERED).opened).toHaveLength(64);
  });
});
