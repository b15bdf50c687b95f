// What the guard learns from the wire, and what it must not. Holds src/guard/answers/learner.ts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/wire/ip/address.ts';
import type { DnsAnswer } from '../../../src/wire/names/dns-answers.ts';
import type { Kind } from '../../../src/flow/kinds.ts';
import { Learner } from '../../../src/guard/answers/learner.ts';
import type { RefusedAnswer } from '../../../src/guard/answers/learner.ts';
import type { TapReport } from '../../../src/guard/observation.ts';
import { CLIENT, leak, observation, policyOf, report } from '../samples.ts';

const POLICY = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
`);
const asks = (name: string): ReturnType<typeof report> => report('lan', [observation({ names: [name] })]);
const answers = (...list: DnsAnswer[]): ReturnType<typeof report> =>
  report('wan', [observation({ direction: 'down', answers: list })]);
const a = (name: string, value: string, ttl = 300): DnsAnswer => ({ name, type: 'A', value, ttl });

function learner(): Learner {
  const made = new Learner();
  made.setPolicy(POLICY);
  return made;
}

describe('Learner', () => {
  it('takes the answer to a question that a client asked, through canonical names, once', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    const cname: DnsAnswer = { name: 'vpn.example', type: 'CNAME', value: 'pool.example', ttl: 5 };
    const lesson = pupil.observe(answers(cname, a('pool.example', '198.51.100.9')), 1_000);
    expect(lesson).toBe(true);
    expect(pupil.observe(answers(cname, a('pool.example', '198.51.100.9')), 2_000)).toBe(false);
    expect(pupil.state(2_000).addresses).toEqual([
      { name: 'vpn.example', address: '198.51.100.9', seconds: 299 },
    ]);
  });

  it.each([
    ['nobody asked', [], a('vpn.example', '198.51.100.9'), 0],
    ['another name was asked', ['other.example'], a('other.example', '198.51.100.9'), 0],
    ['another name is answered', ['vpn.example'], a('evil.example', '198.51.100.9'), 0],
    ['the answer comes far too late', ['vpn.example'], a('vpn.example', '198.51.100.9'), 31_000],
  ])('learns nothing when %s', (_case, asked, answer, at) => {
    const pupil = learner();
    for (const name of asked) pupil.observe(asks(name), 0);
    expect(pupil.observe(answers(answer), at)).toBe(false);
    expect(pupil.state(at).addresses).toEqual([]);
  });

  it('bounds the time to live, and the number of addresses of one name', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.1', 0), a('vpn.example', '198.51.100.2', 2 ** 31)), 0);
    expect(pupil.state(0).addresses.map((known) => known.seconds)).toEqual([60, 86_400]);
    const many = Array.from({ length: 300 }, (_, n) =>
      a('vpn.example', `198.51.${String(101 + (n >> 8))}.${String(n & 255)}`),
    );
    for (let round = 0; round < 3; round += 1) {
      pupil.observe(asks('vpn.example'), 31_000 * (round + 1));
      pupil.observe(answers(...many.slice(100 * round)), 31_000 * (round + 1));
    }
    expect(pupil.state(31_000).addresses.length).toBeLessThanOrEqual(16);
  });

  it('keeps what is in use through days of sleep, and tells what it lets go', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9', 30), a('vpn.example', '198.51.100.10', 30)), 0);
    pupil.observe(report('wan', [], { handshakes: [{ address: '198.51.100.9', at: 1 }] as never }), 1);
    pupil.keepAlive(new Set(['vpn.example']), 2);
    const hours = (n: number): number => n * 3_600_000;
    // The one that nothing was heard of lasts as long as its record.
    expect(pupil.state(hours(72)).addresses.map(({ address }) => address)).toEqual(['198.51.100.9']);
    expect(pupil.used(hours(72))).toEqual([{ name: 'vpn.example', address: '198.51.100.9' }]);
    pupil.keepAlive(new Set(), hours(31 * 24));
    expect(pupil.state(hours(31 * 24)).addresses).toEqual([]);
    expect(pupil.takeClosed()).toEqual([{ name: 'vpn.example', address: '198.51.100.9', why: 'unused' }]);
    expect(pupil.takeClosed()).toEqual([]);
    pupil.observe(asks('vpn.example'), hours(31 * 24));
    expect(pupil.observe(answers(a('vpn.example', '198.51.100.9')), hours(31 * 24))).toBe(true);
  });

  it('goes on after a restart of the box with what was in use, and with no other name', () => {
    const pupil = learner();
    pupil.recall(
      [
        { name: 'vpn.example', address: '198.51.100.9' },
        { name: 'other.example', address: '198.51.100.10' },
        { name: 'vpn.example', address: 'nowhere' },
      ],
      0,
    );
    expect(pupil.state(0).addresses).toEqual([
      { name: 'vpn.example', address: '198.51.100.9', seconds: 30 * 86_400 },
    ]);
  });

  it('lets the newest answer win, but not over what has proven itself', () => {
    const pupil = learner();
    const address = (n: number): string => `198.51.${String(100 + (n >> 8))}.${String(n & 255)}`;
    for (let round = 0; round < 20; round += 1) {
      pupil.observe(asks('vpn.example'), 31_000 * round);
      const eight = Array.from({ length: 8 }, (_, n) => a('vpn.example', address(8 * round + n), 86_400));
      pupil.observe(answers(...eight), 31_000 * round);
      if (round === 0)
        pupil.observe(report('wan', [], { handshakes: [{ address: address(3), at: 1 }] as never }), 1);
    }
    const known = pupil.state(31_000 * 19).addresses.map((one) => one.address);
    expect(known).toHaveLength(16);
    expect(known).toContain(address(3));
    for (let n = 8 * 18 + 1; n < 8 * 20; n += 1) expect(known).toContain(address(n));
  });

  it('has the rules told in time, and seldom, of what holds longer than they were told', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9', 60)), 0);
    const seconds = (now: number): number => pupil.state(now).addresses[0]?.seconds ?? 0;
    // What the kernel counts down is what was in force when the rules were last given to it.
    let end = 1_000 * seconds(0);
    let told = 0;
    for (let now = 700; now < 3_600_000; now += 700) {
      if (pupil.keepAlive(new Set(['vpn.example']), now)) {
        end = now + 1_000 * seconds(now);
        told += 1;
      }
      expect(end).toBeGreaterThan(now + 20_000);
    }
    expect(told).toBeLessThan(20);
  });

  it('takes the first answer to a question, and none that follows', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 1);
    // The other tap tells of the same question late.
    pupil.observe(asks('vpn.example'), 2);
    expect(pupil.observe(answers(a('vpn.example', '203.0.113.66')), 3)).toBe(false);
    expect(pupil.state(3).addresses.map(({ address }) => address)).toEqual(['198.51.100.9']);
  });

  it('takes an address whose canonical name stands behind it', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    const cname: DnsAnswer = { name: 'vpn.example', type: 'CNAME', value: 'pool.example', ttl: 5 };
    expect(pupil.observe(answers(a('pool.example', '198.51.100.9'), cname), 1)).toBe(true);
  });

  it('takes answers for names below which the client makes a label up, for no other label and no other question', () => {
    const pupil = new Learner();
    pupil.setPolicy(
      policyOf(`version: 1
tunnels:
  - {name: away, protocol: openvpn, endpoints: ["udp:*.vpn.example:1194", "udp:b.example:1194"]}
`),
    );
    const [first, second] = ['0123456789ab.vpn.example', 'ba9876543210.vpn.example'];
    for (const name of ['vpn.example', 'x.vpn.example', `${first}x`]) {
      pupil.observe(asks(name), 0);
      expect(pupil.observe(answers(a(name, '198.51.100.8')), 0)).toBe(false);
    }
    pupil.observe(asks(first), 0);
    expect(pupil.observe(answers(a(second, '198.51.100.8')), 1)).toBe(false);
    pupil.observe(asks(second), 40_000);
    expect(pupil.observe(answers(a(second, '198.51.100.9')), 40_001)).toBe(true);
    pupil.observe(asks('b.example'), 80_000);
    expect(pupil.observe(answers(a('b.example', '198.51.100.10')), 80_001)).toBe(true);
    expect(pupil.state(80_001).addresses.map(({ name, address }) => [name, address])).toEqual([
      ['*.vpn.example', '198.51.100.9'],
      ['b.example', '198.51.100.10'],
    ]);
  });

  it('says what has just been learned, for as long as nobody else may know, and what is asked', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    expect([pupil.asked('vpn.example', 5), pupil.wasResolved('vpn.example', '198.51.100.9', 5)]).toEqual([
      true,
      false,
    ]);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 10);
    expect([pupil.asked('vpn.example', 15), pupil.wasResolved('vpn.example', '198.51.100.9', 9)]).toEqual([
      false,
      true,
    ]);
    expect(pupil.wasLearnedBetween('vpn.example', 0, 10)).toBe(true);
    expect(pupil.wasLearnedBetween('vpn.example', 11, 20)).toBe(false);
    pupil.observe(asks('vpn.example'), 40_000);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 40_001);
    // It was known: whoever goes there is in nobody's way.
    expect(pupil.wasResolved('vpn.example', '198.51.100.9', 40_001)).toBe(false);
  });

  describe('an answer is bound to its question', () => {
    interface Ends {
      readonly id: number;
      readonly client: number;
      readonly near: number;
      readonly nearPort: number;
      readonly far: number;
      readonly farPort: number;
    }
    const TRUE: Ends = {
      id: 7,
      client: CLIENT,
      near: 0xc0a84d64,
      nearPort: 40_000,
      far: 0xcb007135,
      farPort: 53,
    };
    const message = (direction: 'up' | 'down', ends: Ends): ReturnType<typeof observation> => {
      const up = direction === 'up';
      const sample = up ? { names: ['vpn.example'] } : { answers: [a('vpn.example', '198.51.100.9')] };
      const seen = { ...observation({ direction, ...sample }), client: ends.client };
      const { packet } = seen;
      Object.assign(packet, { ipVersion: 4, protocol: 17, payloadHead: (ends.id << 16) | 0x8180 });
      packet.source.set([0, 0, 0xffff, up ? ends.near : ends.far]);
      packet.destination.set([0, 0, 0xffff, up ? ends.far : ends.near]);
      packet.sourcePort = up ? ends.nearPort : ends.farPort;
      packet.destinationPort = up ? ends.farPort : ends.nearPort;
      return seen;
    };
    const learns = (forged: Partial<Ends>): boolean => {
      const pupil = learner();
      pupil.observe(report('lan', [message('up', TRUE)]), 0);
      return pupil.observe(report('wan', [message('down', { ...TRUE, ...forged })]), 1);
    };

    it('the true one is taken', () => {
      expect(learns({})).toBe(true);
    });

    it.each<[string, Partial<Ends>]>([
      ['id', { id: 8 }],
      ["client's port", { nearPort: 40_001 }],
      ["server's port", { farPort: 5353 }],
      ['server', { far: 0xcb007136 }],
      ["client's address", { near: 0xc0a84d65 }],
      ['client', { client: CLIENT + 1 }],
    ])('one with another %s is not', (_what, forged) => {
      expect(learns(forged)).toBe(false);
    });

    it('no other combination of them is, by whatever chance', () => {
      const near = (value: number): fc.Arbitrary<number> => fc.constantFrom(value, value + 1);
      const ends = fc.record({
        ...{ id: near(TRUE.id), client: near(TRUE.client), near: near(TRUE.near) },
        ...{ nearPort: near(TRUE.nearPort), far: near(TRUE.far), farPort: near(TRUE.farPort) },
      });
      fc.assert(
        fc.property(ends, (forged) => {
          expect(learns(forged)).toBe(JSON.stringify({ ...TRUE, ...forged }) === JSON.stringify(TRUE));
        }),
        { seed: 20_261_129 },
      );
    });
  });

  it.each<[string, string, RefusedAnswer['why']]>([
    ['loopback', '127.0.0.1', 'reserved'],
    ['unspecified', '0.0.0.0', 'reserved'],
    ['multicast', '224.0.0.1', 'reserved'],
    ['broadcast', '255.255.255.255', 'reserved'],
    ['link-local', '169.254.77.1', 'reserved'],
    ['the gateway', '203.0.113.1', 'of this network'],
    ['next door, while the server is out in the world', '192.168.77.9', 'private'],
    ['an address that was visited past the tunnel', '203.0.113.80', 'in other use'],
    ['an address that was answered for another name', '203.0.113.81', 'in other use'],
  ])('does not take %s for a tunnel server, and says why, once', (_what, address, why) => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    expect(pupil.observe(answers(a('vpn.example', '198.51.100.9')), 0)).toBe(true);
    const offer = { server: '203.0.113.1', router: '203.0.113.1' };
    pupil.observe(report('wan', [observation({ direction: 'down', kind: 'dhcp', offer })]), 0);
    const visit = observation({ kind: 'tls', names: ['news.example'] });
    Object.assign(visit.packet, { ipVersion: 4, protocol: 6, destinationPort: 443 });
    visit.packet.destination.set([0, 0, 0xffff, 0xcb007150]);
    pupil.observe(report('lan', [visit]), 0);
    pupil.observe(answers(a('news.example', '203.0.113.81')), 0);
    pupil.observe(asks('vpn.example'), 40_000);
    expect(pupil.observe(answers(a('vpn.example', address)), 40_000)).toBe(false);
    expect(pupil.takeRefused()).toEqual([{ name: 'vpn.example', address, why }]);
    pupil.observe(asks('vpn.example'), 80_000);
    expect(pupil.observe(answers(a('vpn.example', '198.51.100.10')), 80_000)).toBe(true);
    expect(pupil.takeRefused()).toEqual([]);
  });

  it('tells the newest of the answers that it refuses, each once, however many a network gives', () => {
    const pupil = learner();
    for (let n = 0; n < 100; n += 1) {
      pupil.observe(asks('vpn.example'), 40_000 * n);
      pupil.observe(answers(a('vpn.example', `127.0.0.${String(n >> 1)}`)), 40_000 * n);
    }
    expect(pupil.takeRefused().map(({ address }) => address)).toEqual(
      Array.from({ length: 16 }, (_, n) => `127.0.0.${String(34 + n)}`),
    );
  });

  it('learns the DHCP server and the resolvers it names', () => {
    const pupil = learner();
    const offer = { server: '192.0.2.1', leaseSeconds: 600, resolvers: ['192.0.2.1', '192.0.2.53'] };
    const seen = report('wan', [observation({ direction: 'down', kind: 'dhcp', offer })]);
    expect(pupil.observe(seen, 0)).toBe(true);
    expect(pupil.observe(seen, 0)).toBe(false);
    expect(pupil.state(0).dhcpServers).toEqual([
      { address: '192.0.2.1', mac: '00:00:00:00:00:00', seconds: 600 },
    ]);
    expect(pupil.state(0).resolvers.map((r) => r.address)).toEqual(['192.0.2.53', '192.0.2.1']);
    expect(pupil.state(600_000).dhcpServers).toEqual([]);
  });

  it('goes on where its record ends', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 0);
    const next = learner();
    next.restore(pupil.record());
    expect(next.state(10_000).addresses).toEqual([
      { name: 'vpn.example', address: '198.51.100.9', seconds: 290 },
    ]);
  });
});

describe('a tunnel that is named after its client has tried to reach it', () => {
  const NAMED = policyOf(`version: 1
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
  - {name: stream, protocol: openvpn, endpoints: ["tcp:vpn.example:443"]}
`);
  const SERVER = '198.51.100.9';
  interface Visit {
    readonly protocol: number;
    readonly port: number;
    readonly name?: string;
    readonly kind?: Kind;
  }
  const visit = ({ protocol, port, name, kind = protocol === 17 ? 'udp' : 'tcp' }: Visit): TapReport => {
    const seen = observation({ kind, names: name === undefined ? [] : [name] });
    Object.assign(seen.packet, { ipVersion: 4, protocol, destinationPort: port });
    seen.packet.destination.set(parseAddress(SERVER)?.words ?? []);
    return report('lan', [seen]);
  };
  const answered = (name: string, ...list: DnsAnswer[]): TapReport =>
    report('wan', [observation({ direction: 'down', names: [name], answers: list })]);
  const leads = (name: string, value: string): DnsAnswer => ({ name, type: 'CNAME', value, ttl: 300 });

  function learnsAfter(before: readonly TapReport[]): boolean {
    const pupil = new Learner();
    pupil.setPolicy(policyOf('version: 1\n'));
    for (const one of before) pupil.observe(one, 0);
    pupil.setPolicy(NAMED);
    pupil.observe(asks('vpn.example'), 60_000);
    return pupil.observe(answers(a('vpn.example', SERVER)), 60_000);
  }

  it.each<[string, TapReport[]]>([
    ['packets to its port', [visit({ protocol: 17, port: 51_820 })]],
    ['a connection to its port', [visit({ protocol: 6, port: 443 })]],
    ['a handshake with its name', [visit({ protocol: 6, port: 443, name: 'vpn.example', kind: 'tls' })]],
    ['pings', [visit({ protocol: 1, port: -1, kind: 'icmp' })]],
    ['an answer for its name', [answered('vpn.example', a('vpn.example', SERVER))]],
    [
      'an answer for its name by way of another',
      [answered('vpn.example', leads('vpn.example', 'edge.cdn.example'), a('edge.cdn.example', SERVER))],
    ],
  ])('is learned, though before there were %s', (_what, before) => {
    expect(learnsAfter(before)).toBe(true);
  });

  it('is learned, though another tunnel has been tried at that server before', () => {
    const pupil = new Learner();
    pupil.setPolicy(
      policyOf(`version: 1
tunnels:
  - {name: old, protocol: openvpn, endpoints: ["udp:old.example:1194"]}
`),
    );
    pupil.observe(visit({ protocol: 17, port: 1_194 }), 0);
    pupil.observe(answered('old.example', a('old.example', SERVER)), 0);
    pupil.setPolicy(NAMED);
    pupil.observe(asks('vpn.example'), 60_000);
    expect(pupil.observe(answers(a('vpn.example', SERVER)), 60_000)).toBe(true);
  });

  it.each<[string, TapReport[]]>([
    ['packets to another port', [visit({ protocol: 17, port: 4_433 })]],
    ['packets to a port that it has over TCP', [visit({ protocol: 17, port: 443 })]],
    ['a visit by another name', [visit({ protocol: 6, port: 443, name: 'www.bank.example', kind: 'tls' })]],
    ['an answer for another name', [answered('www.bank.example', a('www.bank.example', SERVER))]],
    [
      'an answer for another name by way of the same',
      [answered('www.bank.example', leads('www.bank.example', 'edge.example'), a('edge.example', SERVER))],
    ],
    [
      'more than anybody counts',
      Array.from({ length: 9 }, (_, n) => answered(`${String(n)}.vpn.example`, a('x.example', SERVER))),
    ],
  ])('is not, where before there were %s', (_what, before) => {
    expect(learnsAfter(before)).toBe(false);
  });
});

describe('what is said to an address that only an answer vouches for', () => {
  const STREAM = policyOf(`version: 1
tunnels:
  - {name: home, protocol: opaque, endpoints: ["tcp:vpn.example:443"]}
`);
  const foreign = (rule: 'E' | 'F', port: number, protocol = 6): ReturnType<typeof report> => {
    const seen = observation({ kind: 'tls', verdict: leak('www.bank.example', { rule }) });
    const destination = Uint32Array.from([0, 0, 0xffff, 0xc6336409]);
    Object.assign(seen.packet, { ipVersion: 4, protocol, destinationPort: port, destination });
    return report('lan', [seen]);
  };
  const known = (): Learner => {
    const pupil = new Learner();
    pupil.setPolicy(STREAM);
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 1);
    expect(pupil.state(1).addresses).toHaveLength(1);
    return pupil;
  };

  it('and is not the tunnel closes it, is told once, and keeps it closed to the next answer', () => {
    const pupil = known();
    expect(pupil.observe(foreign('F', 443), 2)).toBe(true);
    expect(pupil.state(2).addresses).toEqual([]);
    expect(pupil.takeWithdrawn()).toEqual([{ name: 'vpn.example', address: '198.51.100.9' }]);
    expect(pupil.takeWithdrawn()).toEqual([]);
    pupil.observe(asks('vpn.example'), 31_000);
    expect(pupil.observe(answers(a('vpn.example', '198.51.100.9')), 31_001)).toBe(false);
  });

  it.each<[string, ReturnType<typeof report>]>([
    ['another rule', foreign('E', 443)],
    ['another port', foreign('F', 80)],
    ['another transport', foreign('F', 443, 17)],
  ])('closes nothing by %s', (_what, seen) => {
    const pupil = known();
    pupil.observe(seen, 2);
    expect(pupil.state(2).addresses).toHaveLength(1);
  });

  it('closes nothing that was proven, not even after a restart, and only the wan tap proves', () => {
    const handshakes = [
      { tunnel: 'home', endpoint: 'udp:vpn.example:51820', address: '198.51.100.9', at: 1 },
    ];
    const pupil = known();
    pupil.observe(report('wan', [], { handshakes }), 2);
    const next = new Learner();
    next.setPolicy(STREAM);
    next.restore(JSON.parse(JSON.stringify(pupil.record())) as ReturnType<Learner['record']>);
    for (const one of [pupil, next]) {
      expect(one.observe(foreign('F', 443), 3)).toBe(false);
      expect(one.state(3).addresses).toHaveLength(1);
    }
    const other = known();
    other.observe(report('lan', [], { handshakes }), 2);
    expect(other.observe(foreign('F', 443), 3)).toBe(true);
  });
});

describe("a network's own prefix of NAT64", () => {
  const FOUR_TEXT =
    'version: 1\ntunnels: [{name: home, protocol: wireguard, endpoints: ["udp:203.0.113.7:51820"]}]\n';
  const FOUR = policyOf(FOUR_TEXT);
  const aaaa = (value: string, ttl = 300): DnsAnswer => ({ name: 'ipv4only.arpa', type: 'AAAA', value, ttl });
  const pupilOf = (policy = FOUR): Learner => {
    const pupil = new Learner();
    pupil.setPolicy(policy);
    return pupil;
  };
  const told = (pupil: Learner, at: number, ...list: DnsAnswer[]): boolean => {
    pupil.observe(asks('ipv4only.arpa'), at);
    return pupil.observe(answers(...list), at);
  };
  const networks = (pupil: Learner, at: number): string[] =>
    pupil.state(at).prefixes.map(({ network }) => network);

  it('is learned from the answer that was asked for, and ends with its record', () => {
    const pupil = pupilOf();
    expect(pupil.observe(answers(aaaa('2001:db8:64::c000:aa')), 0)).toBe(false);
    expect(told(pupil, 0, aaaa('2001:db8:64::c000:aa', 1), aaaa('2001:db8:64::c000:ab', 1))).toBe(true);
    expect(pupil.state(0).prefixes).toEqual([{ network: '2001:db8:64::/96', seconds: 60 }]);
    expect(pupil.unprovenPrefixes(0)).toEqual(['2001:db8:64::/96']);
    expect(networks(pupil, 61_000)).toEqual([]);
    expect(pupil.state(0).addresses).toEqual([]);
  });

  it.each([
    ['the prefix that every network has', '64:ff9b::c000:aa'],
    ['a prefix of the link', 'fe80::c000:aa'],
    ['a group', 'ff02::c000:aa'],
    ['no prefix', '2001:db8::1'],
  ])('%s is none', (_case, value) => {
    const pupil = pupilOf();
    expect(told(pupil, 0, aaaa(value))).toBe(false);
    expect(networks(pupil, 0)).toEqual([]);
  });

  it('is of no use to a policy without an IPv4 server', () => {
    const six = policyOf(FOUR_TEXT.replace('203.0.113.7', '[2001:db8::7]'));
    expect(told(pupilOf(six), 0, aaaa('2001:db8:64::c000:aa'))).toBe(false);
  });

  it('there are two at most, and what a tunnel uses makes no room', () => {
    const pupil = pupilOf();
    told(pupil, 0, aaaa('2001:db8:61::c000:aa'));
    const proof = {
      tunnel: 'home',
      endpoint: 'udp:203.0.113.7:51820',
      address: '2001:db8:61::cb00:7107',
      at: 0,
    };
    expect(pupil.observe({ ...report('wan', []), handshakes: [proof] }, 1_000)).toBe(true);
    expect(pupil.unprovenPrefixes(1_000)).toEqual([]);
    for (const at of [62, 63, 64]) told(pupil, (at - 61) * 40_000, aaaa(`2001:db8:${at}::c000:aa`));
    expect(networks(pupil, 120_000)).toEqual(['2001:db8:61::/96', '2001:db8:64::/96']);
    // In use it stays for as long as an address that was in use.
    expect(networks(pupil, 29 * 86_400_000)).toEqual(['2001:db8:61::/96']);
  });

  it('is withdrawn when something foreign is said behind it, and not believed again for an hour', () => {
    const pupil = pupilOf();
    told(pupil, 0, aaaa('2001:db8:64::c000:aa'));
    const foreign = observation({ verdict: leak('', { rule: 'F' }), kind: 'tcp' });
    Object.assign(foreign.packet, { protocol: 6, ipVersion: 6 });
    foreign.packet.destination.set(parseAddress('2001:db8:64::cb00:7107')?.words ?? []);
    expect(pupil.observe(report('lan', [foreign]), 1_000)).toBe(true);
    expect(networks(pupil, 1_000)).toEqual([]);
    expect(pupil.takeWithdrawn()).toEqual([{ name: 'ipv4only.arpa', address: '2001:db8:64::/96' }]);
    expect(told(pupil, 40_000, aaaa('2001:db8:64::c000:aa'))).toBe(false);
  });

  it('outlives the process that learned it', () => {
    const pupil = pupilOf();
    told(pupil, 0, aaaa('2001:db8:64::c000:aa'));
    const next = pupilOf();
    next.restore(JSON.parse(JSON.stringify(pupil.record())) as ReturnType<Learner['record']>);
    expect(networks(next, 0)).toEqual(['2001:db8:64::/96']);
  });
});
