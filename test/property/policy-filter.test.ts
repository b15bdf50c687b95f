// Checks that the compiled capture filter, run by libpcap itself, hides exactly what the judge calls tunnel, but for the answers to
// handshakes, which end a silence, and what a client says over TCP, by which its streams are known. A hidden leak would never be seen; a
// visible tunnel only costs time.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { readHeaders } from '../../src/flow/headers/headers.ts';
import { compileFilter } from '../../src/policy/compile/bpf.ts';
import { isOpenProfile } from '../../src/policy/filter/direct.ts';
import { isTranslated } from '../../src/policy/servers/hosts.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import type { Judge } from '../../src/policy/judge.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { hasEsp, isShown } from '../../src/policy/shapes/shape.ts';
import { addressText } from '../../src/wire/ip/address.ts';
import { mutants } from '../policy/mutants.ts';
import {
  ANYWHERE,
  BARE,
  CHANGED,
  SERVER_GROUP,
  SERVER_GROUP_LEARNED,
  FULL,
  IKE_STREAMS,
  LEARNED,
  NEBULA,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
  STUB_SHUT,
  TAILSCALE,
  TRANSLATED,
  ZEROTIER,
} from '../policy/policies.ts';
import { BEHIND_PREFIXES } from '../policy/shapes-ranges.ts';
import { SHAPES } from '../policy/shapes.ts';

const directory = mkdtempSync(join(tmpdir(), 'leakguard-filter-'));

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function pcapOf(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65535, 16);
  header.writeUInt32LE(1, 20);
  // The second is the frame's number: it says which frames came through.
  const records = frames.map((frame, at) => {
    const record = Buffer.alloc(16 + frame.length);
    record.writeUInt32LE(at, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    record.set(frame, 16);
    return record;
  });
  return Buffer.concat([header, ...records]);
}

/** The numbers of the frames that the filter lets through. */
function shown(frames: readonly Uint8Array[], filter: string): ReadonlySet<number> {
  const [from, to] = [join(directory, 'in.pcap'), join(directory, 'out.pcap')];
  writeFileSync(from, pcapOf(frames));
  execFileSync('tcpdump', ['-r', from, '-w', to, filter], { stdio: 'pipe' });
  const out = readFileSync(to);
  const numbers = new Set<number>();
  for (let at = 24; at + 16 <= out.length; at += 16 + out.readUInt32LE(at + 8))
    numbers.add(out.readUInt32LE(at));
  return numbers;
}

/** What comes down is hidden only where it is for a client's own address; to a group or to a stranger's it is shown. */
function isForClient(packet: ParsedPacket, { own, own6 }: LearnedState): boolean {
  const clients = packet.ipVersion === 4 ? own : own6;
  const to = addressText(packet.ipVersion, packet.destination);
  return clients.length === 0 || clients.some(({ address }) => address === to);
}

interface Case {
  readonly policy: Policy;
  readonly learned: LearnedState;
  readonly judge: Judge;
}

function isHidden({ policy, learned, judge }: Case, direction: 'up' | 'down', bytes: Uint8Array): boolean {
  const packet = new ParsedPacket();
  readHeaders(bytes, 0, bytes.length, bytes.length, 1, packet);
  // A tag of VLAN 0 is none to the judge; the filter shows whatever is tagged, which only costs time.
  if (bytes[12] === 0x81 && bytes[13] === 0) return false;
  const endpoint = judge.endpoints[judge.tunnelOf(packet, direction)];
  if (endpoint === undefined || isShown(endpoint, packet, direction)) return false;
  if (direction === 'down' && !isOpenProfile(policy) && !isForClient(packet, learned)) return false;
  // The filter leaves IPsec through NAT64 out, and shows it (src/policy/compile/bpf.ts).
  const peer = direction === 'up' ? packet.destination : packet.source;
  return !hasEsp(endpoint.shape) || !isTranslated(packet.ipVersion, peer);
}

const CASES = [
  { name: 'every protocol, both families', policy: FULL, learned: LEARNED },
  { name: 'one endpoint', policy: BARE, learned: NOTHING_LEARNED },
  { name: 'proxy-stub', policy: STUB, learned: LEARNED },
  { name: 'proxy-stub, nothing direct', policy: STUB_SHUT, learned: LEARNED },
  { name: 'split', policy: SPLIT, learned: LEARNED },
  // Where one server's range lies in another's of another form, the wider one is shown.
  { name: 'ranges of ports and networks', policy: RANGES, learned: RANGES_LEARNED, shows: true },
  { name: 'peers anywhere', policy: ANYWHERE, learned: LEARNED },
  { name: 'WireGuard with other packets', policy: CHANGED, learned: LEARNED, shows: true },
  { name: 'IKE over TCP', policy: IKE_STREAMS, learned: LEARNED },
  { name: "Tailscale's mesh", policy: TAILSCALE, learned: LEARNED, shows: true },
  { name: "Nebula's mesh", policy: NEBULA, learned: LEARNED, shows: true },
  // The filter does not ask which way such a packet goes, so it shows all of them (src/policy/shapes/protocols.ts).
  { name: "ZeroTier's mesh", policy: ZEROTIER, learned: LEARNED, shows: true, hidesNothing: true },
  { name: 'a network with NAT64 of its own', policy: RANGES, learned: TRANSLATED, shows: true },
  // Of too many servers those in use are hidden.
  {
    ...{ name: 'server groups of servers', policy: SERVER_GROUP, learned: SERVER_GROUP_LEARNED, shows: true },
    inUse: ['udp:198.51.100.7:53', 'udp:198.51.100.7:4000-33433', 'udp:vpn2.example.com:5000'],
  },
] as const;

const BOTH_WAYS = CASES.flatMap((one) =>
  (['up', 'down'] as const).map((direction) => ({ ...one, direction })),
);

describe.each(BOTH_WAYS)(
  'the filter of a policy with $name, $way',
  ({ policy, learned, direction, ...more }) => {
    const judged = { policy, learned, judge: compileJudge(policy, learned) };
    const filter = compileFilter(policy, direction, learned, 'inUse' in more ? more.inUse : []);

    it('shows what is no tunnel and hides what is', () => {
      const seen = { hidden: 0, shown: 0 };
      const property = fc.property(fc.integer({ min: 1, max: 0x7fffffff }), (seed) => {
        const frames = [...SHAPES, ...BEHIND_PREFIXES, ...mutants(SHAPES, 1500, seed)];
        const visible = shown(
          frames.map(({ bytes }) => bytes),
          filter,
        );
        const wrong = frames.filter(
          ({ bytes }, at) =>
            visible.has(at) === isHidden(judged, direction, bytes) && !('shows' in more && visible.has(at)),
        );
        seen.shown += visible.size;
        seen.hidden += frames.length - visible.size;
        expect(wrong.map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString('hex')}`)).toEqual([]);
      });
      // The first is a fragment of a tunnel's server to a group.
      fc.assert(property, { numRuns: 20, examples: [[11_160_792]] });
      if ('hidesNothing' in more) expect(seen.hidden).toBe(0);
      else expect(seen.hidden).toBeGreaterThan(60);
      expect(seen.shown).toBeGreaterThan(1000);
    });

    it('hides nothing that ends early: a program that reads behind the end would drop the frame unseen', () => {
      const cuts = SHAPES.flatMap(({ name, bytes }) =>
        Array.from({ length: Math.min(bytes.length, 100) - 14 }, (_, at) => ({
          name,
          bytes: bytes.slice(0, 14 + at),
        })),
      );
      const visible = shown(
        cuts.map(({ bytes }) => bytes),
        filter,
      );
      const hidden = cuts.filter((_, at) => !visible.has(at));
      expect(
        hidden.filter(({ bytes }) => !isHidden(judged, direction, bytes)).map(({ name }) => name),
      ).toEqual([]);
    });
  },
);

describe('a filter', () => {
  it('hides nothing when there is no tunnel, or more addresses than it can hold', () => {
    expect(compileFilter({ ...BARE, tunnels: [] }, 'wan')).toBe('');
    const endpoints = Array.from({ length: 1000 }, (_, at) => ({
      transport: 'udp' as const,
      host: `10.0.${at >>> 8}.${at & 255}`,
      hostIs: 'ipv4' as const,
      port: 51820,
    }));
    const many = { ...BARE, tunnels: [{ name: 'many', protocol: 'wireguard' as const, endpoints }] };
    expect(compileFilter(many, 'wan')).toBe('');
    const inUse = [7, 8].map((at) => `udp:10.0.0.${at}:51820`);
    const filter = compileFilter(many, 'wan', NOTHING_LEARNED, inUse);
    for (const host of ['10.0.0.7', '10.0.0.8']) expect(filter).toContain(host);
    expect(filter).not.toContain('10.0.0.9');
    // Of more in use than it holds it hides the last ones.
    const used = many.tunnels[0]?.endpoints.map(({ host }) => `udp:${host}:51820`) ?? [];
    expect(compileFilter(many, 'wan', NOTHING_LEARNED, used)).toContain('10.0.3.231');
  });

  it.each([
    ...(['wireguard', 'openvpn', 'ipsec', 'nebula', 'opaque'] as const).map((of) => [of, 'udp', 6] as const),
    ...(['wireguard', 'openvpn', 'opaque'] as const).map((of) => [of, 'udp', 4] as const),
    ...(['openvpn', 'opaque'] as const).flatMap((of) => [[of, 'tcp', 4] as const, [of, 'tcp', 6] as const]),
  ])('fits into the kernel at its largest: %s over %s and IPv%i', (protocol, transport, family) => {
    const filterOf = (ports: number, addresses: number): string => {
      const endpoints = Array.from({ length: addresses }, (_, at) => ({
        ...{ transport, hostIs: `ipv${family}` as const },
        host: family === 4 ? `203.0.113.${at + 1}` : `2001:db8::${(at + 1).toString(16)}`,
        port: protocol === 'ipsec' ? (at % 2 === 0 ? 500 : 4_500) : 2_000 + 3 * (at % ports),
      }));
      return compileFilter({ ...BARE, tunnels: [{ name: 'many', protocol, endpoints }] }, 'wan');
    };
    // The most ports, and of one port the most addresses, at which every endpoint is still in the filter.
    const fullest = (of: (count: number) => string): string => {
      let count = 1;
      while (count < 250 && /* nothing is left out */ of(count + 1) !== '') count += 1;
      return of(count);
    };
    for (const filter of [
      fullest((count) => filterOf(count, count)),
      fullest((count) => filterOf(1, count)),
    ]) {
      const program = execFileSync('tcpdump', ['-y', 'EN10MB', '-i', 'lo', '-ddd', filter], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
      expect(Number(program.split('\n')[0])).toBeLessThan(4096);
    }
  });

  it('asks at a port which way a frame goes, as the kernel says it', () => {
    const direction = (port: 'lan' | 'wan'): string[] =>
      compileFilter(BARE, port).match(/inbound|outbound/g) ?? [];
    expect([direction('lan'), direction('wan')]).toEqual([
      ['inbound', 'outbound'],
      ['outbound', 'inbound'],
    ]);
    // But for that it is what hides frames of that way alone.
    const told = (filter: string): string[] => filter.split(/ or not \(| or \(?(?:in|out)bound and /);
    expect(told(compileFilter(BARE, 'up'))[1]).toContain('dst host');
    expect(told(compileFilter(BARE, 'down'))[1]).toContain('src host');
  });
});
