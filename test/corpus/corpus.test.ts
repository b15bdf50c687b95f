// The bars for what is read in real captures (README's table of guarantees cites them). Without the corpus the tests say so and pass.

import { beforeAll, describe, expect, test } from 'vitest';
import type { Kind, Via } from '../../src/flow/kinds.ts';
import { VIAS } from '../../src/flow/kinds.ts';
import { hasTshark, oracle, pagesByTshark, readOne } from './captures.ts';
import type { Reading } from './captures.ts';
import { EXCEPTIONS, isExcepted } from './exceptions.ts';

const expected = oracle();
const readings = new Map<string, Reading>();

beforeAll(async () => {
  if (expected.size === 0)
    process.stdout.write('skipped: ../shared/corpus is not there, no real captures to read\n');
  for (const file of expected.keys()) readings.set(file, await readOne(file));
}, 120_000);

/** Of every carrier by itself: a good one hides no bad one. */
const RECALL = 0.995;
const PRECISION = 0.995;

/** What the oracle's file has no column for is asked of tshark itself, below. */
const RECORDED = VIAS.filter((via) => via !== 'referer');

interface Score {
  wanted: number;
  hit: number;
  read: number;
  /** Read and not in the oracle, without and with exceptions. */
  wrong: number;
  excepted: number;
}

function scores(): ReadonlyMap<Via, Score> {
  const byVia = new Map<Via, Score>(
    RECORDED.map((via) => [via, { wanted: 0, hit: 0, read: 0, wrong: 0, excepted: 0 }]),
  );
  for (const [file, { names }] of expected) {
    const read = readings.get(file)?.names ?? new Map<string, number>();
    for (const via of RECORDED) {
      const score = byVia.get(via);
      if (score === undefined) continue;
      const wanted = new Set(names[via] ?? []);
      for (const name of wanted) {
        if (isExcepted(file, `${via} ${name}`, 'missed')) continue;
        score.wanted += 1;
        if (read.has(`${via} ${name}`)) score.hit += 1;
      }
      for (const key of read.keys()) {
        if (!key.startsWith(`${via} `)) continue;
        score.read += 1;
        if (wanted.has(key.slice(via.length + 1))) continue;
        if (isExcepted(file, key, 'read')) score.excepted += 1;
        else score.wrong += 1;
      }
    }
  }
  return byVia;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

describe('every capture', () => {
  test('has as many packets as tshark counts, each of exactly one kind', () => {
    const off = [...expected].filter(([file, { packets }]) => {
      const reading = readings.get(file);
      const kinds = [...(reading?.kinds.values() ?? [])].reduce((sum, frames) => sum + frames, 0);
      return reading?.packets !== packets || kinds !== packets;
    });
    expect(off.map(([file]) => file)).toEqual([]);
  });
});

describe('names', () => {
  test('are read as tshark reads them', () => {
    const byVia = scores();
    let table = 'via     wanted  recall  read  precision  beyond the oracle\n';
    for (const [via, { wanted, hit, read, wrong, excepted }] of byVia) {
      const recall = share(hit, wanted).toFixed(3);
      const precision = share(read - wrong, read).toFixed(3);
      table += `${via.padEnd(6)}  ${String(wanted).padStart(6)}  ${recall.padStart(6)}  ${String(read).padStart(4)}  ${precision.padStart(9)}  ${excepted}\n`;
    }
    if (expected.size > 0) process.stdout.write(table);
    for (const [via, { wanted, hit, read, wrong }] of byVia) {
      expect(share(hit, wanted), `recall of ${via}`).toBeGreaterThanOrEqual(RECALL);
      expect(share(read - wrong, read), `precision of ${via}`).toBeGreaterThanOrEqual(PRECISION);
    }
  });

  test.runIf(hasTshark)('of pages that requests come from are those that tshark reads', () => {
    const read: string[] = [];
    const wanted: string[] = [];
    for (const [file, { names }] of readings) {
      for (const key of names.keys())
        if (key.startsWith('referer ')) read.push(`${file} ${key.slice('referer '.length)}`);
      wanted.push(...pagesByTshark(file).map((page) => `${file} ${page}`));
    }
    expect(read.sort()).toEqual(wanted.sort());
  });

  test('every exception is still one', () => {
    const idle = EXCEPTIONS.filter(({ file, name, what }) => {
      if (expected.size === 0) return false;
      const space = name.indexOf(' ');
      const via = name.slice(0, space);
      const text = name.slice(space + 1);
      const wanted = new Set(expected.get(file)?.names[via as Via] ?? []);
      if (what === 'missed') return !wanted.has(text);
      const read = [...(readings.get(file)?.names.keys() ?? [])].filter((key) => key.startsWith(`${via} `));
      const beyond = read.filter((key) => !wanted.has(key.slice(via.length + 1)));
      return !beyond.some((key) => text === '*' || key === name);
    });
    expect(idle).toEqual([]);
  });
});

/** Captures of protocols that must be called what they are, and how many frames at least. */
const MUST_HAVE: readonly (readonly [string, Kind, number])[] = [
  ['wireguard.pcap', 'wireguard', 48],
  ['tailscale.pcap', 'wireguard', 107],
  ['tunnelbear.pcap', 'wireguard', 11],
  ['openvpn.pcap', 'openvpn', 683],
  ['openvpn-tlscrypt.pcap', 'openvpn', 13],
  ['openvpn_nohmac_tcp.pcapng', 'openvpn', 192],
  ['443-opvn.pcap', 'openvpn', 43],
  ['ipsec_isakmp_esp.pcap', 'ipsec', 832],
  ['esp.pcapng', 'ipsec', 6],
  ['ah.pcapng', 'ipsec', 6],
  ['dtls.pcap', 'dtls', 18],
  ['dtls_session_id_and_coockie_both.pcap', 'dtls', 4],
  ['anyconnect-vpn.pcap', 'dtls', 29],
  ['ssh.pcap', 'ssh', 289],
  ['stun_classic.pcap', 'stun', 22],
  ['stun_google_meet.pcapng', 'stun', 362],
  ['stun_signal.pcapng', 'stun', 407],
  ['dns_dot.pcap', 'dot', 24],
  ['dns_doh.pcap', 'doh', 139],
  ['doq.pcapng', 'doq', 14],
  ['dnscrypt-v1-and-resolver-pings.pcap', 'dnscrypt', 22],
  ['dnscrypt-v2.pcap', 'dnscrypt', 5],
  ['teredo.pcap', 'teredo', 24],
  ['vxlan.pcap', 'vxlan', 127],
  ['4in4tunnel.pcap', 'ipip', 5],
  ['gre.pcapng', 'gre', 1],
  ['http_connect.pcap', 'http-proxy', 37],
];

/** The captures with a tunnel in them; whatever is called one in any other of the corpus is called so wrongly. */
const WITH_TUNNEL =
  /^(443-opvn|ah|anyconnect-vpn|dtls|esp|ipsec_isakmp|openvpn|protonvpn|ssh|tailscale|tunnelbear|wireguard)[._-]/;
const TUNNELS: readonly Kind[] = ['wireguard', 'openvpn', 'ipsec', 'tor', 'ssh', 'dtls'];

describe('kinds', () => {
  test('of tunnels and encrypted DNS are right', () => {
    const off = MUST_HAVE.filter(
      ([file, kind, least]) => expected.has(file) && (readings.get(file)?.kinds.get(kind) ?? 0) < least,
    );
    expect(off).toEqual([]);
  });

  test('never call a call, a game, a question or anything else a tunnel', () => {
    const off = [...readings.values()].filter(
      ({ file, kinds }) => !WITH_TUNNEL.test(file) && TUNNELS.some((kind) => kinds.has(kind)),
    );
    expect(off.map(({ file }) => file)).toEqual([]);
  });
});
