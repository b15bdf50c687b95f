// The liveness of a tunnel, driven second by second with what clients and servers of each protocol send. Holds src/guard/tunnels/liveness.ts,
// and of gaps.ts that a gap is only what liveness.ts calls proven.

import { describe, expect, it } from 'vitest';

import type { TunnelProtocol } from '../../../src/flow/kinds.ts';
import { GapWatch } from '../../../src/guard/tunnels/gaps.ts';
import { IDLE_MS, TunnelLiveness, UP_MS } from '../../../src/guard/tunnels/liveness.ts';
import type { Liveness } from '../../../src/guard/tunnels/liveness.ts';

/** What crosses in one second. */
interface Second {
  readonly up?: number;
  readonly down?: number;
  /** The client begins a handshake; its frame is among `up`. */
  readonly attempt?: true;
}
type Traffic = (second: number) => Second;

const at = (second: number): { wall: number; monotonic: number } => ({
  wall: 1_700_000_000_000 + second * 1_000,
  monotonic: second * 1_000,
});

class World {
  readonly liveness: TunnelLiveness;
  readonly gaps = new GapWatch('home');
  readonly states: Liveness[] = [];
  #up = 0;
  #down = 0;
  #second = 0;

  constructor(protocol: TunnelProtocol) {
    this.liveness = new TunnelLiveness(protocol);
    this.liveness.baseline(0, 0);
    this.gaps.baseline(0, 0, at(0));
  }

  /** Runs until second `until`; returns the states that were told, each with the second of its beginning. */
  run(until: number, traffic: Traffic): string[] {
    const told: string[] = [];
    let last: Liveness | undefined;
    while (this.#second < until) {
      this.#second += 1;
      const { up = 0, down = 0, attempt } = traffic(this.#second);
      this.#up += up;
      this.#down += down;
      const now = at(this.#second);
      if (attempt === true) this.liveness.attempted(now.monotonic - 300);
      const kept = this.liveness.read(this.#up, this.#down, now);
      this.gaps.read(this.#up, this.#down, now, {
        kept,
        unanswered: this.liveness.isUnanswered(now.monotonic),
      });
      const state = this.liveness.at(now.monotonic);
      this.states.push(state);
      if (state !== last) told.push(`${String(this.#second)} ${state}`);
      last = state;
    }
    return told;
  }

  get outages(): number {
    return this.gaps.list(at(this.#second).monotonic).length;
  }
}

/** A client's keepalive every `every` seconds from second 3 on. */
const beats = (second: number, every: number): boolean => second >= 3 && (second - 3) % every === 0;

/**
 * WireGuard with PersistentKeepalive and nothing else: the first keepalive after Rekey-After-Time (120 s) begins a handshake, which is
 * answered.
 */
function keepingOpen(every: number): Traffic {
  let handshakeAt = -Infinity;
  return (second) => {
    if (!beats(second, every)) return {};
    if (second - handshakeAt < 120) return { up: 1 };
    handshakeAt = second;
    return { up: 2, down: 1, attempt: true };
  };
}

const HOUR = 3_600;

describe('a tunnel that is only kept open is connected, and never an outage', () => {
  it.each([
    ...[1, 2, 5, 10, 20, 25, 60, 110, 180].map(
      (every) => [`WireGuard, keepalive ${String(every)} s`, 'wireguard', keepingOpen(every)] as const,
    ),
    // The server began the last handshake: the client begins one only when its session is over (Reject-After-Time).
    [
      'WireGuard whose server begins the handshakes',
      'wireguard',
      (second: number) =>
        !beats(second, 25) ? {} : (second - 3) % 200 === 0 ? { up: 2, down: 2 } : { up: 1 },
    ],
    // Both sides have a keepalive, and the server's comes first: the client's timer never runs out.
    [
      'WireGuard whose server keeps it open',
      'wireguard',
      (second: number) =>
        !beats(second, 25) ? {} : (second - 3) % 150 === 0 ? { up: 2, down: 2 } : { down: 1 },
    ],
    [
      'OpenVPN, a ping of each side every 10 s',
      'openvpn',
      (second: number) => ({ up: beats(second, 10) ? 1 : 0, down: beats(second + 4, 10) ? 1 : 0 }),
    ],
    [
      'OpenVPN, pings 60 s apart',
      'openvpn',
      (second: number) => ({ up: beats(second, 60) ? 1 : 0, down: beats(second + 20, 60) ? 1 : 0 }),
    ],
    [
      'IPsec behind a NAT, checked by dead peer detection every 30 s',
      'ipsec',
      (second: number) => ({ up: beats(second, 20) ? 1 : 0, down: beats(second, 30) ? 1 : 0 }),
    ],
    [
      'IPsec behind a NAT, checked every 10 minutes',
      'ipsec',
      (second: number) => ({ up: beats(second, 20) ? 1 : 0, down: beats(second, 600) ? 1 : 0 }),
    ],
  ] as const)('%s', (_name, protocol, traffic) => {
    const world = new World(protocol);
    world.run(HOUR, traffic);
    const after = world.states.slice(world.states.indexOf('up'));
    expect({
      told: [...new Set(after)].filter((state) => state !== 'up' && state !== 'quiet'),
      gaps: world.outages,
    }).toEqual({ told: [], gaps: 0 });
  });

  it('is called quiet when its server was not heard for a while, and up when it was', () => {
    const [world, traffic] = [new World('wireguard'), keepingOpen(25)];
    world.run(UP_MS / 1_000 + 2, traffic);
    expect(world.states.at(-1)).toBe('up');
    world.run(100, traffic);
    expect(world.states.at(-1)).toBe('quiet');
  });
});

describe('a client that was killed is missed within three of its keepalives', () => {
  it.each([
    ...[4, 5, 10, 20, 25, 60].map((every) => ['wireguard', every, keepingOpen(every)] as const),
    // Its server goes on pinging for a while.
    ...[10, 20].map(
      (every) =>
        [
          'openvpn',
          every,
          (second: number) => ({ up: beats(second, every) ? 1 : 0, down: beats(second + 4, every) ? 1 : 0 }),
        ] as const,
    ),
    [
      'ipsec',
      20,
      (second: number) => ({ up: beats(second, 20) ? 1 : 0, down: beats(second, 600) ? 1 : 0 }),
    ] as const,
  ])('%s every %i s', (protocol, every, traffic) => {
    const world = new World(protocol);
    const last = 3 + every * Math.ceil(600 / every);
    world.run(last, traffic);
    const server: Traffic = (second) => ({ down: protocol === 'openvpn' ? (traffic(second).down ?? 0) : 0 });
    const told = world.run(last + 4 * every, server);
    const end = told.find((text) => text.endsWith(' down'));
    expect(told.map((text) => text.split(' ')[1])).not.toContain('trying');
    expect(Number(end?.split(' ')[0]) - last).toBeLessThan(3 * every);
    // A client that stopped proves no outage.
    expect(world.outages).toBe(0);
  });

  it('without a keepalive after the time for which a session lasts', () => {
    const world = new World('wireguard');
    world.run(100, () => ({ up: 5, down: 5 }));
    const told = world.run(400, () => ({}));
    expect(told).toEqual([
      '101 up',
      `${String(100 + UP_MS / 1_000 + 1)} quiet`,
      `${String(100 + IDLE_MS / 1_000 + 1)} down`,
    ]);
    expect(world.outages).toBe(0);
  });
});

describe('a client that nobody answers is trying, and that is an outage', () => {
  const busy: Traffic = () => ({ up: 5, down: 5 });
  it.each([
    // WireGuard begins its handshake again every 5 s (Rekey-Timeout).
    [
      'WireGuard that begins its handshake again and again',
      'wireguard',
      15,
      (second: number): Second => (second % 5 === 0 ? { up: 1, attempt: true } : {}),
    ],
    ['data that is not answered', 'wireguard', 20, (): Second => ({ up: 4 })],
    ['data that is not answered', 'openvpn', 20, (): Second => ({ up: 4 })],
    ['data that is not answered', 'opaque', 20, (): Second => ({ up: 4 })],
    [
      'a ping every 10 s that is not answered',
      'openvpn',
      150,
      (second: number): Second => ({ up: beats(second, 10) ? 1 : 0 }),
    ],
    [
      'keepalives for longer than a session lasts',
      'wireguard',
      230,
      (second: number): Second => ({ up: beats(second, 25) ? 1 : 0 }),
    ],
  ] as const)('%s (%s)', (_name, protocol, within, traffic) => {
    const world = new World(protocol);
    world.run(60, busy);
    world.run(60 + within, traffic);
    expect([world.states.at(-1), world.outages]).toEqual(['trying', 1]);
    // Then it gives up.
    world.run(60 + within + 200, () => ({}));
    expect([world.states.at(-1), world.outages]).toEqual(['down', 1]);
    // Then the server is back: one outage, which has ended.
    world.run(60 + within + 210, busy);
    expect([world.states.at(-1), world.outages]).toEqual(['up', 1]);
  });

  it('is not trying by a handshake or two that are late, nor by one that was answered in between', () => {
    const world = new World('wireguard');
    world.run(10, busy);
    world.run(18, (second) => (second === 12 || second === 17 ? { up: 1, attempt: true } : {}));
    expect(world.states.at(-1)).toBe('up');
    world.run(60, (second) => (second % 10 === 0 ? { up: 1, down: 1, attempt: true } : {}));
    expect([world.states.at(-1), world.outages]).toEqual(['up', 0]);
  });

  it('is trying before any answer too, once it has waited', () => {
    const world = new World('wireguard');
    const told = world.run(20, (second) => (second % 5 === 0 ? { up: 1, attempt: true } : {}));
    expect(told).toEqual(['1 down', '10 trying']);
    expect(world.outages).toBe(0);
  });
});

it('is not connected by answers that nobody asked for: the network can forge those', () => {
  const world = new World('wireguard');
  world.run(100, () => ({ down: 3 }));
  expect(new Set(world.states)).toEqual(new Set(['down']));
  world.run(101, () => ({ up: 1, down: 1 }));
  expect(world.states.at(-1)).toBe('up');
  world.run(101 + IDLE_MS / 1_000 + 1, () => ({ down: 3 }));
  expect(world.states.at(-1)).toBe('down');
});

it('takes the pauses of a person for no keepalive', () => {
  const world = new World('wireguard');
  // Questions 20 s apart that are answered at once, as of a program that asks regularly.
  world.run(300, (second) => (beats(second, 20) ? { up: 2, down: 2 } : {}));
  const told = world.run(303 + 100, () => ({}));
  expect(told.map((text) => text.split(' ')[1])).toEqual(['up', 'quiet']);
});

it('a leak beside a tunnel that is kept open is no outage; one while the client keeps silent is', () => {
  const leak = { incident: 't-1', rule: 'A', exposure: 'bank.example' } as const;
  const world = new World('wireguard');
  world.run(300, keepingOpen(25));
  const beforeKeepalive = 305;
  world.run(beforeKeepalive, keepingOpen(25));
  world.gaps.escaped(leak, 1, at(beforeKeepalive).wall);
  world.run(340, (second) => ({ up: beats(second, 25) ? 1 : 0 }));
  expect(world.outages).toBe(0);
  world.gaps.escaped(leak, 1, at(340).wall);
  world.run(345, () => ({}));
  expect(world.outages).toBe(1);
});
