// What of a wire's frames a person would count: questions and visits. Holds src/guard/incidents/occasions.ts, with the real dissector
// before it.

import { describe, expect, it } from 'vitest';
import { nodeQuicCrypto } from '../../../appliance/os/quic-crypto.ts';
import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket } from '../../../src/flow/parsed-packet.ts';
import { ObservationBatch } from '../../../src/guard/observation.ts';
import type { Judged } from '../../../src/guard/observation.ts';
import { Occasions } from '../../../src/guard/incidents/occasions.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import * as made from '../../policy/frames.ts';
import type { Bytes } from '../../policy/frames.ts';
import { BARE } from '../../policy/policies.ts';
import { clientHello } from '../../policy/tls-hello.ts';
import { quicInitialFor } from '../../netns/quic-packet.ts';
import { CLIENT } from '../samples.ts';

const SITE = '203.0.113.80';
const [SYN, ACK, PUSH, FIN, RST] = [0x02, 0x10, 0x18, 0x11, 0x14];

/** A wire to the network: frames of one client, in order. */
class Wire {
  readonly #dissector = new Dissector({ quic: nodeQuicCrypto });
  readonly #judge = compileJudge(BARE);
  readonly #occasions = new Occasions();
  readonly #counted: string[] = [];
  ms = 0;

  /** Sends a packet and tells what it was counted as, and under which name. */
  send(protocol: number, payload: Bytes, ip: made.Ipv4 = {}): string {
    const bytes = made.ethernet(0x0800, made.ipv4(protocol, payload, { to: SITE, ...ip }));
    const packet = new ParsedPacket();
    this.#dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
    this.#dissector.application(bytes, packet, this.ms * 1_000);
    const verdict = this.#judge.judge(packet, 'up');
    const judged: Judged = { verdict, direction: 'up', crosses: false, counter: '' };
    const occasion = this.#occasions.of(packet, judged, CLIENT, this.ms);
    const told = occasion === undefined ? '' : `${occasion} ${verdict.exposure}`;
    if (told !== '') this.#counted.push(told);
    return told;
  }

  /** What was counted so far, connections that have shown no name with it; the time in which one may show is over. */
  get counted(): readonly string[] {
    this.ms += 10_000;
    for (const { frames, verdict } of this.#occasions.takeNameless(this.ms))
      for (let at = 0; at < frames; at += 1) this.#counted.push(`visit ${verdict.exposure}`);
    return this.#counted;
  }

  get refused(): number {
    return this.#occasions.refused;
  }
}

function ask(wire: Wire, name: string, type: number, id: number, port = 40_000): string {
  const query = [...made.dnsQuery(name)];
  [query[0], query[1]] = [id >>> 8, id & 255];
  [query[query.length - 4], query[query.length - 3]] = [type >>> 8, type & 255];
  return wire.send(17, made.udp(port, 53, query), { to: '203.0.113.53' });
}

/** Segments of one connection: what was said so far is in their numbers. */
function connection(
  wire: Wire,
  port: number,
  to = 443,
): (flags: number, data?: Bytes, again?: boolean) => string {
  let sequence = 1_000 + port;
  return (flags, data = [], again = false) => {
    const told = wire.send(6, segment(port, to, flags, sequence, data));
    if (!again) sequence += data.length + (flags & (SYN | 1) ? 1 : 0);
    return told;
  };
}

function segment(from: number, to: number, flags: number, sequence: number, data: Bytes): Bytes {
  const head = [...made.u16(from), ...made.u16(to), ...made.u32(sequence), ...made.u32(1)];
  return [...head, 0x50, flags, ...made.u16(65_535), 0, 0, 0, 0, ...data];
}

const [A, AAAA, HTTPS] = [1, 28, 65];

describe('a question', () => {
  it('is one for each time it is asked', () => {
    const wire = new Wire();
    for (let id = 1; id <= 3; id += 1) {
      wire.ms += 5;
      expect(ask(wire, 'bank.example', A, id)).toBe('question bank.example');
    }
    expect(wire.counted).toHaveLength(3);
  });

  it.each<[string, number, (wire: Wire) => string, string]>([
    ['sent again', 5_000, (wire) => ask(wire, 'bank.example', A, 1), ''],
    ['for the other address, beside', 10, (wire) => ask(wire, 'bank.example', AAAA, 2), ''],
    ['from another port, for HTTPS, beside', 900, (wire) => ask(wire, 'bank.example', HTTPS, 3, 40_001), ''],
    [
      'for the other address, later',
      1_001,
      (wire) => ask(wire, 'bank.example', AAAA, 2),
      'question bank.example',
    ],
    ['with its id, much later', 10_001, (wire) => ask(wire, 'bank.example', A, 1), 'question bank.example'],
    ['for another name', 1, (wire) => ask(wire, 'news.example', A, 1), 'question news.example'],
  ])('%s', (_case, later, again, told) => {
    const wire = new Wire();
    ask(wire, 'bank.example', A, 1);
    wire.ms += later;
    expect(again(wire)).toBe(told);
  });

  it('is one for each half minute in which it is sent again, so that a script with one id is not one for ever', () => {
    const wire = new Wire();
    for (; wire.ms <= 90_000; wire.ms += 9_000) ask(wire, 'bank.example', A, 1);
    expect(wire.counted).toHaveLength(3);
  });

  it('over TCP is one, its connection is no visit', () => {
    const wire = new Wire();
    const say = connection(wire, 40_100, 53);
    const query = made.dnsQuery('bank.example');
    say(SYN);
    say(ACK);
    say(PUSH, [...made.u16(query.length), ...query], true);
    say(PUSH, [...made.u16(query.length), ...query]);
    say(FIN);
    expect(wire.counted).toEqual(['question bank.example']);
  });
});

describe('a visit', () => {
  it.each<[string, number, Bytes]>([
    ['TLS', 443, clientHello('bank.example')],
    ['HTTP', 80, made.text('GET / HTTP/1.1\r\nHost: bank.example\r\n\r\n')],
    [
      'a page that another led to',
      80,
      made.text('GET / HTTP/1.1\r\nHost: bank.example\r\nReferer: http://news.example/\r\n\r\n'),
    ],
  ])('is one connection, whatever goes over it, to the name that it shows: %s', (_case, port, said) => {
    const wire = new Wire();
    const say = connection(wire, 40_000, port);
    say(SYN, [], true);
    say(SYN);
    say(ACK);
    expect(say(PUSH, said, true)).toBe('visit bank.example');
    say(PUSH, said);
    for (let more = 0; more < 20; more += 1) say(PUSH, made.fill(100));
    say(FIN);
    expect(wire.counted).toEqual(['visit bank.example']);
  });

  it('is one for each connection, also between the same ports', () => {
    const wire = new Wire();
    const ports = [40_000, 40_001, 40_000];
    for (const [at, port] of ports.entries()) {
      const begin = 9_000 * at;
      wire.send(6, segment(port, 443, SYN, begin, []));
      wire.send(6, segment(port, 443, PUSH, begin + 1, clientHello('bank.example')));
      wire.send(6, segment(port, 443, RST, begin + 1 + clientHello('bank.example').length, []));
    }
    expect(wire.counted).toEqual(ports.map(() => 'visit bank.example'));
  });

  it('without a name is one to the address, when none has come', () => {
    const wire = new Wire();
    const say = connection(wire, 40_000, 8_444);
    say(SYN);
    say(PUSH, made.text('hello'));
    say(FIN);
    wire.ms += 5;
    connection(wire, 40_001, 8_444)(SYN);
    expect(wire.counted).toEqual([`visit ${SITE}`, `visit ${SITE}`]);
    expect(wire.counted).toHaveLength(2);
  });

  it('is none where a connection from before only goes on, or closes', () => {
    const wire = new Wire();
    const say = connection(wire, 40_000);
    for (const flags of [ACK, PUSH, FIN, RST]) say(flags, flags === PUSH ? made.fill(50) : []);
    expect(wire.counted).toEqual([]);
  });

  it('by QUIC is to the name of its Initial, and one of UDP that shows none to the address', () => {
    const wire = new Wire();
    const initial = [...Buffer.from(quicInitialFor('bank.example'), 'hex')];
    expect(wire.send(17, made.udp(50_000, 443, initial))).toBe('visit bank.example');
    wire.send(17, made.udp(50_000, 443, initial));
    for (let more = 0; more < 5; more += 1) wire.send(17, made.udp(50_001, 9_999, made.fill(40)));
    expect(wire.counted).toEqual(['visit bank.example', `visit ${SITE}`]);
  });

  it('of what knows no connections is one until nothing was said for a minute', () => {
    const wire = new Wire();
    const echo = [8, 0, 0, 0, 0, 1, 0, 1, ...made.fill(32)];
    for (let more = 0; more < 5; more += 1) {
      wire.ms += 59_000;
      wire.send(1, echo);
    }
    wire.ms += 60_001;
    wire.send(1, echo);
    expect(wire.counted).toEqual([`visit ${SITE}`, `visit ${SITE}`]);
  });

  it('is counted for few at once, and the rest is told as not counted', () => {
    const wire = new Wire();
    for (let port = 20_000; port < 25_000; port += 1) wire.send(6, segment(port, 8_444, SYN, 1, []));
    expect(wire.refused).toBe(5_000 - 4_096);
    // One that shows its name is counted all the same.
    const say = connection(wire, 40_000);
    say(SYN);
    expect(say(PUSH, clientHello('bank.example'))).toBe('visit bank.example');
    expect(wire.counted).toHaveLength(1 + 4_096);
  });
});

it('a batch that is full keeps questions and visits, with those whose names it folds', () => {
  const wire = { packet: new ParsedPacket(), counted: 0 };
  const batch = new ObservationBatch(4);
  for (let at = 0; at < 50; at += 1) {
    const exposure = `${at}.example`;
    const verdict = {
      verdict: 'leak',
      rule: 'A',
      severity: 'red',
      reason: '',
      exposure,
      destination: SITE,
    } as const;
    const judged: Judged = { verdict, direction: 'up', crosses: false, counter: 'up_leak_dns' };
    batch.add(wire.packet, judged, at % 3, at, undefined, at % 2 === 0 ? 'question' : 'visit');
  }
  const { observations } = batch.take();
  const sum = (what: 'questions' | 'visits'): number =>
    observations.reduce((all, one) => all + (one[what] ?? 0), 0);
  expect([sum('questions'), sum('visits')]).toEqual([25, 25]);
  expect(observations.length).toBeLessThan(12);
});
